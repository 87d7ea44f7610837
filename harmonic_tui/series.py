"""Rows of metrics as curves, and curves as few points as a chart can show."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, TypeGuard

from harmonic_core.run.records import Row

if TYPE_CHECKING:
    from harmonic_core.run.status import Status

_LARGEST = 1e300
"""Beyond it no axis can be computed; NaN and infinities are beyond it too."""


@dataclass
class Curve:
    """One figure over the steps of a run, ascending by step."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    """Steps at which the figure was no finite number. Kept apart: decimation would drop them unseen."""
    newest: float | None = None
    """The newest figure, whether it is a finite number or not."""

    def append(self, step: float, value: float) -> None:
        """Add a point. One no later than the last replaces everything from its step on: the run was resumed."""
        if self.steps and step <= self.steps[-1]:
            cut = bisect_left(self.steps, step)
            del self.steps[cut:], self.values[cut:]
        if self.gaps and step <= self.gaps[-1]:
            del self.gaps[bisect_left(self.gaps, step) :]
        self.newest = value
        if abs(value) < _LARGEST:
            self.steps.append(step)
            self.values.append(value)
        else:
            self.gaps.append(step)

    @property
    def end(self) -> float:
        """The newest step, also of a figure that was no finite number; 0 where there is none."""
        return max(self.steps[-1] if self.steps else 0.0, self.gaps[-1] if self.gaps else 0.0)

    def decimated(self, points: int) -> tuple[list[float], list[float]]:
        """At most about `points` points with the curve's peaks and valleys, its first point and its last."""
        if len(self.steps) <= points:
            return self.steps, self.values
        import numpy as np
        from tsdownsample import MinMaxLTTBDownsampler

        steps, values = np.asarray(self.steps), np.asarray(self.values)
        kept = MinMaxLTTBDownsampler().downsample(steps, values, n_out=max(4, points))  # type: ignore[no-untyped-call]
        return steps[kept].tolist(), values[kept].tolist()

    def pieces(self, points: int) -> list[tuple[list[float], list[float]]]:
        """The curve as `decimated`, cut in two wherever a figure between was no finite number."""
        steps, values = self.decimated(points)
        cuts = sorted({bisect_left(steps, gap) for gap in self.gaps} - {0, len(steps)})
        bounds = pairwise([0, *cuts, len(steps)])
        return [(steps[start:end], values[start:end]) for start, end in bounds if end > start]


class Curves:
    """All figures of a run, by the kind of row that they come from: `step` or `epoch`."""

    def __init__(self) -> None:
        self._by_kind: dict[str, defaultdict[str, Curve]] = {"step": defaultdict(Curve), "epoch": defaultdict(Curve)}
        self.last_epoch_row: Row = {}

    def clear(self) -> None:
        """Forget everything."""
        for curves in self._by_kind.values():
            curves.clear()
        self.last_epoch_row = {}

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows. What has no step, or is no number, is passed over."""
        for row in rows:
            curves = self._by_kind.get(str(row.get("kind")))
            step = row.get("step")
            if curves is None or not is_finite(step):
                continue
            if row["kind"] == "epoch":
                self.last_epoch_row = row
            for name, value in row.items():
                if is_number(value):
                    curves[name].append(float(step), float(value))

    def step(self, name: str) -> Curve:
        """Figure `name` of the rows of logging intervals."""
        return self._by_kind["step"].get(name) or Curve()

    def epoch(self, name: str) -> Curve:
        """Figure `name` of the rows that close epochs."""
        return self._by_kind["epoch"].get(name) or Curve()

    @property
    def steps_per_epoch(self) -> float | None:
        """Updates in an epoch, from the newest row that closed one."""
        step, epoch = self.last_epoch_row.get("step"), self.last_epoch_row.get("epoch")
        return step / epoch if is_number(step) and is_number(epoch) and epoch > 0 else None


@dataclass
class Scale:
    """What the charts of a run have in common: its curves, and how long its epochs are."""

    curves: Curves = field(default_factory=Curves)
    planned_steps_per_epoch: float | None = None
    mean_spectrum_db: float | None = None
    best: tuple[int, int, float] | None = None
    """Epoch, step and validation loss of the best weights so far."""

    @property
    def steps_per_epoch(self) -> float | None:
        """Updates in an epoch: as planned, or as seen."""
        return self.planned_steps_per_epoch or self.curves.steps_per_epoch

    def tell(self, status: Status) -> None:
        """Take note of what the trainer says of plan, baseline and best weights."""
        self.best = (status.best.epoch, status.best.step, status.best.val_loss) if status.best else None
        self.planned_steps_per_epoch = (
            status.total_steps / status.epochs if status.epochs and status.total_steps else None
        )
        self.mean_spectrum_db = status.mean_spectrum_db


def is_finite(value: object) -> TypeGuard[float]:
    """Whether a field of a row is a figure that can be drawn."""
    return is_number(value) and math.isfinite(value)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a field of a row is a figure; a flag is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
