"""Which trials are given up early: by the curve of their held-out error, which all have, whatever is searched for."""

from __future__ import annotations

import binascii
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from optuna.trial import FrozenTrial, TrialState

PrunerName = Literal["median", "hyperband", "none"]
Curve = Mapping[int, float]
"""Held-out error in dB by epoch."""

_STARTUP_TRIALS = 5
_REDUCTION = 3
_FEWEST = 27
"""The shortest rung is this part of all epochs: then Hyperband has four brackets."""


@dataclass(frozen=True)
class Pruner:
    """Says of a trial after each of its epochs whether to give it up.

    Optuna's own pruners refuse studies of two objectives. These are the same rules, on curves that the trials keep.

    Parameters
    ----------
    name
        `median`: worse than half of the completed trials at the same epoch (Golovin et al. 2017), once five are
        completed and a quarter of the epochs is over. `hyperband`: asynchronous successive halving in brackets (Li et
        al. 2018, 2020): at each rung only the best third of those that came to it go on.
    """

    name: PrunerName

    def is_hopeless(self, number: int, epochs: int, curve: Curve, others: Iterable[FrozenTrial]) -> bool:
        """Whether to give up the trial of a number after the last epoch of its curve.

        Parameters
        ----------
        number
            Its first one, if it was begun again.
        epochs
            That it has in all.
        curve
            Its own.
        others
            All other trials of the study.
        """
        if not curve or max(curve) >= epochs:
            return False
        if self.name == "median":
            done = [curve_of(trial) for trial in others if trial.state == TrialState.COMPLETE]
            return _is_below_median(epochs, curve, done)
        if self.name == "hyperband":
            bracket = _bracket(number, epochs)
            mates = [curve_of(trial) for trial in others if _bracket(first_number(trial), epochs) == bracket]
            return _falls_behind(epochs, curve, mates, bracket)
        return False


def _is_below_median(epochs: int, curve: Curve, done: Sequence[Curve]) -> bool:
    epoch = max(curve)
    # While the learning rate warms up and beta has hardly risen, the order of trials says little.
    if len(done) < _STARTUP_TRIALS or epoch < epochs // 4:
        return False
    there = [each[epoch] for each in done if math.isfinite(each.get(epoch, math.nan))]
    return bool(there) and not min(curve.values()) <= median(there)


def _falls_behind(epochs: int, curve: Curve, mates: Sequence[Curve], bracket: int) -> bool:
    epoch = max(curve)
    if epoch not in {_shortest(epochs) * _REDUCTION ** (bracket + rung) for rung in range(20)}:
        return False
    there = sorted(each[epoch] for each in [*mates, curve] if math.isfinite(each.get(epoch, math.nan)))
    # The first ones to come to a rung have nobody to be compared with: the best of them goes on.
    return not (there and curve[epoch] <= there[max(0, len(there) // _REDUCTION - 1)])


def _shortest(epochs: int) -> int:
    return max(1, epochs // _FEWEST)


def _bracket(number: int, epochs: int) -> int:
    """Bracket of a trial: each gets its share of them, those that prune soonest the most."""
    brackets = int(math.log(epochs / _shortest(epochs), _REDUCTION) + 1e-9) + 1
    shares = [math.ceil(brackets * _REDUCTION ** (brackets - 1 - each) / (brackets - each)) for each in range(brackets)]
    place = binascii.crc32(f"trial {number}".encode()) % sum(shares)
    bracket = 0
    while place >= shares[bracket]:
        place -= shares[bracket]
        bracket += 1
    return bracket


def curve_of(trial: FrozenTrial) -> Curve:
    """Held-out errors that a trial has kept; those of studies that Optuna itself pruned, too."""
    kept: Sequence[Sequence[float]] = trial.user_attrs.get("curve", ())
    return {int(epoch): float(error) for epoch, error in kept} or trial.intermediate_values


def first_number(trial: FrozenTrial) -> int:
    """Number that a trial had when it was begun for the first time."""
    number: int = trial.user_attrs.get("first_number", trial.number)
    return number
