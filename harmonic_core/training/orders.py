"""What signals and commands ask of a run, agreed on by all of its ranks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from harmonic_core.errors import ProfileError
from harmonic_core.profile.steering import SETTINGS, checked
from harmonic_core.run.control import DEEDS, Command
from harmonic_core.text import plain
from harmonic_core.training.distributed import Team
from harmonic_core.training.journal import Journal
from harmonic_core.training.signals import StopSignals

_LOOK_EVERY_S = 0.2
_REPORT_EVERY_S = 1.0
_ASKED = ("checkpoint", "sample", "pause", "resume", "stop", "room", "report")


class Wish(NamedTuple):
    """A command that may have to be refused when its turn comes."""

    name: str
    """`evaluate`, or a setting to change."""
    value: float | None
    """What to; None for what the profile says."""
    sender: str
    sent_at: float | None

    @property
    def details(self) -> dict[str, Any]:
        """What its event says beside the outcome."""
        return _details(self.name, self.value, self.sender, self.sent_at)


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
        What is still to be done: commands; `room` where rows wait for room on the disk; `report` once a second, where
        there are several ranks to report on.
    signal
        The first signal that any rank received.
    """

    def __init__(
        self, journal: Journal, signals: StopSignals, team: Team, place: Callable[[], int] = lambda: 0
    ) -> None:
        self.asked: set[str] = set()
        self.signal: signal.Signals | None = None
        self._journal, self._signals, self._team, self._place = journal, signals, team, place
        self._next_look = self._next_report = 0.0
        self._heard: list[Wish] = []
        """What this rank knows and the others do not yet."""
        self._wishes: list[Wish] = []
        self._stuck: set[Path] = set()
        """Commands that were taken and cannot be removed: they must not be taken again and again."""

    @property
    def end(self) -> bool:
        """Whether the run is to end."""
        return self.signal is not None or "stop" in self.asked

    def stopped(self) -> bool:
        """Tell whether to give work up half-way for a signal: not in a team, where others wait for this rank's part."""
        return self._team.is_alone and self.is_signalled()

    def is_signalled(self) -> bool:
        """Tell whether this process received a signal, which its team may not know yet."""
        return self._signals.received is not None

    def look(self) -> bool:
        """Learn what is new; all ranks must call it at the same steps. Tells whether it looked closely.

        Raises
        ------
        OSError
            If the run directory cannot be written any more.
        """
        due = time.monotonic() >= self._next_look
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
        """What may have to be refused, in the order in which it was asked for; the same on all ranks."""
        taken, self._wishes = self._wishes, []
        return taken

    def _take_commands(self) -> None:
        if self._journal.trouble is not None:
            raise self._journal.trouble
        waiting = [command for command in self._journal.commands() if command.path not in self._stuck]
        for command in waiting:
            self._take_command(command)
            command.done()
            if os.path.lexists(command.path):
                self._stuck.add(command.path)
        if self._journal.lacks_room:
            self.asked.add("room")
        if not self._team.is_alone and self._team.is_first and time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + _REPORT_EVERY_S
            self.asked.add("report")

    def _take_command(self, command: Command) -> None:
        words = plain(command.name, 60) or "unreadable command"
        details = {**_details(words, None, command.sender, command.sent_at), "step": self._place()}
        if command.name in SETTINGS:
            try:
                value = checked(command.name, command.value)
            except ProfileError as error:
                self._journal.event("control", f"{words}: refused, {error}", **details, obeyed=False, why=str(error))
            else:
                self._heard.append(Wish(command.name, value, command.sender, command.sent_at))
        elif command.name == "evaluate":
            self._heard.append(Wish(command.name, None, command.sender, command.sent_at))
        elif command.name in DEEDS:
            self._journal.event("control", words, **details, obeyed=True)
            self.asked.add(command.name)
        else:
            self._journal.event("control", f"{words}: refused", **details, obeyed=False, why="no such command")


def _details(name: str, value: float | None, sender: str, sent_at: float | None) -> dict[str, Any]:
    told = {"command": name, "value": value, "by": sender, "sent_at": sent_at}
    return {key: each for key, each in told.items() if each not in {None, ""}}
