"""Smoothing of curves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmonic_tui.curves.columns import Reals, Singles
    from harmonic_tui.curves.series import Curve

FORMULA = "y = ((1−a) Σ aⁱ xₙ₋ᵢ) / (1−aⁿ)"
"""The debiased exponential moving average, as it is told to people."""

STEPS: tuple[float, ...] = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
"""Values of `a` on offer."""

_LARGEST_POWER = 1e60
"""How far weights may grow within one piece before their sum is begun anew."""


def averaged(values: Singles | Reals, weight: float) -> Reals:
    """Exponential moving average without the bias of its beginning, of finite values.

    y_n = ((1 - a) sum_{i<n} a^i x_{n-i}) / (1 - a^n), as in Adam (Kingma and Ba, 2015): the weights of the points so
    far add up to one, so that the first point is itself and no start value pulls at the next ones.

    Parameters
    ----------
    values
        x, oldest first.
    weight
        a, from 0 (leaves all as it is) up to below 1.
    """
    import numpy as np

    exact = values.astype(np.float64)
    if not 0 < weight < 1 or not len(exact):
        return exact
    length = max(1, min(len(exact), int(math.log(_LARGEST_POWER) / -math.log(weight))))
    pieces = -(-len(exact) // length)
    padded = np.zeros(pieces * length)
    padded[: len(exact)] = exact
    decay = weight ** np.arange(length)
    # Within a piece the sum is a plain one of growing weights; what was before fades through it.
    sums = np.cumsum(padded.reshape(pieces, length) / decay, axis=1) * decay
    carried, fading = 0.0, decay * weight
    for piece in range(pieces):
        sums[piece] += carried * fading
        carried = sums[piece, -1]
    counts = np.arange(1, len(exact) + 1)
    result: Reals = (1 - weight) * sums.ravel()[: len(exact)] / -np.expm1(counts * math.log(weight))
    return result


def smoothed(curve: Curve, weight: float) -> Curve:
    """The curve with its finite values averaged; gaps stay where they are."""
    import numpy as np

    if not 0 < weight < 1:
        return curve
    values = np.full(len(curve.values), np.nan, np.float32)
    finite = np.isfinite(curve.values)
    values[finite] = averaged(curve.values[finite], weight)
    return replace(curve, values=values)
