"""JSON lines that one process appends to while others read them.

A number that JSON cannot hold is written as the string "NaN", "Infinity" or "-Infinity" and read back as a float.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harmonic_core.run.atomic import write_atomically

Row = dict[str, Any]

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _encodable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        return _NON_FINITE.get(value, value)
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        return {key: _decoded(item) for key, item in value.items()}
    return value


def encode_row(row: Mapping[str, Any]) -> bytes:
    """One line of JSON, newline included."""
    text = json.dumps(_encodable(row), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Undecodable bytes of a file name stand in it as lone surrogates; JSON writes those as backslash escapes.
    return text.encode(errors="backslashreplace") + b"\n"


def decode_row(line: bytes) -> Row | None:
    """Object on one line, or None where the line holds anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    decoded: Row | None = _decoded(row) if isinstance(row, dict) else None
    return decoded


class RecordWriter:
    """Appends rows to a file, one `write` a row, so that no reader ever sees half of two.

    The file is opened at the first row: a run that is continued replaces its file before that. A row that finds no room
    waits, and those after it behind it, until `flush` finds some.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._waiting: deque[bytes] = deque()

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row. Raises OSError when the disk is full; the row then waits and must not be added again."""
        self._waiting.append(encode_row(row))
        self.flush()

    def flush(self) -> None:
        """Write the rows that wait. Raises OSError when the disk is full."""
        while self._waiting:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
                self._end_torn_line(self._descriptor)
            line, before = self._waiting[0], os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, line) < len(line):
                os.ftruncate(self._descriptor, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            self._waiting.popleft()

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def forget(self) -> None:
        """Drop the rows that wait, and let go of the file: somebody is about to replace it."""
        self._waiting.clear()
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def _end_torn_line(descriptor: int) -> None:
        # Half a row of a trainer that was killed would swallow the next one.
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")


class RecordTail:
    """Reads what was appended to a file since the last call, and notices when it was replaced or cut.

    Attributes
    ----------
    restarts
        How often the file was replaced or became shorter. After a change rows read before no longer count.
    unreadable
        Number of complete lines that were not JSON objects.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restarts = 0
        self.unreadable = 0
        self._identity: tuple[int, int] | None = None
        self._offset = 0

    def read(self, limit: int = 64 * 2**20) -> list[Row]:
        """Rows completed since the last call.

        Parameters
        ----------
        limit
            Most bytes to read in one call; the rest comes with the next one.

        Returns
        -------
        list of rows
            Empty where the file does not exist (yet). A half-written last line waits for its end.
        """
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                identity = (stat.st_dev, stat.st_ino)
                if self._identity is not None and (identity != self._identity or stat.st_size < self._offset):
                    self.restarts += 1
                    self._offset = 0
                self._identity = identity
                file.seek(self._offset)
                data = file.read(limit)
        except OSError:
            return []
        complete = data[: data.rfind(b"\n") + 1]
        self._offset += len(complete)
        rows = [decode_row(line) for line in complete.splitlines()]
        good = [row for row in rows if row is not None]
        self.unreadable += len(rows) - len(good)
        return good


def read_rows(path: Path) -> list[Row]:
    """All complete rows of a file; none where it does not exist."""
    tail = RecordTail(path)
    rows: list[Row] = []
    while batch := tail.read():
        rows += batch
    return rows


def keep_rows(path: Path, wanted: Callable[[Row], bool]) -> None:
    """Rewrite a file with only the `wanted` rows; a torn last line goes. Nothing happens where there is no file."""
    if path.exists():
        write_atomically(path, b"".join(encode_row(row) for row in read_rows(path) if wanted(row)))


def last_row(path: Path, kind: str, tail_bytes: int = 1 << 18) -> Row | None:
    """Newest row of a `kind` among the last `tail_bytes` of a file; None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - tail_bytes))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return None
    rows = (decode_row(line) for line in reversed(lines))
    return next((row for row in rows if row and row.get("kind") == kind), None)
