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

    def share(self, value: float) -> float:
        """How far up, or along, `value` lies: 0 at the low end, 1 at the high one."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0


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
    per_row = step / rows_apart
    # Half a row of margin puts each round value into the middle of its row, where its label stands.
    return Axis((bottom - 0.5) * per_row, (bottom + rows - 0.5) * per_row, places, _aligned(labels))


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


def along_axis(low: float, high: float, unit: float, name: str, columns: int, *, least: float = 0.0) -> Axis:
    """Axis of what curves go along, with ticks at round places and its name at its end.

    Parameters
    ----------
    low, high
        Its ends.
    unit
        How much of what the ends are given in makes one of what the labels say.
    name
        What the labels count.
    columns
        Room for it.
    least
        Smallest distance of ticks, in the unit of the labels: 1 for what comes in whole numbers.
    """
    first, last = low / unit, high / unit
    span = max(last - first, 1e-9)
    step = max(least, round_step(span, max(2, columns // 8)))
    # The name of the axis needs its own room at the right end.
    room = span * (len(name) + 3) / max(columns, 1)
    begin = math.ceil(first / step - 1e-9)
    places = [number * step for number in range(begin, int((last - room) // step) + 1)]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    labels = [f"{place:,.{decimals}f}".replace(",", "\N{THIN SPACE}") for place in places]
    return Axis(low, high, [place * unit for place in places] + [high], [*labels, name])


def step_axis(last_step: float, steps_per_epoch: float | None, columns: int, first_step: float = 0.0) -> Axis:
    """Axis of time: epochs where their length is known, else steps."""
    unit, name = (steps_per_epoch, "epoch") if steps_per_epoch else (1.0, "step")
    last_step = max(last_step, first_step + (unit if not first_step else 0.0))
    # A part of an epoch is worth a tick only where one has looked for it.
    whole = 1.0 if not steps_per_epoch or not first_step else 0.0
    return along_axis(first_step, last_step, unit, name, columns, least=whole)


def power_axis(low: float, high: float, rows: int) -> Axis:
    """Axis of logarithms to base ten, its ticks at powers of ten; where there are none, at round values.

    Parameters
    ----------
    low, high
        Logarithms of the ends.
    rows
        Room for it.
    """
    if high - low < 1e-3:
        low, high = low - 5e-4, high + 5e-4
    margin = (high - low) / max(3, rows) / 2
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if last - first >= 1:
        apart = max(1, math.ceil((last - first + 1) / max(2, rows // 2)))
        powers = [power for power in range(first, last + 1) if power % apart == 0] or [first]
        labels = [_label(10.0**power, 10.0**power) for power in powers]
        return Axis(low - margin, high + margin, [float(power) for power in powers], _aligned(labels))
    # 250 decades are no range of figures; it is looked at as it is.
    if not -250 < low <= high < 250:
        return value_axis(low, high, rows)
    plain = value_axis(10.0**low, 10.0**high, rows)
    kept = [
        (math.log10(tick), label)
        for tick, label in zip(plain.ticks, plain.labels, strict=True)
        if tick > 0 and low - margin <= math.log10(tick) <= high + margin
    ]
    return Axis(low - margin, high + margin, [tick for tick, _ in kept], [label for _, label in kept])


def along_power_axis(low: float, high: float, unit: float, name: str, columns: int) -> Axis:
    """Axis of logarithms that curves go along: ticks at powers of ten of what the labels say, and its name."""
    shift = math.log10(unit)
    span = max(high - low, 1e-9)
    first, last = math.ceil(low - shift - 1e-9), math.floor(high - shift - span * (len(name) + 3) / max(columns, 1))
    apart = max(1, math.ceil((last - first + 1) / max(1, columns // 8)))
    powers = [power for power in range(first, last + 1) if power % apart == 0]
    labels = [_label(10.0**power, 10.0**power) for power in powers]
    return Axis(low, high, [power + shift for power in powers] + [high], [*labels, name])


def _aligned(labels: list[str]) -> list[str]:
    width = max(map(len, labels), default=0)
    return [label.rjust(width) for label in labels]


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
