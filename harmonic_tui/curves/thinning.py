"""What of a long curve is drawn: no peak, no valley and no gap is lost, however few columns there are for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harmonic_tui.curves.columns import Reals, Singles
    from harmonic_tui.curves.series import Curve

_FEW = 4
"""Points a column at which all of them are drawn; of more, so many are kept."""
_SPREAD = 3.0
"""How many times as far as all other points together an outlier lies away from them."""
_FAR_OF_FEW, _MANY = 12.0, 8
"""The same for fewer points than so many, whose spread says little: the first losses of a run are high, and right."""
_LEAST = 4
"""Points from which on one of them can be an outlier."""
_OUTLIERS = 0.02
"""Share of the points that may be outliers; of few points, one may."""
_LOOKED_AT = 5_000
"""Points from which the spread is told."""


def outline(curve: Curve, low: float, high: float, columns: int) -> tuple[Reals, Singles | Reals]:
    """Points that look the same as all points from `low` to `high` on `columns` columns.

    Of every column that holds many points the first, the lowest, the highest and the last are given, all at its
    middle. The neighbours on both sides of the window come along, since lines lead to them. A point that is NaN
    stands wherever a figure between was no finite number: the line is broken there.

    Parameters
    ----------
    curve
        What is to be drawn.
    low, high
        Window; its ends lie in the middle of the first and the last column.
    columns
        Columns of dots.
    """
    import numpy as np

    places, values = curve.points
    first = max(0, int(np.searchsorted(places, low)) - 1)
    last = min(len(places), int(np.searchsorted(places, high, side="right")) + 1)
    places, values = places[first:last], values[first:last]
    if not len(places):
        return places, values
    gaps = curve.gaps
    gaps = gaps[np.searchsorted(gaps, places[0]) : np.searchsorted(gaps, places[-1], side="right")]
    if len(places) > _FEW * columns and high > low:
        width = (high - low) / max(1, columns - 1)
        edges = low + (np.arange(columns + 1) - 0.5) * width
        starts = np.unique(np.concatenate(([0], np.searchsorted(places, edges), [len(places)])))
        starts = starts[starts < len(places)]
        ends = np.append(starts[1:], len(places))
        # Points beyond the window stay where they are; they make columns of their own.
        inside = (places[starts] >= edges[0]) & (places[starts] < edges[-1])
        middles = low + np.floor((places[starts] - edges[0]) / width) * width
        columnar = np.where(inside, middles, places[starts])
        values = np.stack(
            (
                values[starts],
                np.minimum.reduceat(values, starts),
                np.maximum.reduceat(values, starts),
                values[ends - 1],
            ),
            axis=1,
        ).ravel()
        # A gap in a column that has points as well cannot be seen; one in a column without any breaks the line.
        before = np.searchsorted(places, gaps) - 1
        between = np.searchsorted(starts, before, side="right")
        ends_there = np.isin(before, ends - 1)
        places = np.repeat(columnar, 4)
        cuts = 4 * np.unique(between[ends_there])
    else:
        cuts = np.unique(np.searchsorted(places, gaps))
    cuts = cuts[(cuts > 0) & (cuts < len(places))]
    drawn: Singles | Reals = np.insert(values, cuts, np.nan)  # type: ignore[assignment]
    return np.insert(places, cuts, places[cuts]), drawn


class Fences(NamedTuple):
    """Between what values a chart is drawn, and how much lies beyond."""

    low: float
    high: float
    below: int = 0
    above: int = 0


def fences(parts: list[Singles | Reals], *, clip: bool) -> Fences | None:
    """Limits that hold all values, or with `clip` all but outliers; None where there are no values.

    An outlier lies further from the middle 96 % of all points (of few points: from all but the lowest and the highest)
    than three times their spread, of a handful of points twelve times. Where a curve is now is never one, or a run that
    diverges would look calm.
    """
    import numpy as np

    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    low, high = float(min(part.min() for part in parts)), float(max(part.max() for part in parts))
    if not clip or high <= low:
        return Fences(low, high)
    share = math.ceil(sum(map(len, parts)) / _LOOKED_AT)
    some = np.sort(np.concatenate([part[::share] for part in parts]).astype(np.float64))
    out = max(1, int(_OUTLIERS * len(some)))
    if len(some) < _LEAST:
        return Fences(low, high)
    newest = [float(part[-1]) for part in parts]
    usual_low, usual_high = min(float(some[out]), *newest), max(float(some[-1 - out]), *newest)
    reach = (_SPREAD if len(some) >= _MANY else _FAR_OF_FEW) * (usual_high - usual_low)
    if not reach:
        return Fences(low, high)
    above = sum(int((part > usual_high + reach).sum()) for part in parts)
    below = sum(int((part < usual_low - reach).sum()) for part in parts)
    return Fences(
        float(min(part[part >= usual_low - reach].min() for part in parts if (part >= usual_low - reach).any()))
        if below
        else low,
        float(max(part[part <= usual_high + reach].max() for part in parts if (part <= usual_high + reach).any()))
        if above
        else high,
        below,
        above,
    )
