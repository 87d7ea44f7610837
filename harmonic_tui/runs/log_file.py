"""A log of any size: where its lines begin is remembered, what they say is read when it is wanted."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from harmonic_tui.plain import plain

LONGEST_LINE = 2_000
"""Characters of a line that are shown and searched."""

_CHUNK = 1 << 20
_MOST_AT_ONCE = 1 << 22
_TAIL_OF_LINE = 1 << 14
"""Bytes of a huge line that are read: of one that was overwritten in place only the end counts."""


class Found(NamedTuple):
    """What one look through a part of the log found."""

    lines: list[int]
    following: int
    """First line that was not looked at."""


class LogFile:
    """Lines of a file that grows. `scan`, `read` and `find` read the disk: they belong in a thread.

    Attributes
    ----------
    restarts
        How often the file was replaced or became shorter.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = array("Q", [0])
        self._size = 0
        self._identity: tuple[int, int] | None = None
        self.restarts = 0

    @property
    def count(self) -> int:
        """Number of lines known so far, a last one that is not complete yet included."""
        return len(self._starts) - (self._starts[-1] >= self._size)

    @property
    def size(self) -> int:
        """Bytes looked at so far."""
        return self._size

    def scan(self, told: Callable[[float], None] = lambda _: None) -> bool:
        """Find the lines that were added; whether there are any, or the file was replaced.

        Parameters
        ----------
        told
            Takes how far it is, 0 to 1, where that takes a while.
        """
        try:
            with self._path.open("rb") as file:
                stat = os.fstat(file.fileno())
                changed = self._begin_anew_if_replaced(stat)
                file.seek(self._size)
                while self._size < stat.st_size:
                    data = file.read(min(_CHUNK, stat.st_size - self._size))
                    if not data:
                        break
                    self._starts.extend(self._size + each.end() for each in re.finditer(b"\n", data))
                    self._size += len(data)
                    changed = True
                    told(self._size / stat.st_size)
        except OSError:
            return False
        return changed

    def read(self, first: int, number: int) -> list[str]:
        """Lines from the `first` on, harmless to show; fewer where there are no more."""
        last = min(first + number, self.count)
        ends = [*self._starts[first + 1 : last + 1], self._size]
        lines: list[str] = []
        try:
            with self._path.open("rb") as file:
                for begin, end in zip(self._starts[first:last], ends, strict=False):
                    lines.append(shown_line(_line(file.fileno(), begin, end)))
        except OSError:
            lines += ["the log cannot be read any more"] * (last - first - len(lines))
        return lines

    def find(self, pattern: re.Pattern[str], first: int, most_bytes: int = _MOST_AT_ONCE) -> Found:
        """Lines from the `first` on that match, in as much of the log as `most_bytes`."""
        count, found, index, spent = self.count, [], first, 0
        while index < count and spent < most_bytes:
            lines = self.read_block(index)
            for line in lines:
                if pattern.search(line):
                    found.append(index)
                index += 1
                spent += len(line) + 1
            if not lines:
                break
        return Found(found, max(index, first + 1) if index < count and not spent else index)

    def read_block(self, first: int) -> list[str]:
        """Lines from the `first` on, harmless to show, as many as are read in one go."""
        count, starts = self.count, self._starts
        begin, last = starts[first], first + 1
        while last < count and starts[last] - begin < _CHUNK // 4 and last - first < _CHUNK:
            last = min(count, last + 1024)
        end = starts[last] if last < len(starts) else self._size
        if end - begin > _CHUNK:
            return self.read(first, 1)
        try:
            with self._path.open("rb") as file:
                data = os.pread(file.fileno(), end - begin, begin)
        except OSError:
            return []
        lines = data.decode(errors="replace").split("\n")[: last - first]
        return [shown_line(line) for line in lines]

    def _begin_anew_if_replaced(self, stat: os.stat_result) -> bool:
        identity = (stat.st_dev, stat.st_ino)
        replaced = self._identity is not None and (identity != self._identity or stat.st_size < self._size)
        if replaced:
            self._starts, self._size = array("Q", [0]), 0
            self.restarts += 1
        self._identity = identity
        return replaced


def shown_line(raw: str) -> str:
    """A line as it may be shown, its indentation kept. Of one that was overwritten in place the newest part counts."""
    line = raw.rstrip("\r\n").rsplit("\r", 1)[-1]
    if line.isprintable():
        return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
    indented = line.expandtabs(4)
    return " " * min(40, len(indented) - len(indented.lstrip(" "))) + plain(indented, LONGEST_LINE)


def _line(descriptor: int, begin: int, end: int) -> str:
    if end - begin <= 4 * LONGEST_LINE:
        return os.pread(descriptor, end - begin, begin).decode(errors="replace")
    data = os.pread(descriptor, _TAIL_OF_LINE, max(begin, end - _TAIL_OF_LINE))
    if b"\r" not in data.rstrip(b"\r\n"):
        data = os.pread(descriptor, 4 * LONGEST_LINE, begin)
    return data.decode(errors="replace")
