"""The one writer of a run directory: figures, events, status, and the words on the terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harmonic_core.errors import ExitCode
from harmonic_core.run import words
from harmonic_core.run.atomic import lacks_room
from harmonic_core.run.control import Command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.events import EventKind, event_row
from harmonic_core.run.records import RecordWriter, Row, keep_rows
from harmonic_core.run.status import Device, Preparation, State, Status, process_identity, write_status
from harmonic_core.training.inbox import Inbox
from harmonic_core.training.tensorboard import TensorBoardLog

_HEARTBEAT_S = 1.0
_RATE_OVER_S = 10.0


class Journal:
    """Writes what a run does, for the console, for scripts and for whoever sits at the terminal.

    A thread renews `status.json` every second, so that a reader can tell a busy trainer from a dead one.

    Parameters
    ----------
    run
        The directory; it exists and is locked.
    status
        Fields of the first status beside those of the process.
    measure
        Gives the device's figures; called by the heartbeat.
    tensorboard
        Also write the figures for TensorBoard.

    Attributes
    ----------
    lacks_room
        Whether rows or events wait for room on the disk.
    trouble
        Why the status cannot be written, where more room would not help.
    """

    def __init__(
        self, run: RunDirectory, measure: Callable[[], Device], *, tensorboard: bool = False, **status: Any
    ) -> None:
        self.run = run
        self.measure = measure
        self._inbox = Inbox(run)
        self._tensorboard = TensorBoardLog(run.logs, warn=self.warn) if tensorboard else None
        self._metrics = RecordWriter(run.metrics)
        self._evaluations = RecordWriter(run.evaluations)
        self._event_writer = RecordWriter(run.events)
        self._log = None if _is_same_file(sys.stdout, run.console_log) else run.console_log.open("a", encoding="utf-8")
        now = time.time()
        self.status = Status(
            state="preparing", started_at=now, heartbeat=now, name=run.name, **process_identity(os.getpid()), **status
        )
        # One lock for the status and its file: an older heartbeat must not overwrite the last word.
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._terminal = Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._decoding = DecodingRate()
        self.lacks_room = False
        self.trouble: OSError | None = None

    def __enter__(self) -> Self:
        self.update()
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_heart()
        self.end_progress()
        if self._tensorboard:
            self._tensorboard.close()
        self._metrics.close()
        self._evaluations.close()
        self._event_writer.close()
        # What it could not write before it cannot write now.
        with suppress(OSError):
            if self._log:
                self._log.close()

    def _beat(self) -> None:
        while not self._ended.wait(_HEARTBEAT_S):
            try:
                self.update()
            except OSError as error:
                # A run directory that is gone, for one: the loop has to know, and nothing else might ever tell.
                self.trouble = error

    def _stop_heart(self) -> None:
        self._ended.set()
        self._heart.join()

    def close_with(self, state: State, exit_code: ExitCode, message: str) -> None:
        """Write the last status; it stays even if nothing else can be written any more."""
        self._stop_heart()
        self.end_progress()
        with suppress(OSError):
            if exit_code not in {ExitCode.OK, ExitCode.HANGUP, ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
                self.event("failure", message, exit_code=int(exit_code))
            self.update(state=state, exit_code=int(exit_code), message=message, eta_s=None)
        # After the last word, since nobody sends a command from then on.
        with suppress(OSError):
            for command in self._inbox.unanswered():
                self.refuse(command, "the run has ended")

    def update(self, **fields: Any) -> None:
        """Change fields of the status and write it."""
        with self._lock:
            self.status = self.status.model_copy(update={**fields, "heartbeat": time.time(), "device": self.measure()})
            try:
                write_status(self.run.status, self.status)
            except OSError as error:
                # The next beat may find room; whoever needs it for more waits for it.
                if not lacks_room(error):
                    raise

    def note(self, **fields: Any) -> None:
        """Change fields of the status; the next heartbeat writes them."""
        with self._lock:
            self.status = self.status.model_copy(update=fields)

    def row(self, figures: Mapping[str, Any]) -> None:
        """Add a row to the metrics."""
        self._append(self._metrics, figures)
        if self._tensorboard:
            self._tensorboard.row(figures)

    def evaluation(self, figures: Mapping[str, Any]) -> None:
        """Add a row to what the run measures of itself now and then."""
        self._append(self._evaluations, figures)
        if self._tensorboard:
            self._tensorboard.row(figures)

    def preparing(self, told: Preparation) -> None:
        """Note how far the music is, for the next heartbeat, and move the progress bar."""
        rate = self._decoding.measure(told, time.monotonic())
        self.note(preparation=told.model_copy(update={"rate": rate}))
        self.show_progress(told.done, told.total, words.preparation(told, going_on=False))

    def event(self, kind: EventKind, message: str, **details: Any) -> None:
        """Record something that happened, without words on the terminal."""
        self._append(self._event_writer, event_row(kind, message, **details))

    def _append(self, writer: RecordWriter, row: Mapping[str, Any]) -> None:
        try:
            writer.append(row)
        except OSError as error:
            if not lacks_room(error):
                raise
            self.lacks_room = True

    def insist_on_rows(self) -> None:
        """Write rows and events that wait for room, and force the rows to disk.

        Raises
        ------
        OSError
            If there is no room.
        """
        self._metrics.flush()
        self._evaluations.flush()
        self._event_writer.flush()
        self._metrics.sync()
        self._evaluations.sync()
        self.lacks_room = False

    def sounds(self, folder: Path, step: int) -> None:
        """Let TensorBoard have a set of sounds too."""
        if self._tensorboard:
            self._tensorboard.sounds(folder, step)

    def pictures(self, folder: Path, step: int) -> None:
        """Let TensorBoard have a set of pictures too."""
        if self._tensorboard:
            self._tensorboard.pictures(folder, step)

    def keep_rows(self, wanted: Callable[[Row], bool], step: int) -> None:
        """Forget the rows that are not `wanted`, all of them after `step` or of its own: they will come again."""
        self._metrics.forget()
        keep_rows(self.run.metrics, wanted)
        self._evaluations.forget()
        keep_rows(self.run.evaluations, lambda row: row.get("step", 0) <= step)
        if self._tensorboard:
            self._tensorboard.rewind(step)

    def warn(self, message: str) -> None:
        """Say and record what may surprise somebody."""
        self.event("warning", message)
        self.log(f"warning: {message}")

    def phase(self, message: str) -> None:
        """Say and record what the run does now."""
        self.event("phase", message)
        self.update(phase=message)
        self.log(message)

    def log(self, line: str) -> None:
        """Print one line for people on stderr and into `console.log`."""
        self._print(line, sys.stderr)

    def result(self, line: str) -> None:
        """Print one line of results on stdout and into `console.log`."""
        self._print(line, sys.stdout)

    def _print(self, line: str, stream: TextIO) -> None:
        # Whoever watched may be gone, and so may the terminal: no reason to end a night's work.
        with suppress(OSError):
            print(line, file=stream, flush=True)
        # Nor is a full disk, which other writers wait for.
        with suppress(OSError):
            if self._log:
                self._log.write(f"{line}\n")
                self._log.flush()

    def commands(self) -> list[Command]:
        """Commands that wait for the trainer and were not given before."""
        return self._inbox.new()

    def answered(self, path: Path) -> None:
        """Remove the file of a command: what became of it is recorded."""
        self._inbox.answered(path)

    def refuse(self, command: Command, why: str, step: int | None = None) -> None:
        """Record that a command is not obeyed, and why; remove its file."""
        at = self.status.step if step is None else step
        self.event("control", f"{command.words}: refused, {why}", **command.details, step=at, obeyed=False, why=why)
        self._inbox.answered(command.path)

    def show_progress(self, done: int, total: int, words: str) -> None:
        """Move the progress bar; where stderr is no terminal nothing is shown."""
        if not self._terminal.is_terminal:
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(None),
                TimeRemainingColumn(compact=True),
                console=self._terminal,
                transient=True,
                refresh_per_second=4,
                # Results that go to a file must not be drawn on the screen instead.
                redirect_stdout=sys.stdout.isatty(),
            )
            self._progress.start()
            self._task = self._progress.add_task(words, total=total)
        assert self._task is not None
        self._progress.update(self._task, completed=done, total=total, description=words)

    def end_progress(self) -> None:
        """Take the progress bar away, so that the next one starts its own clock."""
        if self._progress:
            # The terminal may be gone, and the last status must be written all the same.
            with suppress(OSError):
                self._progress.stop()
            self._progress = None


class SilentJournal(Journal):
    """That of a rank that is not the first: it takes everything and writes nothing."""

    def __init__(self, run: RunDirectory, measure: Callable[[], Device]) -> None:
        self.run = run
        self.measure = measure
        self.lacks_room = False
        self.trouble = None
        self._decoding = DecodingRate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def close_with(self, state: State, exit_code: ExitCode, message: str) -> None:
        """Do nothing."""

    def update(self, **fields: Any) -> None:
        """Do nothing."""

    def note(self, **fields: Any) -> None:
        """Do nothing."""

    def row(self, figures: Mapping[str, Any]) -> None:
        """Do nothing."""

    def evaluation(self, figures: Mapping[str, Any]) -> None:
        """Do nothing."""

    def event(self, kind: EventKind, message: str, **details: Any) -> None:
        """Do nothing."""

    def insist_on_rows(self) -> None:
        """Do nothing."""

    def sounds(self, folder: Path, step: int) -> None:
        """Do nothing."""

    def pictures(self, folder: Path, step: int) -> None:
        """Do nothing."""

    def keep_rows(self, wanted: Callable[[Row], bool], step: int) -> None:
        """Do nothing."""

    def commands(self) -> list[Command]:
        """None: the first rank takes them."""
        return []

    def answered(self, path: Path) -> None:
        """Do nothing."""

    def refuse(self, command: Command, why: str, step: int | None = None) -> None:
        """Do nothing."""

    def show_progress(self, done: int, total: int, words: str) -> None:
        """Do nothing."""

    def end_progress(self) -> None:
        """Do nothing."""

    def _print(self, line: str, stream: TextIO) -> None:
        pass


class DecodingRate:
    """Seconds of music that are decoded in a second, over the last ten."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self._from_cache = 0

    def measure(self, told: Preparation, now: float) -> float | None:
        """Take note of what is ready at `now` (seconds on any clock); None while music comes from the cache."""
        if told.from_cache != self._from_cache:
            self._from_cache = told.from_cache
            self._seen.clear()
        self._seen.append((now, told.audio_s))
        while now - self._seen[1 if len(self._seen) > 1 else 0][0] > _RATE_OVER_S:
            self._seen.popleft()
        began, ready = self._seen[0]
        return (told.audio_s - ready) / (now - began) if now > began and told.audio_s > ready else None


def _is_same_file(stream: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except (OSError, ValueError):
        return False
