"""Learning rate and beta as functions of where training is."""

from __future__ import annotations

import math

from harmonic_core.profile.sections import Loss, Train


def learning_rate(train: Train, step: int, total_steps: int) -> float:
    """Learning rate of the update after `step` updates: a straight rise, then half a cosine (Loshchilov & Hutter 2017).

    Parameters
    ----------
    train
        `learning_rate`, `warmup_steps`, `final_learning_rate`.
    step
        Updates made so far.
    total_steps
        Updates of the whole run.

    Returns
    -------
    float
        At most `learning_rate`; at the end `final_learning_rate` times it.
    """
    warmup = min(train.warmup_steps, total_steps // 10)
    if step < warmup:
        return train.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    share = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return train.learning_rate * (train.final_learning_rate + (1.0 - train.final_learning_rate) * share)


def beta(loss: Loss, epochs_done: float) -> float:
    """Weight of the KL after `epochs_done` epochs, a fraction within one: a straight line, then constant.

    `beta_steps` epochs lead from `beta_start` to `beta_end`.
    """
    if loss.beta_steps == 0:
        return loss.beta_end
    return loss.beta_start + (loss.beta_end - loss.beta_start) * min(1.0, epochs_done / loss.beta_steps)
