"""Follows the metrics of a run: a first look at all of it, then every row, then what is new."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from harmonic_tui.runs.messages import FiguresRead

if TYPE_CHECKING:
    from harmonic_tui.curves.backlog import Backlog
    from harmonic_tui.curves.columns import Parsed
    from harmonic_tui.curves.series import Curves

BACKLOG_BYTES = 4 << 20
"""From so much on another process reads it."""

_PIECE = 1 << 19
"""What is parsed at once in this process; the screen waits for no longer than that takes."""
_PIECES = 16
"""Pieces a look, of rows that come faster than one looks."""
_PLACES = 1000
"""At so many places of a long file a first look is taken."""
_AROUND = 1 << 15
"""Bytes looked at there."""
_ROWS_A_PLACE = 3


class FigureReader:
    """What is new in a file of metrics.

    Parameters
    ----------
    path
        The file; it may appear later, be cut, be replaced, or vanish.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._backlog: Backlog | None = None
        self._new = True
        """Whether nothing was told yet of the file as it is now."""
        self._may_delegate = True
        self._in_garbage = False
        """Whether a line goes on that is too long to be a row."""

    def read(self) -> FiguresRead | None:
        """What was written since the last call; None where there is nothing.

        Of a long file an overview comes first, and with a later call all of its rows at once.
        """
        try:
            with self._path.open("rb") as file:
                return self._read(file)
        except OSError:
            return None

    def close(self) -> None:
        """Stop reading."""
        # Whoever closes may do so from another thread than the one that reads.
        backlog, self._backlog = self._backlog, None
        if backlog is not None:
            backlog.close()

    def _read(self, file: BinaryIO) -> FiguresRead | None:
        stat = os.fstat(file.fileno())
        identity = (stat.st_dev, stat.st_ino)
        restarted = self._identity is not None and (identity != self._identity or stat.st_size < self._offset)
        if restarted or self._identity is None:
            self.close()
            self._offset, self._new, self._in_garbage = 0, restarted, False
        self._identity = identity
        if (backlog := self._backlog) is not None:
            return self._take(backlog)
        if self._offset == 0 and stat.st_size > BACKLOG_BYTES and self._may_delegate:
            return self._begin_backlog(file, stat.st_size)
        parsed = self._pieces(file)
        if self._new:
            # Begun anew: what was told before no longer counts.
            from harmonic_tui.curves.series import Curves

            self._new = False
            curves = Curves()
            for each in parsed:
                curves.extend(each)
            return FiguresRead(curves=curves)
        return FiguresRead(parsed) if parsed else None

    def _begin_backlog(self, file: BinaryIO, size: int) -> FiguresRead:
        from harmonic_tui.curves.backlog import Backlog

        file.seek(0)
        try:
            self._backlog = Backlog(file, size)
        except OSError:
            # No room for another process: then it is read here, which takes longer.
            self._may_delegate, self._new = False, True
        return FiguresRead(curves=overview(file, size))

    def _take(self, backlog: Backlog) -> FiguresRead | None:
        if not backlog.finished:
            return None
        # Whatever the other process did not come to is read here, from where it ended.
        self._backlog, self._offset, self._new = None, backlog.offset, False
        self._may_delegate = backlog.offset > 0
        return FiguresRead(curves=backlog.curves)

    def _pieces(self, file: BinaryIO) -> list[Parsed]:
        from harmonic_tui.curves.columns import parse

        file.seek(self._offset)
        read: list[Parsed] = []
        for _ in range(_PIECES):
            data = file.read(_PIECE)
            end = data.rfind(b"\n") + 1
            if not end and len(data) < _PIECE:
                break
            if not end:
                self._in_garbage, self._offset = True, self._offset + len(data)
                continue
            begin = data.find(b"\n") + 1 if self._in_garbage else 0
            parsed = parse(data[begin:end])
            parsed.unreadable += self._in_garbage
            self._in_garbage = False
            read.append(parsed)
            self._offset += end
            file.seek(self._offset)
        return read


def overview(file: BinaryIO, size: int) -> Curves:
    """How the curves of a long file go, from rows at evenly spaced places and from its end.

    Rows that close epochs are few, and all of those are taken that lie near such a place.
    """
    from harmonic_tui.curves.columns import parse
    from harmonic_tui.curves.series import Curves

    curves = Curves(whole=False)
    lines: list[bytes] = []
    distance = max(1, size // _PLACES)
    for start in range(0, size, distance):
        data = os.pread(file.fileno(), min(_AROUND, distance), start)
        complete = data[data.find(b"\n") + 1 if start else 0 : data.rfind(b"\n") + 1]
        lines += _some_of(complete)
    end = os.pread(file.fileno(), _AROUND, max(0, size - _AROUND))
    lines += end[end.find(b"\n") + 1 : end.rfind(b"\n")].split(b"\n")
    curves.extend(parse(b"\n".join(lines) + b"\n"))
    curves.unreadable = 0
    return curves


def _some_of(data: bytes) -> list[bytes]:
    if b'"kind":"epoch"' not in data:
        return data.split(b"\n", _ROWS_A_PLACE)[:_ROWS_A_PLACE]
    lines = data.split(b"\n")
    return [line for number, line in enumerate(lines) if line and (number < _ROWS_A_PLACE or b'"kind":"epoch"' in line)]
