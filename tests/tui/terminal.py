"""A real pseudo-terminal with the real console in it, and eyes that read the screen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence

import pexpect
import pyte

DEADLINE_S = 240.0


class Terminal:
    """`harmonic-tui ARGUMENTS` in a terminal of 120 by 36."""

    def __init__(self, arguments: Sequence[str], columns: int = 120, rows: int = 36) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "harmonic_tui", *arguments],
            dimensions=(rows, columns),
            env={**os.environ, "TERM": "xterm-256color"},
            timeout=DEADLINE_S,
        )

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, *texts: str, deadline_s: float = DEADLINE_S) -> None:
        """Read until all `texts` are on the screen at once."""
        deadline = time.monotonic() + deadline_s
        while not all(text in self.text for text in texts):
            assert time.monotonic() < deadline, f"{texts} never appeared; the screen shows:\n{self.text}"
            try:
                self._stream.feed(self._child.read_nonblocking(65_536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue

    def press(self, keys: str) -> None:
        """Type."""
        self._child.send(keys)

    def wait_for_the_end(self) -> str:
        """Let the program end; what it printed at last, after its screen was gone."""
        rest = self._child.read()
        self._child.close()
        assert isinstance(rest, bytes)
        # What was read before may have ended inside a character, whose rest is no text by itself.
        return rest.decode(errors="replace")

    @property
    def exit_status(self) -> int | None:
        """How the program ended."""
        return self._child.exitstatus

    def hang_up(self) -> None:
        """Take the terminal away, as a dropped connection does."""
        self._child.kill(signal.SIGHUP)
        self._child.close(force=True)

    def close(self) -> None:
        """End whatever still runs in the terminal."""
        self._child.close(force=True)
