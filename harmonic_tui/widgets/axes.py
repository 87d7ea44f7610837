"""Round ticks for the axes of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_FLAT = 1e-3
"""Spread, as a share of the values, below which a curve is flat."""
_FLAT_SCALE = 2e-2
"""Range, as such a share, on which a flat curve is shown."""


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


_SMALLEST = 1e-290


def round_step(span: float, ticks: int) -> float:
    """Distance between ticks, 1, 2 or 5 times a power of ten, that puts at most `ticks` of them on `span`."""
    rough = span / max(1, ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def value_axis(low: float, high: float, rows: int) -> Axis:
    """Axis that holds all values from `low` to `high`, its ticks at round values and evenly spaced on `rows` rows.

    A range of almost nothing is widened, since a flat line has no scale of its own.
    """
    size = max(abs(low), abs(high))
    # Nothing that is measured is smaller, and its steps could not be told from zero.
    size = size if size > _SMALLEST else 1.0
    if high - low < size * _FLAT:
        low, high = low - size * _FLAT_SCALE / 2, high + size * _FLAT_SCALE / 2
    rows = max(3, rows)
    step, rows_apart = _finest_step(low, high, rows)
    bottom = math.floor(low * rows_apart / step + 1e-9)
    numbers = [row for row in range(bottom, bottom + rows) if row % rows_apart == 0] or [bottom]
    places = [row // rows_apart * step for row in numbers]
    per_row = step / rows_apart
    # Half a row of margin puts each round value into the middle of its row, where its label stands.
    return Axis((bottom - 0.5) * per_row, (bottom + rows - 0.5) * per_row, places, _aligned(_labels(places, step)))


def _finest_step(low: float, high: float, rows: int) -> tuple[float, int]:
    """Round distance between ticks and the rows from one to the next, such that the data fill most of the height.

    Two ticks at least, since one alone tells of no scale.
    """
    power = 10.0 ** math.floor(math.log10((high - low) / rows))
    candidates = (
        (factor * power / apart, apart, factor * power)
        for factor in (1, 2, 5, 10, 20, 50, 100)
        for apart in ((3, 4, 5) if rows > 12 else (2, 3, 4) if rows > 4 else (1, 2))
    )
    fitting = [
        (per_row, apart, step)
        for per_row, apart, step in candidates
        if math.floor(low / per_row + 1e-9) + rows - 1 >= high / per_row - 1e-9
    ]
    telling = [each for each in fitting if _number_of_ticks(low, each[0], each[1], rows) > 1]
    _, apart, step = min(telling or fitting)
    return step, apart


def _number_of_ticks(low: float, per_row: float, apart: int, rows: int) -> int:
    bottom = math.floor(low / per_row + 1e-9)
    return (bottom + rows - 1) // apart - (bottom - 1) // apart


def along_axis(
    low: float, high: float, unit: float, name: str, columns: int, *, least: float = 0.0, divisible: bool = False
) -> Axis:
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
    divisible
        Whether ticks may stand closer where there would be fewer than two of them.
    """
    first, last = low / unit, high / unit
    span = max(last - first, 1e-9)
    # The name of the axis needs its own room at the right end.
    end = last - span * (len(name) + 3) / max(columns, 1)
    fewest, most = max(2, columns // 8), max(3, columns // 4)
    steps = [max(least, round_step(span, number)) for number in range(fewest, most + 1)]
    steps += [round_step(span, number) for number in range(fewest, most + 1)] if divisible else []
    step = next((step for step in steps if len(_places(first, end, step)) > 1), steps[0])
    places = _places(first, end, step)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    labels = [_written(f"{place:,.{decimals}f}") for place in places]
    return Axis(low, high, [place * unit for place in places] + [high], [*labels, name])


def _places(first: float, last: float, step: float) -> list[float]:
    """Multiples of a step, from one end to the other."""
    return [number * step for number in range(math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9) + 1)]


def step_axis(last_step: float, steps_per_epoch: float | None, columns: int, first_step: float = 0.0) -> Axis:
    """Axis of time: epochs where their length is known, else steps."""
    unit, name = (steps_per_epoch, "epoch") if steps_per_epoch else (1.0, "step")
    last_step = max(last_step, first_step + (unit if not first_step else 0.0))
    # A part of an epoch is worth a tick only where one has looked for it.
    whole = 1.0 if not steps_per_epoch or not first_step else 0.0
    return along_axis(first_step, last_step, unit, name, columns, least=whole, divisible=bool(steps_per_epoch))


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
        powers = list(range(first, last + 1, apart))
        labels = [_power(power) for power in powers]
        return Axis(low - margin, high + margin, [float(power) for power in powers], _aligned(labels))
    # 250 decades are no range of figures; it is looked at as it is.
    if not -250 < low <= high < 250:
        return value_axis(low, high, rows)
    kept: list[tuple[float, str]] = []
    for finer in (1, 2, 4):
        plain = value_axis(10.0**low, 10.0**high, finer * rows)
        kept = [
            (math.log10(tick), label)
            for tick, label in zip(plain.ticks, plain.labels, strict=True)
            if tick > 0 and low - margin <= math.log10(tick) <= high + margin
        ]
        if len(kept) > 1:
            break
    kept = kept[:: math.ceil(len(kept) / max(2, rows // 2)) or 1]
    return Axis(low - margin, high + margin, [tick for tick, _ in kept], [label for _, label in kept])


def along_power_axis(low: float, high: float, unit: float, name: str, columns: int) -> Axis:
    """Axis of logarithms that curves go along: ticks at powers of ten of what the labels say, and its name.

    Where one looks so closely that there are fewer than two powers of ten, the ticks stand at other round places.
    """
    shift = math.log10(unit)
    span = max(high - low, 1e-9)
    end = high - span * (len(name) + 3) / max(columns, 1)
    first, last = math.ceil(low - shift - 1e-9), math.floor(end - shift)
    if last - first >= 1 or not -250 < low - shift <= high - shift < 250:
        apart = max(1, math.ceil((last - first + 1) / max(1, columns // 8)))
        powers = list(range(first, last + 1, apart))
        return Axis(low, high, [power + shift for power in powers] + [high], [*map(_power, powers), name])
    places, labels = _round_places(10.0 ** (low - shift), 10.0 ** (end - shift), columns)
    return Axis(low, high, [math.log10(place) + shift for place in places] + [high], [*labels, name])


def _round_places(first: float, last: float, columns: int) -> tuple[list[float], list[str]]:
    """Few round places between two that lie less than two powers of ten apart, and their labels."""
    power = 10.0 ** math.floor(math.log10(first))
    few = [factor * power for factor in (1, 2, 5, 10, 20, 50, 100) if first <= factor * power * (1 + 1e-9) <= last]
    if len(few) < 2:
        for number in range(3, max(4, columns // 8) + 3):
            step = round_step(max(last - first, last * 1e-9), number)
            few = [place for place in _places(first, last, step) if place > 0]
            if len(few) > 1:
                return few, _labels(few, step)
    return few, [_written(f"{place:,.{max(0, -math.floor(math.log10(place) + 1e-9))}f}") for place in few]


def _aligned(labels: list[str]) -> list[str]:
    width = max(map(len, labels), default=0)
    return [label.rjust(width) for label in labels]


def _labels(places: Sequence[float], step: float) -> list[str]:
    """Places as figures that tell each from the next, all in the same form: the shorter one."""
    power = math.floor(math.log10(step) + 1e-9)
    fixed = [_written(f"{place:.{max(0, -power)}f}") for place in places] if -30 < power < 30 else []
    if fixed and -4 <= power < 6:
        return fixed
    scientific = [_scientific(place, power) for place in places]
    return min((forms for forms in (fixed, scientific) if forms), key=lambda forms: max(map(len, forms), default=0))


def _scientific(value: float, power: int) -> str:
    if not value:
        return "0"
    # As many digits as tell one tick from the next.
    digits = max(0, math.floor(math.log10(abs(value)) + 1e-9) - power)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return _written(f"{mantissa}e{int(exponent)}")


def _power(power: int) -> str:
    """Label of a power of ten."""
    return _labels([10.0**power], 10.0**power)[0]


def _written(number: str) -> str:
    """A number with the signs that people use: a minus, thin spaces between thousands, and no minus before nothing."""
    number = number.replace(",", "\N{THIN SPACE}")
    return number[1:] if number.startswith("-") and not number.strip("-0.") else number.replace("-", "−")
