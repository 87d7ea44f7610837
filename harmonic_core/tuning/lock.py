"""One at a time: a lock beside a file, which the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harmonic_core.errors import DiskError
from harmonic_core.text import plain

LOOK_S = 0.05


class StoppedError(Exception):
    """Somebody wants an end while something is waited for."""


@contextmanager
def held_file(file: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Be the only one on this machine who works on `file`, which need not exist, for the length of the block.

    Raises
    ------
    StoppedError
        If `stopped` says so while somebody else is.
    DiskError
        If the folder cannot be written.
    """
    try:
        descriptor = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DiskError(f"{plain(str(file))}: it cannot be written: {error.strerror or error}") from error
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopped():
                    raise StoppedError from None
                time.sleep(LOOK_S)
        yield
    finally:
        os.close(descriptor)
