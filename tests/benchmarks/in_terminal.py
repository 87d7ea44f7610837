"""Programs in a terminal of 120 by 36, watched from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import pexpect
import psutil
import pyte

COLUMNS, LINES = 120, 36
_QUIET_S = 0.05
"""A frame is over when nothing came for so long."""
_WEIGHED_EVERY_S = 0.5


class Terminal:
    """A program in a terminal, whose screen is read as soon as something comes.

    Attributes
    ----------
    received
        Bytes that came so far.
    peak_bytes
        Most memory that was seen while something was waited for.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str] = os.environ) -> None:
        self.began = time.perf_counter()
        self._child = pexpect.spawn(
            command[0],
            command[1:],
            dimensions=(LINES, COLUMNS),
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        # By default it holds every key back for a while.
        self._child.delaybeforesend = None
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._process = psutil.Process(self._child.pid)
        self._came_at = 0.0
        self.received = 0
        self.peak_bytes = 0

    @property
    def display(self) -> list[str]:
        """The lines of the screen."""
        return list(self._screen.display)

    def read(self, seconds: float) -> bool:
        """Wait for something to come and show it; whether anything did."""
        try:
            data = self._child.read_nonblocking(1 << 16, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        self._came_at = time.perf_counter()
        self.received += len(data)
        # What it costs to emulate a terminal here is not the program's.
        self._stream.feed(data)
        return True

    def wait_until(
        self, seen: Callable[[list[str]], bool], give_up_s: float, beside: Callable[[], None] = lambda: None
    ) -> float:
        """Seconds from the start of the program until something is seen.

        Raises
        ------
        RuntimeError
            If it never is.
        """
        weigh = every(_WEIGHED_EVERY_S, self._weigh)
        while not seen(self.display):
            if time.perf_counter() - self.began > give_up_s:
                raise RuntimeError("it never came; the screen shows:\n" + "\n".join(self.display))
            self.read(0.02)
            weigh()
            beside()
        return time.perf_counter() - self.began

    def settle(self) -> None:
        """Wait until nothing more comes by itself."""
        while self.read(_QUIET_S):
            pass

    def press(self, keys: str) -> tuple[float, float]:
        """Press a key: seconds until the screen begins to change, and until it is drawn."""
        self.settle()
        began = time.perf_counter()
        self._child.send(keys)
        first = last = 0.0
        while self.read(_QUIET_S if first else 1.0):
            last = self._came_at - began
            first = first or last
        return first or 1.0, last or 1.0

    def resident_bytes(self) -> int:
        """Memory of the program and all it started."""
        return resident_bytes(self._process)

    def cpu_s(self) -> float:
        """Processor time of the program and all it started."""
        total = 0.0
        for process in family(self._process):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def close(self) -> None:
        """End it."""
        with suppress(pexpect.ExceptionPexpect):
            self._child.close(force=True)

    def _weigh(self) -> None:
        self.peak_bytes = max(self.peak_bytes, self.resident_bytes())


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all it started."""
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def resident_bytes(process: psutil.Process) -> int:
    """Memory of a process and all it started."""
    total = 0
    for each in family(process):
        with suppress(psutil.Error):
            total += each.memory_info().rss
    return total


def every(interval_s: float, do: Callable[[], None]) -> Callable[[], None]:
    """Something that, called often, does `do` once an interval."""
    due = time.perf_counter()

    def perhaps() -> None:
        nonlocal due
        while time.perf_counter() >= due:
            do()
            due += interval_s

    return perhaps
