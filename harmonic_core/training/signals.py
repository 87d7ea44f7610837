"""Signals that ask a run to stop: noted at once, obeyed at the end of a step."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Self

from harmonic_core.errors import ExitCode

_EXIT_CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HANGUP,
}


class StoppedError(Exception):
    """What was going on was given up because somebody asked for the end."""


class StopSignals:
    """Catches SIGINT, SIGTERM and SIGHUP for the length of a block; a second SIGINT interrupts at once.

    A SIGHUP that is ignored already, as under `nohup`, stays ignored.

    Attributes
    ----------
    received
        The first signal, or None.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in _EXIT_CODES:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = self.received or signal.Signals(number)

    @staticmethod
    def exit_code_of(number: signal.Signals) -> ExitCode:
        """Exit status that belongs to a signal."""
        return _EXIT_CODES[number]

    @property
    def exit_code(self) -> ExitCode:
        """Exit status that belongs to the signal; OK if none came."""
        return _EXIT_CODES[self.received] if self.received else ExitCode.OK
