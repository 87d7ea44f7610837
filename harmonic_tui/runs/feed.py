"""The one place that looks at a run's files, and says what is new in them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import RecordTail
from harmonic_tui.curves.figures import FigureReader
from harmonic_tui.plain import plain, plain_lines
from harmonic_tui.runs.boards import BoardWatch
from harmonic_tui.runs.messages import (
    EvaluationRead,
    EventsRead,
    LogRead,
    MusicRead,
    ProfileRead,
    SamplesFound,
    Seen,
    StatusSeen,
)

if TYPE_CHECKING:
    from harmonic_core.run.board import Board

POLL_INTERVAL_S = 0.5
STALE_AFTER_S = 10.0
LOG_LINES = 60
SAMPLES_AT_A_GLANCE = 200
"""Samples of the newest set that are read for whoever shows only that."""
_LOG_BYTES = 16_384


class Feed:
    """Follows one run. Each of its sources returns messages for what changed since it was last asked.

    Parameters
    ----------
    run
        The run; it may appear later, vanish, or be written anew.
    clock
        Seconds since 1970.
    process
        The trainer, if it was started here: how it ended is known even where it left no status.
    interval
        Seconds from one look to the next.

    Attributes
    ----------
    board_watch
        Asks the driver of the graphics cards.
    """

    def __init__(
        self,
        run: RunDirectory,
        *,
        clock: Callable[[], float] = time.time,
        process: subprocess.Popen[bytes] | None = None,
        interval: Callable[[], float] = lambda: POLL_INTERVAL_S,
    ) -> None:
        self._run = run
        self._interval = interval
        self._clock = clock
        self._process = process
        self._metrics = FigureReader(run.metrics)
        self._events = RecordTail(run.events)
        self._evaluations = RecordTail(run.evaluations)
        self.board_watch = BoardWatch()
        self._boards: Mapping[str, Board] = {}
        self._seen: Seen | None = None
        self._log_stamp: tuple[int, int] | None = None
        self._sample_stamp: tuple[int, int] | None = None
        self._samples_changed = -1
        self._newest_step: int | None = None
        self._profile_stamp: tuple[int, int] | None = None
        self._music_stamp: tuple[int, int] | None = None

    async def follow(self, post: Callable[[Message], bool]) -> None:
        """Poll for ever; files are read in a thread, so that a slow disk never holds up the screen.

        Parameters
        ----------
        post
            Takes each message as soon as it is read, in that thread.
        """
        try:
            while True:
                await asyncio.to_thread(self._look_everywhere, post)
                await asyncio.sleep(self._interval())
        finally:
            self.board_watch.close()
            self._metrics.close()

    def _look_everywhere(self, post: Callable[[Message], bool]) -> None:
        for source in (
            *(self.status, self.log, self.figures, self.events),
            # What may take longest comes last.
            *(self.samples, self.profile, self.music, self.evaluations, self.boards),
        ):
            for message in source():
                post(message)

    def status(self) -> list[Message]:
        """The run's state, when it changed."""
        seen = replace(self._look(), boards=self._boards)
        if seen == self._seen:
            return []
        self._seen = seen
        return [StatusSeen(seen)]

    def boards(self) -> list[Message]:
        """The run's state once more, when the driver has news of its graphics cards."""
        seen = self._seen
        if seen is None:
            return []
        self._boards = self.board_watch.look(seen.status, active=seen.active)
        if self._boards == seen.boards:
            return []
        self._seen = replace(seen, boards=self._boards)
        return [StatusSeen(self._seen)]

    def figures(self) -> list[Message]:
        """New rows of metrics."""
        read = self._metrics.read()
        return [read] if read else []

    def events(self) -> list[Message]:
        """New events."""
        before = self._events.restarts
        rows = self._events.read()
        restarted = self._events.restarts != before
        return [EventsRead(rows, restarted)] if rows or restarted else []

    def evaluations(self) -> list[Message]:
        """What the run measured of itself last, when it did so again."""
        before = self._evaluations.restarts
        rows = self._evaluations.read()
        restarted = self._evaluations.restarts != before
        if not rows and not restarted:
            return []
        from harmonic_core.run.evaluations import report_of

        newest = next((report for row in reversed(rows) if (report := report_of(row)) is not None), None)
        return [EvaluationRead(newest)] if newest or restarted else []

    def samples(self) -> list[Message]:
        """The newest set of samples, when there is another or it grew; of a very large one, the beginning."""
        from harmonic_core.run.samples import read_samples, sample_steps, step_folder

        try:
            changed = self._run.samples.stat().st_mtime_ns
            # A run can have tens of thousands of sets: their names are read when one came or went.
            if changed != self._samples_changed:
                self._newest_step = max(sample_steps(self._run), default=None)
                self._samples_changed = changed
            if self._newest_step is None:
                return []
            stamp = (self._newest_step, step_folder(self._run, self._newest_step).stat().st_mtime_ns)
        except OSError:
            self._samples_changed = -1
            return []
        if stamp == self._sample_stamp:
            return []
        self._sample_stamp = stamp
        found = read_samples(self._run, self._newest_step, SAMPLES_AT_A_GLANCE)
        return [SamplesFound(found)] if found else []

    def log(self) -> list[Message]:
        """The end of the trainer's log, when it grew."""
        try:
            with self._run.console_log.open("rb") as file:
                stat = os.fstat(file.fileno())
                stamp = (stat.st_ino, stat.st_size)
                if stamp == self._log_stamp:
                    return []
                file.seek(max(0, stat.st_size - _LOG_BYTES))
                text = file.read(_LOG_BYTES).decode(errors="replace")
        except OSError:
            return []
        self._log_stamp = stamp
        return [LogRead(plain_lines(text, LOG_LINES))]

    def profile(self) -> list[Message]:
        """What the profile says, when it was written."""
        try:
            stat = self._run.profile.stat()
        except OSError:
            return []
        stamp = (stat.st_ino, stat.st_mtime_ns)
        if stamp == self._profile_stamp:
            return []
        self._profile_stamp = stamp
        return [_profile_of(self._run)]

    def music(self) -> list[Message]:
        """What the music adds up to, when it was written, or is gone."""
        try:
            stat = self._run.music.stat()
        except OSError:
            stamp = None
        else:
            stamp = (stat.st_ino, stat.st_mtime_ns)
        if stamp == self._music_stamp:
            return []
        self._music_stamp = stamp
        from harmonic_core.run.music import read_music

        return [MusicRead(read_music(self._run))]

    def _look(self) -> Seen:
        # Imported here, in the thread that reads: the first frame need not wait for the models of the files.
        from harmonic_core.run.status import ACTIVE_STATES, read_status, seen_state

        exit_code = self._process.poll() if self._process else None
        status = read_status(self._run.status)
        if status is None:
            return self._without_status(exit_code)
        now = self._clock()
        state = seen_state(status, now)
        silent = now - status.heartbeat if status.state in ACTIVE_STATES else 0.0
        if state != "lost" and silent < STALE_AFTER_S:
            # Every heartbeat moves the time; what nobody sees must not cause a redraw.
            active = status.state in ACTIVE_STATES
            return Seen(state, status.model_copy(update={"heartbeat": 0.0}) if active else status)
        return Seen(state, status, 5.0 * (silent // 5) if silent < 120 else 60.0 * (silent // 60), exit_code)

    def _without_status(self, exit_code: int | None) -> Seen:
        if self._process is not None and exit_code is None:
            return Seen("starting")
        if self._process is not None:
            return Seen("failed", exit_code=exit_code)
        if self._run.status.exists():
            return Seen("unreadable")
        return Seen("starting") if self._run.path.is_dir() else Seen("gone")


def _profile_of(run: RunDirectory) -> ProfileRead:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.music import music_folders
    from harmonic_core.profile.resolve import load

    try:
        profile = load(run.profile)
    except ProfileError:
        return ProfileRead("", None)
    folders = [f"{kind} in {plain(str(folder))}" for kind, folder in music_folders(profile.data)]
    music = ", ".join(folders) if folders else "made by the program itself"
    return ProfileRead(
        music,
        profile.train.grad_accum_steps,
        epochs=profile.train.epochs,
        evaluated_every=profile.output.checkpoint_every if profile.evaluation.evaluation_share else 0,
        case_study=profile.case_study.model_dump(),
    )
