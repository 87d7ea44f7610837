"""The validation error of a run over its epochs, in few figures and read in few places, however long its file is."""

from __future__ import annotations

import math
import os
import re
from itertools import pairwise
from pathlib import Path

from harmonic_core.run.records import decode_row, last_row

POINTS = 24
_WHOLE = 1 << 19
"""Bytes that are simply read."""
_PIECE = 1 << 12
_LONGEST_ROW = 1 << 20
_BEFORE = 1 << 16
"""Bytes before the end of an epoch in which the row that closes it is looked for."""
_EPOCH = re.compile(rb'"epoch":\s?(\d+)')
_IS_EPOCH_ROW = re.compile(rb'"kind":\s?"epoch"')
_BARS = "▁▂▃▄▅▆▇█"


def validation_errors(path: Path, points: int = POINTS) -> tuple[float, ...]:
    """Validation error in dB at up to `points` epochs, evenly spread, the last one among them.

    Of a long file only the rows that close these epochs are looked up, by halving: rows are ordered by epoch.

    Parameters
    ----------
    path
        A `metrics.jsonl`; where there is none, or nothing was validated, the result is empty.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        size = os.fstat(descriptor).st_size
        if size <= _WHOLE:
            return _spread(_errors_in(os.pread(descriptor, size, 0)), points)
        last = last_row(path, "epoch")
        if last is None or not isinstance(last.get("epoch"), int):
            return ()
        return _looked_up(descriptor, size, last["epoch"], points)
    except OSError:
        return ()
    finally:
        os.close(descriptor)


def spark(values: tuple[float, ...], width: int) -> str:
    """Values as a line of bars, low is low; a value that is no number shows as ×.

    Parameters
    ----------
    width
        Most characters.
    """
    chosen = _spread(dict(enumerate(values)), width)
    finite = [value for value in chosen if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    scale = 7.0 / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] if math.isfinite(value) else "×" for value in chosen)


def _errors_in(piece: bytes) -> dict[int, float]:
    """Validation error by epoch of all whole rows in a piece that close one."""
    errors: dict[int, float] = {}
    for line in piece.split(b"\n")[:-1]:
        row = decode_row(line) if _IS_EPOCH_ROW.search(line) else None
        if row is not None and isinstance(row.get("epoch"), int):
            error = row.get("val_recon_db")
            if isinstance(error, int | float):
                errors[row["epoch"]] = float(error)
    return errors


def _spread(errors: dict[int, float], points: int) -> tuple[float, ...]:
    epochs = sorted(errors)
    if len(epochs) <= points:
        return tuple(errors[epoch] for epoch in epochs)
    places = sorted({round(number * (len(epochs) - 1) / max(1, points - 1)) for number in range(points)})
    return tuple(errors[epochs[place]] for place in places)


def _looked_up(descriptor: int, size: int, last: int, points: int) -> tuple[float, ...]:
    errors: dict[int, float] = {}
    low = 0
    epochs = sorted({1 + round(number * (last - 1) / max(1, points - 1)) for number in range(points)})
    for epoch in epochs:
        low, end = _end_of(descriptor, size, epoch, low)
        start = max(0, low - _BEFORE)
        piece = os.pread(descriptor, end - start + _BEFORE, start)
        found = _errors_in(piece)
        if epoch in found:
            errors[epoch] = found[epoch]
    return tuple(errors[epoch] for epoch in sorted(errors))


def _end_of(descriptor: int, size: int, epoch: int, low: int) -> tuple[int, int]:
    """Bounds, a piece apart, of the place where the rows of later epochs begin; not before `low`."""
    high = size
    while high - low > _PIECE:
        middle = (low + high) // 2
        seen = _epoch_from(descriptor, middle)
        if seen is None or seen > epoch:
            high = middle
        else:
            low = middle
    return low, high


def _epoch_from(descriptor: int, offset: int) -> int | None:
    """Epoch of the first row that begins after `offset`; None at the end of the file."""
    length = _PIECE
    while length <= _LONGEST_ROW:
        piece = os.pread(descriptor, length, offset)
        ends = [match.start() for match in re.finditer(rb"\n", piece)]
        for start, end in pairwise(ends):
            match = _EPOCH.search(piece, start, end)
            if match:
                return int(match.group(1))
        if len(piece) < length:
            return None
        length *= 4
    return None
