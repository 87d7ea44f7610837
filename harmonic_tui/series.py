"""Rows of metrics as curves, and curves as few points as a chart can show."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeGuard

from harmonic_core.run.records import Row


@dataclass
class Curve:
    """One figure over the steps of a run, ascending by step."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    """Steps at which the figure was no finite number. Kept apart: decimation would drop them unseen."""

    def append(self, step: float, value: float) -> None:
        """Add a point. One no later than the last replaces everything from its step on: the run was resumed."""
        if self.steps and step <= self.steps[-1]:
            cut = bisect_left(self.steps, step)
            del self.steps[cut:], self.values[cut:]
        if self.gaps and step <= self.gaps[-1]:
            del self.gaps[bisect_left(self.gaps, step) :]
        if math.isfinite(value):
            self.steps.append(step)
            self.values.append(value)
        else:
            self.gaps.append(step)

    @property
    def last(self) -> float | None:
        """The newest finite value."""
        return self.values[-1] if self.values else None

    def decimated(self, points: int) -> tuple[list[float], list[float]]:
        """At most about `points` points with the curve's peaks and valleys, its first point and its last."""
        if len(self.steps) <= points:
            return self.steps, self.values
        import numpy as np
        from tsdownsample import MinMaxLTTBDownsampler

        steps, values = np.asarray(self.steps), np.asarray(self.values)
        kept = MinMaxLTTBDownsampler().downsample(steps, values, n_out=max(4, points))  # type: ignore[no-untyped-call]
        return steps[kept].tolist(), values[kept].tolist()


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
            if curves is None or not is_number(step) or not math.isfinite(step):
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


def is_number(value: object) -> TypeGuard[float]:
    """Whether a field of a row is a figure; a flag is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
