"""What the feed and the player tell a screen. A newer message of a kind stands for all older ones where it can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harmonic_core.run.board import Board
    from harmonic_core.run.evaluations import Report
    from harmonic_core.run.music import Music
    from harmonic_core.run.records import Row
    from harmonic_core.run.samples import Sample
    from harmonic_core.run.status import Status
    from harmonic_tui.curves.columns import Parsed
    from harmonic_tui.curves.series import Curves
    from harmonic_tui.runs.watched import WatchedRun
    from harmonic_tui.wording import ShownState

_BY_COMMAND = "by command"
"""Why a run is paused that somebody asked to pause."""


@dataclass(frozen=True)
class Seen:
    """A run as it looks from here at one moment."""

    state: ShownState
    status: Status | None = None
    silent_s: float = 0.0
    """Seconds since the trainer's last heartbeat, rounded where it changes nothing."""
    exit_code: int | None = None
    """How the trainer's process ended, if it ended before it told anything."""
    boards: Mapping[str, Board] = field(default_factory=dict, hash=False)
    """What the driver says of the run's graphics cards, by their UUID as the trainer writes it."""

    @property
    def active(self) -> bool:
        """Whether a trainer works, or is about to."""
        from harmonic_core.run.status import ACTIVE_STATES

        return self.state in ACTIVE_STATES or self.state == "starting"

    @property
    def waits_by_itself(self) -> bool:
        """Whether the run is paused for a reason that goes away without a command, such as a full disk."""
        return self.state == "paused" and self.status is not None and self.status.why not in {"", _BY_COMMAND}

    @property
    def ended_untrained(self) -> bool:
        """Whether the run ended, or was lost, before its first epoch."""
        if self.status is None or self.status.epoch or self.status.step:
            return False
        lost = self.state == "lost" and self.status.state == "preparing"
        return lost or self.state in {"failed", "stopped", "diverged"}


@dataclass
class Told(Message, bubble=False):
    """The feed has something for whoever shows the run."""

    watched: WatchedRun = field(repr=False)
    message: Message


@dataclass
class StatusSeen(Message, bubble=False):
    """The run's state changed, or grew staler."""

    seen: Seen

    def can_replace(self, message: Message) -> bool:
        """Only the newest state counts."""
        return isinstance(message, StatusSeen)


@dataclass
class FiguresRead(Message, bubble=False):
    """New rows of metrics."""

    parsed: Sequence[Parsed] = field(default=(), repr=False)
    """What is to be added to the curves."""
    curves: Curves | None = field(default=None, repr=False)
    """Curves that take the place of those so far; before `parsed`."""


@dataclass
class EventsRead(Message, bubble=False):
    """New events."""

    rows: list[Row] = field(repr=False)
    restarted: bool


@dataclass
class SamplesFound(Message, bubble=False):
    """The newest set of samples changed."""

    samples: list[Sample] = field(repr=False)

    def can_replace(self, message: Message) -> bool:
        """Only the newest set counts."""
        return isinstance(message, SamplesFound)


@dataclass
class EvaluationRead(Message, bubble=False):
    """The run measured itself once more."""

    report: Report | None = field(repr=False)
    """The newest; None where what was read before no longer counts and there is nothing else."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, EvaluationRead)


@dataclass
class ProfileRead(Message, bubble=False):
    """What the run's profile says of its music, its batches and its evaluations."""

    music: str
    """Where the music lies, in words and harmless to show; empty where the profile cannot be read."""
    grad_accum_steps: int | None
    """Parts of a batch as planned; None where the profile cannot be read."""
    epochs: int = 0
    evaluated_every: int = 0
    """Epochs from one evaluation to the next; 0 where the run makes none."""
    case_study: Mapping[str, float | None] = field(default_factory=dict)
    """What the profile promises, by setting."""


@dataclass
class MusicRead(Message, bubble=False):
    """What the music of the run adds up to was written down, once more perhaps."""

    music: Music | None = field(repr=False)
    """None where what was read before is gone."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, MusicRead)


@dataclass
class LogRead(Message, bubble=False):
    """The end of the trainer's log, harmless to show."""

    lines: list[str] = field(repr=False)

    def can_replace(self, message: Message) -> bool:
        """Each holds the whole end of the log."""
        return isinstance(message, LogRead)
