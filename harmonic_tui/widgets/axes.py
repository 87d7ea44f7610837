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


def round_step(span: float, ticks: int) -> float:
    """Distance between ticks, 1, 2 or 5 times a power of ten, that puts at most `ticks` of them on `span`."""
    rough = span / max(1, ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def value_axis(low: float, high: float, ticks: int) -> Axis:
    """Axis whose ends are ticks and that holds all values from `low` to `high`.

    A range of almost nothing is widened, since a flat line has no scale of its own.
    """
    least = max(abs(low), abs(high)) * 1e-3 or 1e-3
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    step = round_step(high - low, max(2, ticks))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    places = [number * step for number in range(first, last + 1)]
    labels = [_label(place, step) for place in places]
    width = max(map(len, labels))
    return Axis(places[0], places[-1], places, [label.rjust(width) for label in labels])


def step_axis(last_step: float, steps_per_epoch: float | None, columns: int) -> Axis:
    """Axis of time: whole epochs where their length is known, else steps. Its name stands at its end."""
    unit, name = (steps_per_epoch, "epoch") if steps_per_epoch else (1.0, "step")
    span = max(last_step / unit, 1.0)
    step = max(1.0, round_step(span, max(2, columns // 10)))
    # The name of the axis needs its own room at the right end.
    room = span * (len(name) + 4) / max(columns, 1)
    places = [number * step for number in range(int((span - room) // step) + 1)] if span > room else [0.0]
    labels = [f"{place:,.0f}".replace(",", "\N{THIN SPACE}") for place in places]
    return Axis(0.0, span * unit, [place * unit for place in places] + [span * unit], [*labels, name])


def _label(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals > 4:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.{decimals}f}"
