"""Asks the driver of the graphics cards what the trainer cannot know, now and then and without ever waiting for it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from harmonic_core.run.board import Board
    from harmonic_core.run.status import Status

ASKED_EVERY_S = 2.0
ASKED_UNSEEN_EVERY_S = 10.0
"""The same while the terminal is not in front."""
_PATIENCE_S = 0.5
"""An answer that comes as usual comes at once; for any other nobody waits."""
_SILENT_AFTER_S = 15.0


class BoardWatch:
    """Figures of a run's cards, at most a few seconds old.

    The driver is asked in a thread of its own. One that hangs, as it does when a card falls off its bus, must not hold
    up what else is read of the run: it is just then that people look. Nothing is started for a run without such cards.

    Parameters
    ----------
    clock
        Seconds on any clock.

    Attributes
    ----------
    every_s
        Seconds from one question to the next.
    unasked
        Why nothing is asked at all, in a few words; empty where it is.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.every_s = ASKED_EVERY_S
        self.unasked = ""
        self._clock = clock
        self._questions: SimpleQueue[Status | None] | None = None
        self._thread: Thread | None = None
        # Whoever closes does so from another thread than the one that looks, perhaps while it is starting a third.
        self._opening = Lock()
        self._answered = Event()
        self._answered.set()
        self._asked_at = -math.inf
        self._found: Mapping[str, Board] = {}

    def look(self, status: Status | None, *, active: bool) -> Mapping[str, Board]:
        """What is known of the cards of a run, by their UUID as the trainer writes it; empty where it has none.

        Parameters
        ----------
        status
            What the trainer says of its devices.
        active
            Whether a trainer is at work.
        """
        devices = [status.device, *(rank.device for rank in status.ranks)] if status is not None else []
        wanted = {device.uuid or "" for device in devices if device.kind == "cuda"}
        if status is None or not wanted:
            return {}
        # Imported here, in the thread that reads.
        from harmonic_core.run.board import Board, unread_boards

        if self.unasked:
            return dict.fromkeys(wanted, Board(missing=self.unasked))
        unread = unread_boards(status, active=active)
        if wanted <= unread.keys():
            return unread
        if not self._answered.is_set() and self._clock() - self._asked_at > _SILENT_AFTER_S:
            return unread | dict.fromkeys(wanted - unread.keys(), Board(missing="the driver has stopped answering"))
        if self._answered.is_set() and self._clock() - self._asked_at >= self.every_s:
            self._ask(status)
        return self._found

    def _ask(self, status: Status) -> None:
        with self._opening:
            if self._questions is None:
                self._questions = SimpleQueue()
                self._thread = Thread(target=self._answer, args=(self._questions,), name="boards", daemon=True)
                self._thread.start()
            self._answered.clear()
            self._asked_at = self._clock()
            self._questions.put(status)
        self._answered.wait(_PATIENCE_S)

    def _answer(self, questions: SimpleQueue[Status | None]) -> None:
        from harmonic_core.run.board import Board, BoardReader, read_boards, unread_boards

        reader = BoardReader()
        while (status := questions.get()) is not None:
            try:
                self._found = read_boards(status, reader, active=True)
            except Exception as error:  # noqa: BLE001 - a driver's binding raises what it likes, and must not end this
                said = plain(f"{type(error).__name__}: {error}", 80)
                self._found = dict.fromkeys(unread_boards(status, active=False), Board(missing=said))
            self._answered.set()
        reader.close()

    def close(self) -> None:
        """Let go of the driver. A later look opens it again."""
        with self._opening:
            questions, self._questions = self._questions, None
            thread, self._thread = self._thread, None
        if questions is not None:
            questions.put(None)
        if thread is not None:
            # A driver that hangs is left to itself.
            thread.join(_PATIENCE_S)
