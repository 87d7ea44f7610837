"""How long one waits: `harmonic --help` until it ends, `harmonic-tui` until its first frame is on the screen.

python tests/benchmarks/startup.py
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pyte

ROUNDS = 5
COLUMNS, LINES = 120, 36
GIVE_UP_S = 30.0


def help_seconds() -> float:
    """Time `harmonic --help` once, as a whole process."""
    began = time.perf_counter()
    subprocess.run([_program("harmonic"), "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def frame_seconds() -> float:
    """Time from starting `harmonic-tui` to the first frame with words on it, seen through a terminal emulator.

    Raises
    ------
    RuntimeError
        If no frame comes.
    """
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        os.execv(_program("harmonic-tui"), ["harmonic-tui"])
    try:
        while time.perf_counter() - began < GIVE_UP_S:
            if not select.select([terminal], [], [], 0.01)[0]:
                continue
            stream.feed(os.read(terminal, 1 << 16))
            if sum(bool(line.strip()) for line in screen.display) > LINES // 4:
                return time.perf_counter() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    raise RuntimeError(f"no frame within {GIVE_UP_S:g} s; the screen shows:\n" + "\n".join(screen.display))


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def main() -> None:
    """Print the medians as one JSON line."""
    line = {
        "help_s": round(statistics.median(help_seconds() for _ in range(ROUNDS)), 3),
        "frame_s": round(statistics.median(frame_seconds() for _ in range(ROUNDS)), 3),
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
