"""What of a long curve is drawn: no peak, no valley and no gap is lost, and one outlier does not flatten the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_OUTLIERS = 0.02
"""Share of the points that may be outliers; of few points, one may."""
_SPREAD = 3.0
"""How many times as far as all other points together an outlier lies away from them."""
_FAR_OF_FEW, _MANY = 12.0, 8
"""The same for fewer points than so many, whose spread says little: the first losses of a run are high, and right."""
_LEAST = 4
"""Points from which on one of them can be an outlier."""


def outline(places: Floats, values: Floats, columns: int) -> list[int]:
    """Indices of points that look the same as all of them on so many columns.

    Parameters
    ----------
    places : (points,)
        Ascending.
    values : (points,)
        May be NaN or infinite: every column keeps one such point, so that the gap is seen.
    columns
        Of every column with more than four points the first, the lowest, the highest, the last and the first that is
        no finite number are kept.
    """
    if len(places) <= 4 * columns:
        return list(range(len(places)))
    width = (places[-1] - places[0]) / columns or 1.0
    column = np.minimum(((places - places[0]) / width).astype(int), columns - 1)
    edges = np.flatnonzero(np.diff(column, prepend=-1))
    kept: set[int] = set()
    for start, end in zip(edges, [*edges[1:], len(places)], strict=True):
        part, inside = values[start:end], np.isfinite(values[start:end])
        kept |= {int(start), int(end) - 1}
        if not inside.all():
            kept.add(int(start + np.argmin(inside)))
        if inside.any():
            kept.add(int(start + np.argmin(np.where(inside, part, np.inf))))
            kept.add(int(start + np.argmax(np.where(inside, part, -np.inf))))
    return sorted(kept)


class Limits(NamedTuple):
    """Between what values a chart is drawn, and how many points lie beyond."""

    low: float
    high: float
    beyond: int = 0


def limits(parts: Sequence[Floats]) -> Limits | None:
    """Limits that hold all finite values but outliers; None where there are none.

    An outlier lies further from the middle 96 % of all points (of few points: from all but the lowest and the highest)
    than three times their spread, of a handful of points twelve times. Where a curve ends is never one, or a run that
    diverged would look calm.
    """
    finite = [part[np.isfinite(part)] for part in parts]
    finite = [part for part in finite if len(part)]
    if not finite:
        return None
    ordered = np.sort(np.concatenate(finite))
    low, high = float(ordered[0]), float(ordered[-1])
    if len(ordered) < _LEAST:
        return Limits(low, high)
    out = max(1, int(_OUTLIERS * len(ordered)))
    newest = [float(part[-1]) for part in finite]
    usual_low, usual_high = min(float(ordered[out]), *newest), max(float(ordered[-1 - out]), *newest)
    reach = (_SPREAD if len(ordered) >= _MANY else _FAR_OF_FEW) * (usual_high - usual_low)
    if not np.isfinite(reach) or not reach:
        return Limits(low, high)
    inside = ordered[(ordered >= usual_low - reach) & (ordered <= usual_high + reach)]
    return Limits(float(inside[0]), float(inside[-1]), len(ordered) - len(inside))
