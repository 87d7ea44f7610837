"""What signals and commands ask of a run, agreed on by all of its ranks."""

from __future__ import annotations

import signal
import time

from harmonic_core.run.control import COMMANDS
from harmonic_core.text import plain
from harmonic_core.training.distributed import Team
from harmonic_core.training.journal import Journal
from harmonic_core.training.signals import StopSignals

_LOOK_EVERY_S = 0.2
_REPORT_EVERY_S = 1.0
_ASKED = ("checkpoint", "sample", "pause", "resume", "stop", "room", "report")


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

    Attributes
    ----------
    asked
        What is still to be done: commands; `room` where rows wait for room on the disk; `report` once a second, where
        there are several ranks to report on.
    signal
        The first signal that any rank received.
    """

    def __init__(self, journal: Journal, signals: StopSignals, team: Team) -> None:
        self.asked: set[str] = set()
        self.signal: signal.Signals | None = None
        self._journal, self._signals, self._team = journal, signals, team
        self._next_look = self._next_report = 0.0

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
        if not self._team.is_alone:
            received, *asked = self._team.most([received, *(name in self.asked for name in _ASKED)])
            self.asked.update(name for name, wanted in zip(_ASKED, asked, strict=True) if wanted)
        self.signal = signal.Signals(received) if received else None
        return due or bool(self.asked)

    def wait(self) -> None:
        """Let a moment pass, then look."""
        time.sleep(_LOOK_EVERY_S)
        self.look()

    def take(self, name: str) -> bool:
        """Tell whether something is asked for, which is then taken as done."""
        wanted = name in self.asked
        self.asked.discard(name)
        return wanted

    def _take_commands(self) -> None:
        if self._journal.trouble is not None:
            raise self._journal.trouble
        for command in self._journal.commands():
            known = command.name in COMMANDS
            words = plain(command.name) or "unreadable command"
            self._journal.event("control", words if known else f"{words}: refused")
            if known:
                self.asked.add(command.name)
            command.done()
        if self._journal.lacks_room:
            self.asked.add("room")
        if not self._team.is_alone and self._team.is_first and time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + _REPORT_EVERY_S
            self.asked.add("report")
