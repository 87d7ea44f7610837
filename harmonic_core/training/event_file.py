"""TensorBoard's file format: records one after another, each with its length and two checksums."""

from __future__ import annotations

import os
import re
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"events\.out\.tfevents\.(\d{1,18})\.")
_MOST_WAITING = 64 * 2**20


class EventFile:
    """A new event file. What cannot be written waits, up to 64 MiB of it, and is written when there is room.

    Parameters
    ----------
    folder
        Where to; it and the file are made with the first record.
    warn
        Told once when something cannot be written.

    Raises
    ------
    ImportError
        If the package `tensorboard` is not installed.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import (  # type: ignore[import-untyped]
            masked_crc32c,
        )

        self._folder, self._warn, self._checksum = folder, warn, masked_crc32c
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._descriptor: int | None = None
        self._size = 0
        self._warned = False

    def add(self, content: bytes) -> None:
        """Write one record after those that wait, or let it wait with them."""
        length = struct.pack("<Q", len(content))
        record = b"".join(
            (length, struct.pack("<I", self._checksum(length)), content, struct.pack("<I", self._checksum(content)))
        )
        if self._waiting_bytes + len(record) > _MOST_WAITING:
            return
        self._waiting.append(record)
        self._waiting_bytes += len(record)
        try:
            self._write_waiting()
        except OSError as error:
            self._complain(error)

    def close(self) -> None:
        """Close the file; what still waits is lost if it cannot be written now."""
        with suppress(OSError):
            self._write_waiting()
        if self._descriptor is not None:
            with suppress(OSError):
                # A record of which only the beginning found room.
                os.ftruncate(self._descriptor, self._size)
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _write_waiting(self) -> None:
        if self._waiting and self._descriptor is None:
            self._descriptor = self._create()
        while self._waiting:
            assert self._descriptor is not None
            record = memoryview(self._waiting[0])
            written = 0
            # At its place, so that a record of which a part was written is written over the part.
            while written < len(record):
                written += os.pwrite(self._descriptor, record[written:], self._size + written)
            self._size += len(record)
            self._waiting_bytes -= len(record)
            self._waiting.popleft()

    def _create(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names, whatever the clock did in between.
        earlier = [int(match[1]) for name in os.listdir(self._folder) if (match := _NAME.match(name))]
        number = max([int(time.time()), *(each + 1 for each in earlier)])
        path = self._folder / f"events.out.tfevents.{number:010d}.harmonic"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)

    def _complain(self, error: OSError) -> None:
        if self._warned:
            return
        self._warned = True
        message = (
            f"{self._folder}: TensorBoard's file cannot be written: {error.strerror or error}; "
            "training goes on, and what is missing follows as soon as there is room"
        )
        with suppress(OSError):
            self._warn(message)
