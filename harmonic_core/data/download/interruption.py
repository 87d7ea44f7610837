"""Ctrl-C, SIGTERM and SIGHUP during a download: it ends at once, for everything unfinished can be gone on with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harmonic_core.errors import ExitCode

_EXIT_CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HANGUP,
}


class Interrupted(BaseException):
    """A signal came. Like KeyboardInterrupt it is no failure that anything may try to mend.

    Attributes
    ----------
    exit_code
        Exit status that belongs to the signal.
    """

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted where the block is when SIGINT, SIGTERM or SIGHUP comes; a second signal ends the process."""
    # Under nohup a hangup is to be ignored.
    heeded = _EXIT_CODES.keys() - ({signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set())
    before = {number: signal.signal(number, _interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in _EXIT_CODES:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, signal.SIG_DFL)
    raise Interrupted(_EXIT_CODES[signal.Signals(number)])
