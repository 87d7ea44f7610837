"""One trainer a run: an advisory lock that the kernel releases however the process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.directory import RunDirectory


@contextmanager
def hold_lock(run: RunDirectory) -> Iterator[None]:
    """Hold `run.lock` for the length of the block.

    Raises
    ------
    RunError
        If another trainer holds it.
    DiskError
        If the run directory cannot be written.
    """
    try:
        descriptor = os.open(run.lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DiskError(f"{run.path}: the run directory cannot be written: {reason}; make it writable") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise RunError(
                f"{run.path}: another trainer (process {holder}) works on this run; "
                f"watch it with `harmonic-tui {run.path}` or stop it with `harmonic control {run.path} stop`"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
