"""The pictures of a run, drawn by another process while training goes on."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import harmonic_core
from harmonic_core.evaluation.picture_data import PictureData
from harmonic_core.run.directory import RunDirectory
from harmonic_core.training.journal import Journal
from harmonic_core.training.signals import StopSignals

_LAST_WAIT_S = 30.0
_NICENESS = 15
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class _Drawing(NamedTuple):
    epoch: int
    step: int
    folder: Path
    process: subprocess.Popen[bytes]


class PictureQueue:
    """Has pictures drawn into `visualizations/epoch_010`, one set at a time, whole or not at all.

    A set that comes while another is being drawn waits; if a newer one comes then, it is left out. Whatever goes wrong
    is a warning among the events and never the end of the run. Leaving the block waits half a minute for what is not
    done yet, but not after a signal or an error.

    Parameters
    ----------
    run
        Where to.
    journal
        Hears of what went wrong.
    signals
        A signal ends the last wait.
    """

    def __init__(self, run: RunDirectory, journal: Journal, signals: StopSignals) -> None:
        self._run, self._journal, self._signals = run, journal, signals
        self._drawing: _Drawing | None = None
        self._waiting: tuple[PictureData, int] | None = None

    def __enter__(self) -> Self:
        for left_over in self._run.visualizations.glob(".epoch_*.tmp"):
            shutil.rmtree(left_over, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        deadline = time.monotonic() + _LAST_WAIT_S
        try:
            while kind is None and not self._signals.received and time.monotonic() < deadline:
                self.look()
                if self._drawing is None:
                    break
                with suppress(subprocess.TimeoutExpired):
                    self._drawing.process.wait(0.1)
        finally:
            self._give_up()

    def add(self, data: PictureData, step: int) -> None:
        """Have `data` of `step` drawn as soon as nothing else is."""
        if self._waiting:
            self._miss(self._waiting[0].epoch, f"those of epoch {data.epoch} came before they could be drawn")
        self._waiting = data, step
        self.look()

    def look(self) -> None:
        """Put finished pictures in their place and begin the next ones; to be called now and then."""
        if self._drawing:
            if self._drawing.process.poll() is None:
                return
            drawing, self._drawing = self._drawing, None
            self._take(drawing)
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            self._begin(*waiting)

    def _begin(self, data: PictureData, step: int) -> None:
        folder = self._run.visualizations / f".epoch_{data.epoch:03d}.{secrets.token_hex(4)}.tmp"
        try:
            self._run.visualizations.mkdir(exist_ok=True)
            folder.mkdir()
            data.save(_data_file(folder))
            with self._run.console_log.open("ab") as log:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "harmonic_core.evaluation.pictures",
                        str(_data_file(folder).absolute()),
                        str(folder.absolute()),
                        str(self._run.metrics.absolute()),
                    ],
                    # The same package as this one, and no module of the folder that the user happens to be in.
                    cwd=Path(harmonic_core.__file__).parents[1],
                    env={**os.environ, **_ONE_THREAD},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._drawing = _Drawing(data.epoch, step, folder, process)
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            self._miss(data.epoch, f"{error.strerror or error}")

    def _take(self, drawing: _Drawing) -> None:
        """Rename what was drawn, or remove what was not."""
        try:
            if drawing.process.returncode:
                why = f"drawing ended with exit status {drawing.process.returncode}; console.log may say why"
                self._miss(drawing.epoch, why)
                return
            _data_file(drawing.folder).unlink()
            target = self._run.visualizations / f"epoch_{drawing.epoch:03d}"
            if target.exists():
                shutil.rmtree(target)
            drawing.folder.rename(target)
            self._journal.pictures(target, drawing.step)
        except OSError as error:
            self._miss(drawing.epoch, f"{error.strerror or error}")
        finally:
            shutil.rmtree(drawing.folder, ignore_errors=True)

    def _give_up(self) -> None:
        drawing, waiting = self._drawing, self._waiting
        self._drawing = self._waiting = None
        # The run may be ending because the disk is full, and that is what is to be reported.
        with suppress(OSError):
            if drawing:
                drawing.process.kill()
                drawing.process.wait()
                shutil.rmtree(drawing.folder, ignore_errors=True)
                self._miss(drawing.epoch, "the run ended before they were drawn")
            if waiting:
                self._miss(waiting[0].epoch, "the run ended before they were drawn")

    def _miss(self, epoch: int, why: str) -> None:
        self._journal.event("warning", f"no pictures of epoch {epoch}: {why}", epoch=epoch)


def _data_file(folder: Path) -> Path:
    return folder / "data.npz"
