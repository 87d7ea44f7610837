"""Where a run stands: the figures of its newest epochs, and the curve of those errors that can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Self

from harmonic_core.evaluation.learning_curve import LEAST_GAIN, Curve, finite, latest, smoothed
from harmonic_core.run.records import Row
from harmonic_core.run.status import ACTIVE_STATES, State

EARLY_EPOCHS = 5
"""Epochs before which nothing but divergence is told: until then a good run, too, looks collapsed, noisy or both."""
TREND_EPOCHS = 10
"""Epochs at one beta before errors are compared at that beta alone."""
LEAST_PATIENCE = 12
"""Epochs without a gain before a curve may count as level."""
PATIENCE = 0.25
"""Or this share of the compared epochs, where that is more: long runs have slow parts."""


@dataclass(frozen=True)
class Standing:
    """What the judgements look at. Errors in dB; None where a figure is not known."""

    epoch: int
    """Last closed epoch."""
    planned: int
    """Epochs of the whole run."""
    state: State
    """What the run does, or how it came to its end."""
    count: int
    """Epochs that have an error."""
    rows: list[Row]
    """Epochs whose errors are compared: those at the present beta, or all where these are too few."""
    comparable: bool
    """Whether beta was the same in all of them, and they are enough to show a trend."""
    rising_epochs: float
    """Epochs until beta has stopped changing by schedule."""
    held_out: bool
    """Whether the errors are those on validation tracks."""
    mean_db: float | None
    """Error of always answering with the mean spectrum."""
    nats: float | None
    """KL of a segment."""
    nats_per_dim: float
    """NaN where the KL is not known: it compares as neither high nor low."""
    active: float | None
    """Active units, over the validation set."""

    @classmethod
    def of(
        cls, epochs: list[Row], *, planned: int, latent_dim: int, rising_epochs: float, state: State = "training"
    ) -> Self | None:
        """Look at closed epochs; None where none has an error."""
        held_out = any(finite(row, "val_recon_db") is not None for row in epochs[-TREND_EPOCHS:])
        side = "val_" if held_out else ""
        measured = [row for row in epochs if finite(row, f"{side}recon_db") is not None]
        if not measured:
            return None
        alike = _at_present_beta(measured, rising_epochs)
        comparable = len(alike) >= TREND_EPOCHS
        nats = latest(measured, f"{side}kl_nats")
        return cls(
            epoch=epochs[-1]["epoch"],
            planned=planned,
            state=state,
            count=len(measured),
            rows=alike if comparable else measured,
            comparable=comparable,
            rising_epochs=rising_epochs,
            held_out=held_out,
            mean_db=latest(measured, "mean_spectrum_db"),
            nats=nats,
            nats_per_dim=math.nan if nats is None else nats / latent_dim,
            active=latest(measured, "active_units"),
        )

    @property
    def complete(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.planned

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end: all epochs done, or ended early for want of a gain."""
        return self.complete or self.state == "finished"

    @property
    def over(self) -> bool:
        """Whether nothing more will come by itself: ended, or stopped on the way."""
        return self.ended or self.state not in ACTIVE_STATES

    @property
    def settled(self) -> bool:
        """Whether beta will not change any more, and did not for long enough to show."""
        return self.ended or self.epoch >= self.rising_epochs + TREND_EPOCHS

    @cached_property
    def curve(self) -> Curve:
        """The error."""
        return smoothed([row["epoch"] for row in self.rows], self._errors)

    @cached_property
    def _errors(self) -> list[float]:
        return [float(row["val_recon_db" if self.held_out else "recon_db"]) for row in self.rows]

    def curve_of(self, field: str) -> Curve:
        """Curve of any figure over the same epochs."""
        return smoothed([row["epoch"] for row in self.rows], self.figures_of(field))

    def figures_of(self, field: str) -> list[float]:
        """Any figure of the same epochs; one that is missing takes the value before it, or the next one."""
        known = [finite(row, field) for row in self.rows]
        value = next((each for each in known if each is not None), 0.0)
        return [value := each if each is not None else value for each in known]

    @property
    def error_db(self) -> float:
        """Error of the last epoch."""
        return self._errors[-1]

    @property
    def best(self) -> tuple[float, int]:
        """Least error of a single epoch, and the first epoch that had it."""
        least = min(self._errors)
        return least, self.rows[self._errors.index(least)]["epoch"]

    @property
    def newly_better(self) -> bool:
        """Whether the newest epoch is the best so far, and noticeably."""
        before = self._errors[:-1]
        return bool(before) and self.error_db < min(before) * (1.0 - LEAST_GAIN)

    @property
    def steady_db(self) -> float:
        """The lower one of the last epoch's error and the end of the curve, so that a single spike says nothing."""
        return min(self.error_db, self.curve.values[-1])

    @property
    def share_of_mean(self) -> float:
        """`steady_db` as a share of the mean spectrum's error; NaN where that is not known."""
        return self.steady_db / self.mean_db if self.mean_db else math.nan

    def since(self, holds: Callable[[float], bool]) -> int:
        """First of the epochs at the end for whose errors something holds; the last one where it does not for any."""
        pairs = zip(reversed(self.rows), reversed(self._errors), strict=True)
        so = [row["epoch"] for row, _ in takewhile(lambda pair: holds(pair[1]), pairs)]
        return int(so[-1]) if so else self.epoch

    @cached_property
    def gained_at(self) -> int:
        """Epoch of the last noticeable gain; the first one where there was none."""
        return self.curve.epochs[self.curve.last_gain()]

    @property
    def patience(self) -> int:
        """Epochs without a gain after which the curve counts as level."""
        return max(LEAST_PATIENCE, math.ceil(PATIENCE * len(self.rows)))

    @property
    def improving(self) -> bool:
        """Whether the last gain is recent."""
        return self.curve.last_gain() > 0 and self.epoch - self.gained_at < self.patience

    def recent_fall(self) -> tuple[float, int]:
        """Fall of the error over about the last `patience` epochs, as a share of what it was, and these epochs."""
        epochs, values = self.curve.epochs, self.curve.values
        ago = max((place for place, epoch in enumerate(epochs) if epoch <= epochs[-1] - self.patience), default=0)
        fall = 1.0 - min(values[ago:]) / values[ago] if values[ago] else 0.0
        return fall, epochs[-1] - epochs[ago]


def _at_present_beta(rows: list[Row], rising_epochs: float) -> list[Row]:
    """Newest rows with the beta of the last one, once it has stopped rising by schedule."""
    beta = finite(rows[-1], "beta")
    first = len(rows)
    while first and rows[first - 1]["epoch"] > rising_epochs:
        other = finite(rows[first - 1], "beta")
        if beta is not None and other is not None and not math.isclose(other, beta, rel_tol=0.01):
            break
        first -= 1
    return rows[first:]
