"""Learning curves out of the rows of `metrics.jsonl`: what is missing, repeated or noisy is dealt with here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from harmonic_core.run.records import Row

POINTS = 16
"""Least points of a smoothed curve that came from at least as many epochs. From 16 to 31 points show a trend; blocks
that grow with the run make the verdict on 1 000 epochs as calm as the one on 20."""
LEAST_GAIN = 0.01
"""Share by which the error must fall to count as better. One per cent of 6 dB is what nobody hears."""
GAIN_IN_NOISE = 0.5
"""Or so many standard deviations of a smoothed point, where that is more: found by judging made-up curves with 0.2 to
6 % of noise after every epoch; less lets a level curve look better again and again, more overlooks slow progress."""


def closed_epochs(rows: Sequence[Row]) -> list[Row]:
    """Rows that close an epoch, one an epoch, in order.

    An epoch that comes again, after a resume or a rollback, takes the place of the earlier one and of all that followed
    it. Rows of other kinds and rows without an epoch are left out.
    """
    epochs: list[Row] = []
    for row in rows:
        number = row.get("epoch")
        if row.get("kind") != "epoch" or not isinstance(number, int):
            continue
        while epochs and epochs[-1]["epoch"] >= number:
            epochs.pop()
        epochs.append(row)
    return epochs


def finite(row: Row, field: str) -> float | None:
    """Figure of a row; None where it is missing, not a number, or infinite."""
    value = row.get(field)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def broken(row: Row, field: str) -> bool:
    """Whether a figure was measured and came out as no number or as infinite."""
    value = row.get(field)
    return isinstance(value, float) and not math.isfinite(value)


def latest(rows: Sequence[Row], field: str, count: int = 5) -> float | None:
    """Median of a figure over the last `count` rows, of those that have it; None where none has."""
    values = [value for row in rows[-count:] if (value := finite(row, field)) is not None]
    return median(values) if values else None


class Curve(NamedTuple):
    """A figure over the epochs, smoothed."""

    epochs: list[int]
    """Last epoch that went into each point."""
    values: list[float]
    """Medians of three block medians, the newest at the end."""
    noise: float
    """Standard deviation of one block median, as a share of the newest value."""

    def last_gain(self) -> int:
        """Index of the point that was last noticeably better (lower) than the best one before it."""
        share = max(LEAST_GAIN, GAIN_IN_NOISE * self.noise)
        best, index = self.values[0], 0
        for place, value in enumerate(self.values):
            if value < best * (1.0 - share):
                best, index = value, place
        return index


def smoothed(epochs: Sequence[int], values: Sequence[float]) -> Curve:
    """Curve of at least one value, steady enough to be judged.

    Blocks of epochs are replaced by their medians, and these by the median of the last three. A block is 1, 2, 4, …
    epochs long, as long as `POINTS` blocks remain, and counted from the first epoch: so it keeps its value when epochs
    are added. A last block that is not full yet does not count.

    The noise comes from the differences of neighbouring blocks: 1.4826 times their median absolute deviation estimates
    the standard deviation (Rousseeuw & Croux 1993) whatever the trend.
    """
    length = 1
    while len(values) >= 2 * length * POINTS:
        length *= 2
    starts = range(0, len(values) - length + 1, length)
    blocks = [median(values[start : start + length]) for start in starts]
    steps = [after - before for before, after in pairwise(blocks)]
    noise = 0.0
    if steps:
        middle = median(steps)
        noise = 1.4826 / math.sqrt(2.0) * median(abs(step - middle) for step in steps)
    points = [median(blocks[max(0, place - 2) : place + 1]) for place in range(len(blocks))]
    scale = abs(points[-1])
    return Curve([epochs[start + length - 1] for start in starts], points, noise / scale if scale else 0.0)
