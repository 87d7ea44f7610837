"""Reads many rows of metrics in a process of its own: `python -m harmonic_tui.curves.backlog SIZE < metrics.jsonl`.

To parse a million rows takes seconds. A thread that does it would take them from the screen.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from typing import BinaryIO

from harmonic_tui.curves.columns import Parsed, parse
from harmonic_tui.curves.series import Curves

_PIECE = 1 << 22
_NICE = 5
"""The screen, and the trainer, come first."""


class Backlog:
    """Gathers what the other process reads.

    Parameters
    ----------
    file
        Open file of rows.
    size
        Bytes to read from its beginning.

    Attributes
    ----------
    curves
        What was read so far; not to be looked at before it is `finished`.
    offset
        Bytes that were read: complete lines only.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.curves = Curves()
        self.offset = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harmonic_tui.curves.backlog", str(size)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self._reader = threading.Thread(target=self._gather, daemon=True)
        self._reader.start()

    @property
    def finished(self) -> bool:
        """Whether no more will come."""
        return not self._reader.is_alive()

    def close(self) -> None:
        """End the other process."""
        self._process.kill()
        self._reader.join()

    def _gather(self) -> None:
        assert self._process.stdout
        # The other end is this very program, and nobody else can write there: what it sends may be trusted.
        with self._process.stdout as pipe, suppress(EOFError, pickle.UnpicklingError, OSError, ValueError):
            while True:
                offset, parsed = pickle.load(pipe)
                self.curves.extend(parsed)
                self.offset = offset
        self._process.wait()


def _send(offset: int, parsed: Parsed, pipe: BinaryIO) -> None:
    pickle.dump((offset, parsed), pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def main(argv: list[str]) -> None:
    """Read standard input's file up to a size, and write columns to standard output."""
    size, offset = int(argv[0]), 0
    with suppress(OSError):
        os.nice(_NICE)
    while offset < size:
        data = os.pread(0, min(_PIECE, size - offset), offset)
        end = data.rfind(b"\n") + 1
        if not end:
            # Half a line, or one that is no row; who reads on from here finds out.
            break
        offset += end
        _send(offset, parse(data[:end]), sys.stdout.buffer)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(sys.argv[1:])
