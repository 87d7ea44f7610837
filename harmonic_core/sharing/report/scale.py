"""Scales of a chart: which values lie where, and what is written beside them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harmonic_core.sharing.report.thinning import Floats, limits

_LARGEST = sys.float_info.max


class Tick(NamedTuple):
    """A place on a scale, in the chart's coordinates, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high`, laid along a side of a chart.

    Attributes
    ----------
    low, high
        Ends.
    beyond
        Points that lie beyond them.
    known
        Whether there is any value at all.
    margin
        Room at either end, as a share of the side.
    whole
        Whether its values are counted, and there is nothing between 2 and 3.
    """

    low: float
    high: float
    beyond: int = 0
    known: bool = True
    margin: float = 0.06
    whole: bool = False

    @classmethod
    def of(cls, parts: Sequence[Floats]) -> Scale:
        """The scale that suits curves: it holds all of their points but outliers."""
        found = limits(parts)
        if found is None:
            return cls(0.0, 1.0, known=False)
        low, high, beyond = found
        if not high > low:
            spare = abs(high) * 0.1 or 1.0
            low, high = max(-_LARGEST, low - spare), min(_LARGEST, high + spare)
        return cls(low, high, beyond)

    def reaching(self, *values: float) -> Scale:
        """The same, stretched so that it holds these values, too."""
        return replace(self, low=min(self.low, *values), high=max(self.high, *values)) if values else self

    @classmethod
    def across(cls, last: float) -> Scale:
        """The scale of updates, from none to the `last`."""
        return cls(0.0, max(last, 1.0), margin=0.0, whole=True)

    def _share(self, value: float) -> float:
        # Halves, since a range may be larger than the largest number.
        half = self.high / 2 - self.low / 2
        share = (value / 2 - self.low / 2) / half
        return self.margin + share * (1 - 2 * self.margin)

    def place(self, value: float, start: float, end: float) -> float:
        """Where a value lies on a side that goes from `start` to `end`."""
        return start + self._share(value) * (end - start)

    def height(self, value: float, top: float, bottom: float) -> float:
        """Where a value lies between `bottom` and `top`; what is beyond the scale lies at its end."""
        return bottom - min(1.0, max(0.0, self._share(value))) * (bottom - top)

    def is_beyond(self, value: float) -> bool:
        """Whether the scale does not reach to a value."""
        return not self.low <= value <= self.high

    def ticks(self, start: float, end: float) -> list[Tick]:
        """Round values, where they lie on a side from `start` to `end`; none where nothing is known."""
        if not self.known:
            return []
        values = list(_round_values(self.low, self.high, whole=self.whole))
        return [
            Tick(round(self.place(value, start, end), 1), text)
            for value, text in zip(values, _tick_words(values), strict=True)
        ]


def _round_values(low: float, high: float, wanted: int = 5, *, whole: bool = False) -> Iterator[float]:
    """Round numbers from `low` to `high`, about so many."""
    span = high / 2 - low / 2
    power = 10.0 ** math.floor(math.log10(span / wanted * 2))
    steps = [each * power for each in (1, 2, 2.5, 5, 10)]
    if whole:
        steps = [each for each in steps if each >= 1 and each == round(each)] or [1.0]
    step = min(steps, key=lambda each: abs(span / each * 2 - wanted))
    first = math.ceil(low / step - 1e-9)
    for number in range(first, first + 4 * wanted):
        value = number * step
        if not value <= high + 1e-9 * step:
            return
        yield value


def _tick_words(values: Sequence[float]) -> list[str]:
    """Numbers of a scale, all with as many decimals as the finest needs."""
    largest = max(map(abs, values), default=0.0)
    if largest >= 1e7 or 0 < largest < 1e-2:
        words = [f"{value:.4g}" if largest < 1e-2 and value == 0 else f"{value:.3g}" for value in values]
        return [word.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−") for word in words]
    decimals = next((number for number in range(6) if all(_is_at(value, number) for value in values)), 6)
    return [f"{value:,.{decimals}f}".replace(",", "\N{THIN SPACE}").replace("-", "−") for value in values]


def _is_at(value: float, decimals: int) -> bool:
    return math.isclose(value, round(value, decimals), rel_tol=0, abs_tol=1e-9 * max(1.0, abs(value)))
