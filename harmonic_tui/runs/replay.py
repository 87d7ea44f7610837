"""A finished run as it looked while it was live: `python -m harmonic_tui.runs.replay RUN INTO SPEED`.

The run directory is what a trainer and the console share, so a replay is a process that writes one, at the pace at
which the run wrote its own. Whoever shows it needs to know nothing of this.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from typing import BinaryIO

from harmonic_core.errors import RunError
from harmonic_core.run.control import pending_commands
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.events import event_row
from harmonic_core.run.records import Row, decode_row, encode_row
from harmonic_core.run.samples import sample_steps, step_folder
from harmonic_core.run.status import (
    ACTIVE_STATES,
    Status,
    process_identity,
    read_status,
    seen_state,
    write_status,
)
from harmonic_core.text import plain
from harmonic_tui.curves.series import is_finite
from harmonic_tui.runs.retold import Retold

_TICK_S = 0.25
_USUAL_S = 60.0
"""How long a replay lasts where nobody says how fast it is to be."""
_LONGEST_GAP_S = 300.0
"""A run that was stopped overnight is replayed without the night."""
_EPOCH_LINE = re.compile(rb"Epoch (\d+)/\d+, ")
_GROWING = {"metrics.jsonl", "events.jsonl", "evaluations.jsonl", "console.log", "status.json", "samples", "control"}
"""What a run writes bit by bit; the rest is there from the start. Its lock stays its own."""


@contextmanager
def replaying(run: RunDirectory, speed: float | None) -> Iterator[tuple[RunDirectory, Popen[bytes]]]:
    """Replay `run` in a process of its own; gives the directory in which it grows, and the process.

    Both are gone afterwards.

    Parameters
    ----------
    run
        A run that has ended.
    speed
        How many times as fast as it was; None for one that makes the whole run last a minute, but is not below 1.

    Raises
    ------
    RunError
        If nothing was recorded, or the run still goes on.
    """
    status = _ended(run)
    speed = speed or max(1.0, float(round((status.heartbeat - status.started_at) / _USUAL_S)))
    with tempfile.TemporaryDirectory(prefix="harmonic-replay-", ignore_cleanup_errors=True) as folder:
        into = RunDirectory(Path(folder) / f"{run.name}, {speed:g} times as fast")
        Shadow(run, into, status).prepare()
        command = [
            sys.executable,
            "-m",
            "harmonic_tui.runs.replay",
            str(run.path.resolve()),
            str(into.path),
            repr(speed),
        ]
        process = Popen(command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True)
        try:
            yield into, process
        finally:
            process.terminate()
            process.wait()


def _ended(run: RunDirectory) -> Status:
    """The last status of a run that can be replayed."""
    status = read_status(run.status)
    if status is None or not run.metrics.exists():
        raise RunError(f"{run.name}: nothing to replay: it has no readable status.json and metrics.jsonl")
    if seen_state(status) in ACTIVE_STATES:
        raise RunError(f"{run.name}: still {status.state}; watch it live with `harmonic-tui {run.path}`")
    return status


class Lines:
    """Lines of a file of rows, each with the time at which it was written."""

    def __init__(self, source: Path, into: Path) -> None:
        self._rows = _timed_lines(source)
        self._into = into
        self.waiting = next(self._rows, None)

    def release(self, until: float) -> list[Row]:
        """Write every line up to `until`, seconds since 1970, and give the rows."""
        rows, lines = [], []
        while self.waiting is not None and self.waiting[0] <= until:
            _, line, row = self.waiting
            lines.append(line)
            if row is not None:
                rows.append(row)
            self.waiting = next(self._rows, None)
        if lines:
            with self._into.open("ab") as file:
                file.write(b"".join(lines))
        return rows


def _timed_lines(path: Path) -> Iterator[tuple[float, bytes, Row | None]]:
    moment = 0.0
    try:
        with path.open("rb") as file:
            for line in file:
                row = decode_row(line)
                told = row.get("time") if row else None
                if is_finite(told):
                    moment = float(told)
                yield moment, line if line.endswith(b"\n") else line + b"\n", row
    except OSError:
        return


class Shadow:
    """The directory in which a run comes about once more.

    Parameters
    ----------
    run
        What is replayed; it is only read.
    into
        Where it appears.
    last
        The run's last status, whose figures that change are taken from what was written at the time.
    """

    def __init__(self, run: RunDirectory, into: RunDirectory, last: Status) -> None:
        self._run, self._into = run, into
        self._told = Retold(run, last)

    def prepare(self) -> None:
        """Make the directory, with links to all that does not grow."""
        self._into.path.mkdir(parents=True)
        for folder in (self._into.samples, self._into.control):
            folder.mkdir()
        for entry in os.scandir(self._run.path):
            if entry.name not in _GROWING | {"run.lock"}:
                (self._into.path / entry.name).symlink_to(Path(entry.path).resolve())
        if not self._into.stars.is_symlink():
            # What one thinks of a sound while it is replayed is kept where the sound is.
            self._into.stars.symlink_to(self._run.stars.resolve())

    def play(self, speed: float, clock: Callable[[], float], wait: Callable[[float], None]) -> None:
        """Let it grow until all is there, obeying `pause` and `resume`."""
        files = [
            Lines(source, into)
            for source, into in (
                (self._run.metrics, self._into.metrics),
                (self._run.events, self._into.events),
                (self._run.evaluations, self._into.evaluations),
            )
        ]
        moment = min((each.waiting[0] for each in files if each.waiting), default=0.0)
        row: Row | None = None
        paused, before = False, clock()
        with _LogLines(self._run.console_log, self._into.console_log) as log:
            while any(each.waiting for each in files):
                paused = self._obey(paused)
                now = clock()
                if not paused:
                    moment = _next_moment(files, moment + speed * (now - before))
                before = now
                for new in (row for each in files for row in each.release(moment)):
                    row = self._take(new, log) or row
                self._tell(self._told.status(row, moment, paused=paused))
                wait(_TICK_S)
            log.release_all()
        for step in sample_steps(self._run):
            self._show_samples(step)
        self._tell(self._told.last)

    def _take(self, row: Row, log: _LogLines) -> Row | None:
        """Take note of a row; give it back if it says how far the run is."""
        match row.get("kind"):
            case "step":
                return row
            case "epoch":
                log.release(row.get("epoch"))
                self._told.epoch(row)
                return row
            case "sample":
                self._show_samples(row.get("step"))
            case _:
                self._told.event(row)
        return None

    def _show_samples(self, step: object) -> None:
        if isinstance(step, int):
            made, shown = step_folder(self._run, step), step_folder(self._into, step)
            if made.is_dir() and not shown.is_symlink():
                shown.symlink_to(made.resolve())

    def _tell(self, status: Status) -> None:
        write_status(
            self._into.status, status.model_copy(update={"heartbeat": time.time(), **process_identity(os.getpid())})
        )

    def _obey(self, paused: bool) -> bool:
        """Whether it is to wait, after what was asked for."""
        for command in pending_commands(self._into):
            if command.name in {"pause", "resume"}:
                paused = command.name == "pause"
            else:
                why = "a replay can only pause and go on"
                said = f"{plain(command.name, 40)}: refused, {why}"
                with self._into.events.open("ab") as file:
                    answer = {"obeyed": False, "why": why, "sent_at": command.sent_at}
                    file.write(encode_row(event_row("control", said, **answer)))
            command.done()
        return paused


class _LogLines:
    """The trainer's log. It has no times; the line of every epoch comes with the epoch's row."""

    def __init__(self, source: Path, into: Path) -> None:
        self._source, self._into = source, into
        self._file: BinaryIO | None = None

    def __enter__(self) -> _LogLines:
        with suppress(OSError):
            self._file = self._source.open("rb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def release(self, epoch: object) -> None:
        """Write everything up to the line of `epoch`."""
        self._release(epoch)

    def release_all(self) -> None:
        """Write the rest."""
        self._release(None)

    def _release(self, epoch: object) -> None:
        with self._into.open("ab") as file:
            for line in self._file or ():
                file.write(line)
                found = _EPOCH_LINE.search(line)
                if found and int(found[1]) == epoch:
                    return


def _next_moment(files: list[Lines], moment: float) -> float:
    """The moment, or a later one where nothing was written for long."""
    due = min((each.waiting[0] for each in files if each.waiting), default=moment)
    return due if due - moment > _LONGEST_GAP_S else moment


def _end_with_the_console(folder: Path) -> None:
    """Wait until nobody holds the other end of standard input any more, then leave nothing behind."""
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def main(argv: list[str]) -> None:
    """Replay until all is there, or until this process is told to end."""
    run, into, speed = RunDirectory(Path(argv[0])), RunDirectory(Path(argv[1])), float(argv[2])
    last = read_status(run.status)
    if last is None:
        sys.exit(1)
    end = Thread(target=_end_with_the_console, args=(into.path.parent,), daemon=True)
    end.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Shadow(run, into, last).play(speed, time.monotonic, time.sleep)
    end.join()


if __name__ == "__main__":
    main(sys.argv[1:])
