"""What signals and commands ask of a run, agreed on by all of its ranks."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from harmonic_core.errors import ProfileError
from harmonic_core.profile.steering import SETTINGS, checked
from harmonic_core.run.control import DEEDS, Command
from harmonic_core.training.distributed import Team
from harmonic_core.training.journal import Journal
from harmonic_core.training.signals import StopSignals

_LOOK_EVERY_S = 0.2
_REPORT_EVERY_S = 1.0
_ASKED = ("checkpoint", "room", "report")
_EARLIER = "sent to an earlier start of the run"


class Wish(NamedTuple):
    """A command whose turn comes; it is answered when it is done, and may have to be refused then."""

    name: str
    """A deed, or a setting to change."""
    value: float | None
    """What to; None for what the profile says."""
    sender: str
    sent_at: float | None
    path: Path
    """Its file."""

    @property
    def details(self) -> dict[str, Any]:
        """What its event says beside the outcome."""
        told = {"command": self.name, "value": self.value, "by": self.sender, "sent_at": self.sent_at}
        return {key: each for key, each in told.items() if each not in {None, ""}}


class Orders:
    """Collects what is asked for. Only the first rank reads commands; a signal may come to any.

    Parameters
    ----------
    journal
        Gives commands, and tells when there is no room to write.
    signals
        Those of this process.
    team
        The ranks that have to agree.
    place
        Gives the updates made so far, for the record.

    Attributes
    ----------
    asked
        What the run asks of itself: `checkpoint` after some minutes; `room` where rows wait for room on the disk;
        `report` once a second, where there are several ranks to report on.
    signal
        The first signal that any rank received.
    stop
        The first command that asked for the end; what was sent after it is not done any more.
    """

    def __init__(
        self, journal: Journal, signals: StopSignals, team: Team, place: Callable[[], int] = lambda: 0
    ) -> None:
        self.asked: set[str] = set()
        self.signal: signal.Signals | None = None
        self.stop: Wish | None = None
        self._journal, self._signals, self._team, self._place = journal, signals, team, place
        self._next_look = self._next_report = 0.0
        self._heard: list[Wish] = []
        """What this rank knows and the others do not yet."""
        self._wishes: list[Wish] = []

    @property
    def end(self) -> bool:
        """Whether the run is to end."""
        return self.signal is not None or self.stop is not None

    def stopped(self) -> bool:
        """Tell whether to give work up half-way for a signal: not in a team, where others wait for this rank's part."""
        return self._team.is_alone and self.is_signalled()

    def is_signalled(self) -> bool:
        """Tell whether this process received a signal, which its team may not know yet."""
        return self._signals.received is not None

    def look(self, *, at_once: bool = False) -> bool:
        """Learn what is new; all ranks must call it at the same steps. Tells whether it looked closely.

        Parameters
        ----------
        at_once
            Read commands although they were read a moment ago.

        Raises
        ------
        OSError
            If the run directory cannot be written any more.
        """
        due = at_once or time.monotonic() >= self._next_look
        if due:
            self._next_look = time.monotonic() + _LOOK_EVERY_S
            self._take_commands()
        received = self._signals.received or 0
        news = len(self._heard)
        if not self._team.is_alone:
            received, news, *asked = self._team.most([received, news, *(name in self.asked for name in _ASKED)])
            self.asked.update(name for name, wanted in zip(_ASKED, asked, strict=True) if wanted)
        if news:
            # Values go as they are: all ranks must compute with the very same number.
            self._wishes += self._team.collect(self._heard)[0]
            self._heard = []
            # Whoever waits for room, or is paused, has to know of it before its turn comes.
            self.stop = self.stop or next((wish for wish in self._wishes if wish.name == "stop"), None)
        self.signal = signal.Signals(received) if received else None
        return due or bool(self.asked) or bool(self._wishes)

    def wait(self) -> None:
        """Let a moment pass, then look."""
        time.sleep(_LOOK_EVERY_S)
        self.look()

    def take(self, name: str) -> bool:
        """Tell whether something is asked for, which is then taken as done."""
        wanted = name in self.asked
        self.asked.discard(name)
        return wanted

    def take_wishes(self) -> list[Wish]:
        """What was asked for before the end was, in that order; the same on all ranks."""
        taken, self._wishes = self._wishes, []
        if self.stop is None:
            return taken
        return taken[: taken.index(self.stop)] if self.stop in taken else []

    def answer(self, wish: Wish, outcome: str = "", why: str = "") -> None:
        """Record that a deed was done and what came of it, or `why` it was not; its file goes."""
        told = {"step": self._place(), **wish.details, "obeyed": not why}
        if why:
            self._journal.event("control", f"{wish.name}: refused, {why}", **told, why=why)
        else:
            self._journal.event("control", wish.name, **told, **({"outcome": outcome} if outcome else {}))
        self._journal.answered(wish.path)

    def _take_commands(self) -> None:
        if self._journal.trouble is not None:
            raise self._journal.trouble
        for command in self._journal.commands():
            self._take_command(command)
        if self._journal.lacks_room:
            self.asked.add("room")
        if not self._team.is_alone and self._team.is_first and time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + _REPORT_EVERY_S
            self.asked.add("report")

    def _take_command(self, command: Command) -> None:
        value = None
        if command.is_from_before(self._journal.status.started_at):
            self._journal.refuse(command, _EARLIER, self._place())
            return
        if command.name in SETTINGS:
            try:
                value = checked(command.name, command.value)
            except ProfileError as error:
                self._journal.refuse(command, str(error), self._place())
                return
        elif command.name not in DEEDS:
            why = "no such command" if command.name else "its file holds none"
            self._journal.refuse(command, why, self._place())
            return
        self._heard.append(Wish(command.name, value, command.sender, command.sent_at, command.path))
