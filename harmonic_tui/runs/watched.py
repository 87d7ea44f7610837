"""The run that is open: what is known of it, kept in one place and told to whatever screen shows it."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from harmonic_core.run.directory import RunDirectory
from harmonic_tui.curves.series import Scale
from harmonic_tui.runs.boards import BoardWatch
from harmonic_tui.runs.evaluated import Evaluated
from harmonic_tui.runs.feed import Feed
from harmonic_tui.runs.messages import (
    EvaluationRead,
    EventsRead,
    FiguresRead,
    LogRead,
    MusicRead,
    ProfileRead,
    SamplesFound,
    Seen,
    StatusSeen,
)
from harmonic_tui.runs.refusals import Refusals

if TYPE_CHECKING:
    from harmonic_core.run.music import Music
    from harmonic_core.run.records import Row
    from harmonic_core.run.samples import Sample

_KEPT_EVENTS = 20_000


class WatchedRun:
    """Takes what the feed reads, and gives it to screens, also to one that comes later.

    Attributes
    ----------
    run
        Where it lies.
    process
        Its trainer, if that was started here.
    seen
        Its newest state; None before the first look.
    scale
        Its curves, and what all charts of it have in common.
    events, samples, log
        What happened, oldest first; the newest set of sounds; the end of the trainer's log.
    refusals, evaluated, profile
        Refused files; what was measured, and how promises stand; what the profile says.
    music
        What the music adds up to; None before it is ready.
    """

    def __init__(
        self,
        run: RunDirectory,
        process: subprocess.Popen[bytes] | None,
        clock: Callable[[], float],
        interval: Callable[[], float],
    ) -> None:
        self.run, self.process = run, process
        self.seen: Seen | None = None
        self.scale = Scale()
        self.events: deque[Row] = deque(maxlen=_KEPT_EVENTS)
        self.samples: list[Sample] = []
        self.log: list[str] = []
        self.refusals = Refusals()
        self.evaluated = Evaluated(run)
        self.profile: ProfileRead | None = None
        self.music: Music | None = None
        self._feed = Feed(run, clock=clock, process=process, interval=interval)

    @property
    def board_watch(self) -> BoardWatch:
        """What asks the driver of the run's graphics cards."""
        return self._feed.board_watch

    async def follow(self, post: Callable[[Message], bool]) -> None:
        """Read what is new, for ever. `post` takes each message, in the thread that reads."""
        await self._feed.follow(post)

    def take(self, message: Message) -> None:
        """Take note of what was read."""
        match message:
            case StatusSeen(seen=seen):
                self.seen = seen
                self.evaluated.tell_seen(seen)
                if seen.status:
                    self.refusals.begin(seen.status.started_at)
                    self.scale.tell(seen.status)
            case FiguresRead(parsed=parsed, curves=curves):
                if curves is not None:
                    self.scale.curves = curves
                for each in parsed:
                    self.scale.curves.extend(each)
            case EventsRead(rows=rows, restarted=restarted):
                if restarted:
                    self.events.clear()
                self.events.extend(rows)
                self.refusals.read(rows, restarted=restarted)
            case SamplesFound(samples=samples):
                self.samples = samples
            case LogRead(lines=lines):
                self.log = lines
            case ProfileRead():
                self.profile = message
                self.evaluated.tell_profile(message)
            case MusicRead(music=music):
                self.music = music
            case EvaluationRead(report=report):
                self.evaluated.tell_report(report)

    def so_far(self) -> list[Message]:
        """Everything that is known, as messages for a screen that begins to look."""
        told: list[Message] = []
        if self.seen is not None:
            told.append(StatusSeen(self.seen))
        if self.profile is not None:
            told.append(replace(self.profile))
        told.append(EventsRead(list(self.events), restarted=True))
        # The curves are in `scale` already.
        told.append(FiguresRead())
        if self.samples:
            told.append(SamplesFound(self.samples))
        if self.log:
            told.append(LogRead(self.log))
        if self.music is not None:
            told.append(MusicRead(self.music))
        if self.evaluated.report is not None:
            told.append(EvaluationRead(self.evaluated.report))
        return told
