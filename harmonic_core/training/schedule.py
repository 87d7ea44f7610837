"""Learning rate and beta as functions of where training is, and what is remembered of the validation error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from harmonic_core.profile.sections import Loss, Train

LEAST_IMPROVEMENT = 1e-3
"""Share of the best error by which another one must lie below it to count as better."""


def learning_rate(train: Train, step: int, total_steps: int, scale: float = 1.0, plateau: float = 1.0) -> float:
    """Learning rate of the update after `step` updates: a straight rise, then what `learning_rate_schedule` says.

    `cosine` falls along half a cosine (Loshchilov & Hutter 2017), `constant` stays, and `plateau` stays but for the
    factor `plateau`.

    Parameters
    ----------
    train
        `learning_rate`, `learning_rate_schedule`, `warmup_steps`, `final_learning_rate`.
    step
        Updates made so far.
    total_steps
        Updates of the whole run. The rise takes a tenth of them at most.
    scale
        Multiplies the rate under every schedule; nothing limits it from below.
    plateau
        `Plateau.factor`: multiplies the rate under the schedule `plateau`, and there as `final_learning_rate` at least.

    Returns
    -------
    float
        At most `scale` times `learning_rate`; at the end of a cosine `final_learning_rate` times that.
    """
    highest = train.learning_rate * scale
    if train.learning_rate_schedule == "plateau":
        highest *= max(plateau, train.final_learning_rate)
    warmup = _warmup(train, total_steps)
    if step < warmup:
        return highest * (step + 1) / warmup
    if train.learning_rate_schedule != "cosine":
        return highest
    return highest * _cosine(train, step, total_steps)


def rate_from(train: Train, given: float, since: int, step: int, total_steps: int, scale: float = 1.0) -> float:
    """Learning rate of the update after `step` updates where somebody gave one after `since` of them.

    It is `given` at once, also within the warm-up, and goes on in the proportions of the schedule: a cosine falls from
    there to the same share of its height as it would have.

    Parameters
    ----------
    train
        `learning_rate_schedule`, `warmup_steps`, `final_learning_rate`.
    given, since
        The rate, and the update from which on it counts.
    step, total_steps
        As for `learning_rate`.
    scale
        What has become of `rate_scale` since then.
    """
    if train.learning_rate_schedule != "cosine":
        return given * scale
    then = _cosine(train, since, total_steps)
    return given * scale * (_cosine(train, step, total_steps) / then if then > 0 else 1.0)


def rate_scale(train: Train, scale: float, plateau: float) -> float:
    """What `learning_rate` multiplies the schedule by: `scale`, and under `plateau` its factor."""
    return scale * max(plateau, train.final_learning_rate) if train.learning_rate_schedule == "plateau" else scale


def _warmup(train: Train, total_steps: int) -> int:
    # But for the cosine, schedules do not depend on how long the run is to be.
    cosine = train.learning_rate_schedule == "cosine"
    return min(train.warmup_steps, total_steps // 10) if cosine else train.warmup_steps


def _cosine(train: Train, step: int, total_steps: int) -> float:
    """Share of the highest rate along half a cosine: 1 until the warm-up is over, at the end `final_learning_rate`."""
    warmup = _warmup(train, total_steps)
    progress = max(0, step - warmup) / max(1, total_steps - warmup)
    share = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return train.final_learning_rate + (1.0 - train.final_learning_rate) * share


def beta(loss: Loss, epochs_done: float) -> float:
    """Weight of the KL after `epochs_done` epochs, a fraction within one; `beta_end` exactly once the rise is over.

    `linear` and `cosine` rise from `beta_start` to `beta_end` in `beta_steps` epochs. `cyclical` does so in a straight
    line in the first half of each of `beta_cycles` cycles of `beta_steps` epochs, stays at `beta_end` for the second,
    and begins anew (Fu et al. 2019).
    """
    if epochs_done >= rising_epochs(loss):
        return loss.beta_end
    progress = epochs_done / loss.beta_steps
    if loss.beta_schedule == "cyclical":
        progress = min(1.0, 2.0 * (progress % 1.0))
    elif loss.beta_schedule == "cosine":
        progress = 0.5 * (1.0 - math.cos(math.pi * progress))
    # The sum may miss the end by a rounding, and figures at the same beta should say the same beta.
    return loss.beta_end if progress == 1.0 else loss.beta_start + (loss.beta_end - loss.beta_start) * progress


def rising_epochs(loss: Loss) -> float:
    """Epochs until beta has changed for the last time; 0 where it never does."""
    if loss.beta_start == loss.beta_end:
        return 0.0
    cycles_before = loss.beta_cycles - 0.5 if loss.beta_schedule == "cyclical" else 1.0
    return loss.beta_steps * cycles_before


@dataclass
class Plateau:
    """What the schedule `plateau` and early stopping remember of the validation error, epoch after epoch.

    Attributes
    ----------
    patience
        Epochs without a better error after which `factor` is halved; `plateau_patience` of the profile.
    factor
        What the learning rate is multiplied by: 1, ½, ¼ …
    best_db
        Least error heard, in dB; None before the first.
    since_best
        Epochs heard since then.
    since_change
        Epochs heard since then or since the last halving, whichever is later.
    """

    patience: int
    factor: float = 1.0
    best_db: float | None = None
    since_best: int = 0
    since_change: int = 0

    def hear(self, error_db: float, counts: bool) -> None:
        """Take the error of one more epoch into account.

        Parameters
        ----------
        error_db
            Validation error in dB. One that is not a number is no better than any.
        counts
            False while beta rises: a smaller beta allows smaller errors, so those before must not be the best ones.
        """
        if not counts:
            self.best_db, self.since_best, self.since_change = None, 0, 0
            return
        limit = math.inf if self.best_db is None else self.best_db * (1.0 - LEAST_IMPROVEMENT)
        if error_db < limit:
            self.best_db, self.since_best, self.since_change = error_db, 0, 0
            return
        self.since_best += 1
        self.since_change += 1
        if self.since_change >= self.patience:
            self.factor /= 2.0
            self.since_change = 0

    def should_stop(self, early_stopping: int) -> bool:
        """Tell whether `early_stopping` epochs have brought nothing better; never where it is 0."""
        return 0 < early_stopping <= self.since_best

    def state(self) -> dict[str, Any]:
        """Everything but the patience, as JSON can hold it without loss."""
        return {
            "factor": self.factor,
            "best_db": self.best_db,
            "since_best": self.since_best,
            "since_change": self.since_change,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.factor, self.best_db = state["factor"], state["best_db"]
        self.since_best, self.since_change = state["since_best"], state["since_change"]
