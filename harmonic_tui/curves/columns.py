"""Rows of metrics as columns: what a million rows can be held and drawn in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harmonic_core.run.records import Row, decode_row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Indices = NDArray[np.int64]

KINDS = ("step", "epoch")
"""Kinds of rows that hold figures."""

LARGEST = 1e300
"""Beyond it no axis can be computed; NaN and infinities are beyond it too."""

_SINGLE = 3e38
"""Largest value of a column. Three significant figures are shown, of which a float of four bytes has seven."""
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_NO_FIGURES = frozenset({"kind", "step"})
BY_SOURCE = "recon_db_by_source"
"""Field that holds a figure of every data set."""
_MOST_SOURCES = 32


@dataclass
class Figure:
    """One figure of some rows."""

    values: Singles
    """A value a row; NaN where the row has no finite number for it."""
    bad: Indices
    """Rows, ascending, in which it was there and no finite number."""
    bad_values: Singles
    """What it was in those: NaN or an infinity."""
    last: int
    """Newest row that has it."""
    newest: float
    """Its value in that row."""


@dataclass
class Block:
    """Rows of one kind, in the order in which they were written."""

    steps: Reals
    times: Reals
    """Seconds since 1970; NaN where a row does not say."""
    figures: dict[str, Figure] = field(default_factory=dict)


@dataclass
class Parsed:
    """What some lines of a file say."""

    blocks: dict[str, Block] = field(default_factory=dict)
    """By kind."""
    last_epoch_row: Row | None = None
    unreadable: int = 0
    """Lines that were not JSON objects."""


def parse(data: bytes) -> Parsed:
    """Columns of complete lines. What has no step, or is no number, is passed over."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    read = list(_rows(lines))
    rows = [row for row in read if row is not None]
    parsed = Parsed(unreadable=len(read) - len(rows))
    for kind in KINDS:
        steps, kept = _with_steps([row for row in rows if row.get("kind") == kind])
        if kept:
            parsed.blocks[kind] = _block(steps, kept)
            if kind == "epoch":
                last = kept[-1]
                parsed.last_epoch_row = {name: _readable(value) for name, value in last.items()}
    return parsed


def as_number(value: object) -> float | None:
    """A field of a row as a figure; a flag is none, and neither is text but for the names of what is not finite."""
    if isinstance(value, str):
        return _NOT_FINITE.get(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _rows(lines: Sequence[bytes]) -> Iterator[Row | None]:
    """The object of every line, None where it is something else. Together they are read several times as fast."""
    import orjson

    if not lines:
        return
    try:
        rows = orjson.loads(b"[" + b",".join(lines) + b"]")
    except orjson.JSONDecodeError:
        rows = None
    # A line with two values, or half of one, comes to another number of them.
    if rows is not None and len(rows) == len(lines):
        yield from (row if isinstance(row, dict) else None for row in rows)
    elif len(lines) == 1:
        yield decode_row(lines[0])
    else:
        middle = len(lines) // 2
        yield from _rows(lines[:middle])
        yield from _rows(lines[middle:])


def _readable(value: Any) -> Any:
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return _NOT_FINITE.get(value, value) if isinstance(value, str) else value


def _with_steps(rows: list[Row]) -> tuple[Reals, list[Row]]:
    """Rows that have a step, and those steps."""
    import numpy as np

    steps = [row.get("step") for row in rows]
    if not set(map(type, steps)) <= {int, float}:
        numbers = [as_number(step) for step in steps]
        rows = [row for row, number in zip(rows, numbers, strict=True) if number is not None]
        steps = [number for number in numbers if number is not None]
    try:
        known = np.array(steps, dtype=np.float64)
    except OverflowError:
        known = np.array([as_number(step) for step in steps], dtype=np.float64)
    finite = np.abs(known) < LARGEST
    if finite.all():
        return known, rows
    return known[finite], [row for row, good in zip(rows, finite, strict=True) if good]


def _block(steps: Reals, rows: list[Row]) -> Block:
    import numpy as np

    told, _ = _numbers([row.get("time") for row in rows])
    times = np.full(len(rows), np.nan) if told is None else np.where(np.abs(told) < LARGEST, told, np.nan)
    block = Block(steps, times)
    for name in set().union(*rows) - _NO_FIGURES:
        figure = _figure([row.get(name) for row in rows])
        if figure is not None:
            block.figures[name] = figure
    by_source = [row.get(BY_SOURCE) for row in rows]
    named = [each if isinstance(each, dict) else {} for each in by_source]
    for source in sorted(set().union(*named))[:_MOST_SOURCES]:
        figure = _figure([each.get(source) for each in named])
        if figure is not None:
            block.figures[of_source(source)] = figure
    return block


def of_source(source: str) -> str:
    """Name of the validation error of one data set."""
    return f"val_recon_db of {source}"


def _numbers(raw: list[Any]) -> tuple[Reals | None, NDArray[np.bool_] | None]:
    """Fields as numbers, and in which rows there is one; None stands for all of them, and for none at all."""
    import numpy as np

    if set(map(type, raw)) <= {int, float}:
        try:
            return np.array(raw, dtype=np.float64), None
        except OverflowError:
            pass
    numbers = [as_number(value) for value in raw]
    present = np.array([number is not None for number in numbers])
    if not present.any():
        return None, present
    return np.array([np.nan if number is None else number for number in numbers]), present


def _figure(raw: list[Any]) -> Figure | None:
    import numpy as np

    numbers, present = _numbers(raw)
    if numbers is None:
        return None
    bad = ~(np.abs(numbers) < LARGEST)
    values = np.clip(numbers, -_SINGLE, _SINGLE).astype(np.float32)
    last = len(raw) - 1
    if bad.any():
        values[bad] = np.nan
        if present is not None:
            bad &= present
    if present is not None:
        last = int(np.flatnonzero(present)[-1])
    rows = np.flatnonzero(bad)
    kinds = np.where(np.isnan(numbers[rows]), np.nan, np.copysign(np.inf, numbers[rows]))
    return Figure(values, rows, kinds.astype(np.float32), last, float(numbers[last]))
