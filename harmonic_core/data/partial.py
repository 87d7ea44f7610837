"""Files in the making: locked by their writer, moved to their final name when they are whole.

The kernel releases the lock however the writer ends, so a file here that nobody holds is what a killed writer left.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def partial_file(path: Path) -> Iterator[int | None]:
    """Make `path` and hold it for the length of the block; what is still there at its end is removed.

    Parameters
    ----------
    path
        A name that all who write the same thing agree on. Its folder is made.

    Yields
    ------
    descriptor
        Of the empty file, open for writing; None where another process is writing it.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    descriptor = _open_locked(path)
    if descriptor is None:
        yield None
        return
    try:
        os.ftruncate(descriptor, 0)
        yield descriptor
    finally:
        with suppress(OSError):
            if _is_at(descriptor, path):
                path.unlink()
        os.close(descriptor)


def write_whole(partial: Path, target: Path, content: bytes) -> None:
    """Write `target` in one step, by way of a file `partial` that nobody else uses.

    Raises
    ------
    OSError
        If it cannot be written; `target` is then as it was.
    """
    while True:
        with partial_file(partial) as descriptor:
            if descriptor is not None:
                write_all(descriptor, content)
                return move(partial, target)
        # Someone who sweeps looks at it just now.
        time.sleep(0.001)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write every byte: a single write may take fewer. Raises OSError."""
    left = memoryview(content).cast("B")
    while left:
        left = left[os.write(descriptor, left) :]


def move(partial: Path, target: Path) -> None:
    """Give a whole file its final name; the folder is made where it is missing. Raises OSError."""
    try:
        partial.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)


def sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`; what is being written stays."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                descriptor = os.open(entry.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if _is_at(descriptor, Path(entry.path)):
                        Path(entry.path).unlink()
                finally:
                    os.close(descriptor)


def _open_locked(path: Path) -> int | None:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        # Between opening and locking, its last holder may have moved or removed the file.
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
