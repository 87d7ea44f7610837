"""A real pseudo-terminal with the real console in it, and eyes that read the screen."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

DEADLINE_S = 240.0


class Terminal:
    """`harmonic-tui ARGUMENTS` in a terminal.

    Parameters
    ----------
    arguments
        Of the command line.
    columns, rows
        Size of the terminal.
    environment
        Variables beside those of the tests.
    unprivileged
        Whether file permissions hold even where the tests run as root.
    over
        An `ssh` command up to the host, to run it at the other end of a connection.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int = 120,
        rows: int = 36,
        environment: Mapping[str, str] | None = None,
        *,
        unprivileged: bool = False,
        over: Sequence[str] = (),
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.received = 0
        """Bytes that came so far."""
        self._all = bytearray()
        command = [sys.executable, "-m", "harmonic_tui", *arguments]
        if unprivileged:
            # Root may write anywhere unless it gives that up.
            command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", *command]
        if over:
            given = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME", "XDG_CONFIG_HOME", "TZ")]
            remote = ["env", *given, "TERM=xterm-256color", *command]
            command = [*over, f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(remote)}"]
        self._child = pexpect.spawn(
            command[0],
            command[1:],
            dimensions=(rows, columns),
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
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
            self._read(0.2)

    def read_for(self, seconds: float) -> None:
        """Show what comes in the next `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def _read(self, timeout: float) -> None:
        try:
            came = self._child.read_nonblocking(65_536, timeout=timeout)
        except pexpect.TIMEOUT:
            return
        self.received += len(came)
        self._all += came
        self._stream.feed(came)

    def used(self, *sequences: bytes) -> bool:
        """Whether any of `sequences` was ever sent."""
        return any(sequence in self._all for sequence in sequences)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

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

    def cut(self) -> None:
        """Kill what holds the connection, without a word to the other end."""
        self._child.kill(signal.SIGKILL)
        self._child.close(force=True)

    def close(self) -> None:
        """End whatever still runs in the terminal."""
        self._child.close(force=True)
