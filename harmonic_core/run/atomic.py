"""Writing so that a reader, or a crash, sees the old content or the new and nothing between."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""A full disk, a used-up quota, a file that has reached its limit."""


def lacks_room(error: OSError) -> bool:
    """Tell whether an error would go away with more room on the disk."""
    return error.errno in _NO_ROOM


def free_bytes(path: os.PathLike[str]) -> int:
    """Bytes that a user may still write to the file system of `path`; 0 where that cannot be known."""
    try:
        stat = os.statvfs(path)
    except OSError:
        return 0
    return stat.f_bavail * stat.f_frsize


def fsync_directory(path: Path) -> None:
    """Make renames inside the directory `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Replace the file `path` by `content` in one step.

    Parameters
    ----------
    path
        The file; its folder must exist.
    content
        New content; text is written as UTF-8.
    durable
        Wait until the disk has it. A heartbeat can do without.

    Raises
    ------
    OSError
        If the folder cannot be written or is full; `path` is then as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        fsync_directory(path.parent)
