"""Round ticks for the axes of a chart."""

from __future__ import annotations

import math
from typing import NamedTuple


class Axis(NamedTuple):
    """Limits of an axis, and the places and labels of its ticks."""

    low: float
    high: float
    ticks: list[float]
    labels: list[str]

    def middle_of_row(self, value: float, rows: int) -> float:
        """Value in the middle of the row, of `rows`, in which `value` lies."""
        per_row = (self.high - self.low) / rows
        return self.low + (math.floor((value - self.low) / per_row) + 0.5) * per_row


def round_step(span: float, ticks: int) -> float:
    """Distance between ticks, 1, 2 or 5 times a power of ten, that puts at most `ticks` of them on `span`."""
    rough = span / max(1, ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def value_axis(low: float, high: float, rows: int) -> Axis:
    """Axis that holds all values from `low` to `high`, its ticks at round values and evenly spaced on `rows` rows.

    A range of almost nothing is widened, since a flat line has no scale of its own.
    """
    least = max(abs(low), abs(high)) * 1e-3 or 1e-3
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    rows = max(3, rows)
    step, rows_apart = _finest_step(low, high, rows)
    bottom = math.floor(low * rows_apart / step + 1e-9)
    numbers = [row for row in range(bottom, bottom + rows) if row % rows_apart == 0] or [bottom]
    places = [row // rows_apart * step for row in numbers]
    labels = [_label(place, step) for place in places]
    width = max(map(len, labels))
    per_row = step / rows_apart
    # Half a row of margin puts each round value into the middle of its row, where its label stands.
    return Axis(
        (bottom - 0.5) * per_row, (bottom + rows - 0.5) * per_row, places, [label.rjust(width) for label in labels]
    )


def _finest_step(low: float, high: float, rows: int) -> tuple[float, int]:
    """Round distance between ticks and the rows from one to the next, such that the data fill most of the height."""
    power = 10.0 ** math.floor(math.log10((high - low) / rows))
    candidates = (
        (factor * power / apart, apart, factor * power)
        for factor in (1, 2, 5, 10, 20, 50, 100)
        for apart in ((3, 4, 5) if rows > 12 else (2, 3, 4) if rows > 4 else (1, 2))
    )
    fitting = (
        (per_row, apart, step)
        for per_row, apart, step in candidates
        if math.floor(low / per_row + 1e-9) + rows - 1 >= high / per_row - 1e-9
    )
    _, apart, step = min(fitting)
    return step, apart


def step_axis(last_step: float, steps_per_epoch: float | None, columns: int) -> Axis:
    """Axis of time: whole epochs where their length is known, else steps. Its name stands at its end."""
    unit, name = (steps_per_epoch, "epoch") if steps_per_epoch else (1.0, "step")
    span = max(last_step / unit, 1.0)
    step = max(1.0, round_step(span, max(2, columns // 8)))
    # The name of the axis needs its own room at the right end.
    room = span * (len(name) + 3) / max(columns, 1)
    places = [number * step for number in range(int(max(0.0, span - room) // step) + 1)]
    labels = [f"{place:,.0f}".replace(",", "\N{THIN SPACE}") for place in places]
    return Axis(0.0, span * unit, [place * unit for place in places] + [span * unit], [*labels, name])


def _label(value: float, step: float) -> str:
    power = math.floor(math.log10(step) + 1e-9)
    if -4 <= power < 6:
        return f"{value:.{max(0, -power)}f}"
    if not value:
        return "0"
    # As many digits as tell one tick from the next.
    digits = max(0, math.floor(math.log10(abs(value)) + 1e-9) - power)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
