"""The one place that looks at a run's files, and says what is new in them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable

from textual.message import Message

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import RecordTail
from harmonic_tui.messages import (
    EvaluationRead,
    EventsRead,
    FiguresRead,
    LogRead,
    ProfileRead,
    SamplesFound,
    Seen,
    StatusSeen,
)
from harmonic_tui.plain import plain, plain_lines

POLL_INTERVAL_S = 0.5
STALE_AFTER_S = 10.0
LOG_LINES = 60
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
    """

    def __init__(
        self,
        run: RunDirectory,
        *,
        clock: Callable[[], float] = time.time,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self._run = run
        self._clock = clock
        self._process = process
        self._metrics = RecordTail(run.metrics)
        self._events = RecordTail(run.events)
        self._evaluations = RecordTail(run.evaluations)
        self._seen: Seen | None = None
        self._log_stamp: tuple[int, int] | None = None
        self._sample_stamp: tuple[int, int] | None = None
        self._profile_stamp: tuple[int, int] | None = None

    async def follow(self, post: Callable[[Message], bool]) -> None:
        """Poll for ever; files are read in a thread, so that a slow disk never holds up the screen.

        Parameters
        ----------
        post
            Takes each message as soon as it is read, in that thread.
        """
        while True:
            await asyncio.to_thread(self._look_everywhere, post)
            await asyncio.sleep(POLL_INTERVAL_S)

    def _look_everywhere(self, post: Callable[[Message], bool]) -> None:
        for source in (
            *(self.status, self.log, self.figures, self.events),
            *(self.samples, self.profile, self.evaluations),
        ):
            for message in source():
                post(message)

    def status(self) -> list[Message]:
        """The run's state, when it changed."""
        seen = self._look()
        if seen == self._seen:
            return []
        self._seen = seen
        return [StatusSeen(seen)]

    def figures(self) -> list[Message]:
        """New rows of metrics."""
        before = self._metrics.restarts
        rows = self._metrics.read()
        restarted = self._metrics.restarts != before
        return [FiguresRead(rows, restarted)] if rows or restarted else []

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
        """The newest set of samples, when there is another or it grew."""
        from harmonic_core.run.samples import read_samples, sample_steps, step_folder

        steps = sample_steps(self._run)
        if not steps:
            return []
        try:
            stamp = (steps[-1], step_folder(self._run, steps[-1]).stat().st_mtime_ns)
        except OSError:
            return []
        if stamp == self._sample_stamp:
            return []
        self._sample_stamp = stamp
        found = read_samples(self._run, steps[-1])
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
