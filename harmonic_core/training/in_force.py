"""What counts for an update: what the profile says, unless somebody changed it under way."""

from __future__ import annotations

from typing import NamedTuple

from harmonic_core.profile.sections import Profile
from harmonic_core.training.schedule import beta, learning_rate, rate_from, rate_scale, rising_epochs
from harmonic_core.training.state import TrainState


class InForce(NamedTuple):
    """Settings of one update."""

    learning_rate: float
    beta: float
    augment_strength: float
    """0 where nothing is augmented."""
    epochs: int
    """Of the whole run."""


def in_force(profile: Profile, state: TrainState, steps_per_epoch: int, step: int) -> InForce:
    """Settings of the update after `step` updates: a function of the profile, the changes, and what went back."""
    train, steering = profile.train, state.steering
    epochs = int(steering.value("epochs", step) or train.epochs)
    total = epochs * steps_per_epoch
    scale = rate_scale(train, state.rate_scale, state.plateau.factor)
    if change := steering.in_force("learning_rate", step):
        assert change.value is not None
        rate = rate_from(train, change.value, change.step, step, total, scale / change.scale)
    else:
        rate = learning_rate(train, step, total, state.rate_scale, state.plateau.factor)
    weight = steering.value("beta", step)
    strength = steering.value("augment_strength", step)
    return InForce(
        rate,
        beta(profile.loss, step / steps_per_epoch) if weight is None else weight,
        planned_strength(profile) if strength is None else strength,
        epochs,
    )


def planned_strength(profile: Profile) -> float:
    """How far the profile has sounds changed; 0 where it has not."""
    return profile.augment.augment_strength if profile.augment.augment else 0.0


def risen_after(profile: Profile, state: TrainState, steps_per_epoch: int, step: int) -> float:
    """Epochs after which beta has changed for the last time, as far as is known at `step`."""
    changes = state.steering.changes
    last = max((change.step for change in changes if change.leaf == "beta" and change.step <= step), default=0)
    rising = 0.0 if state.steering.in_force("beta", step) else rising_epochs(profile.loss)
    return max(rising, last / steps_per_epoch)


def profile_in_force(profile: Profile, state: TrainState, step: int) -> Profile:
    """The profile with what was changed under way written into it, for words and advice."""
    steered = state.steering.by_hand(step)
    train, loss, augment = profile.train, profile.loss, profile.augment
    if "learning_rate" in steered:
        train = train.model_copy(update={"learning_rate": steered["learning_rate"]})
    if "epochs" in steered:
        train = train.model_copy(update={"epochs": int(steered["epochs"])})
    if "beta" in steered:
        loss = loss.model_copy(update=dict.fromkeys(("beta_start", "beta_end"), steered["beta"]))
    if "augment_strength" in steered:
        strength = steered["augment_strength"]
        augment = augment.model_copy(update={"augment": strength > 0, "augment_strength": strength})
    return profile.model_copy(update={"train": train, "loss": loss, "augment": augment})


def arrive(state: TrainState, step: int) -> None:
    """Have the plateau forget what no longer compares, where a change comes into force; a second time does no harm."""
    plateau = state.plateau
    if state.steering.begins_at("beta", step):
        # Another beta allows other errors: those before must not be the best ones.
        plateau.best_db, plateau.since_best, plateau.since_change = None, 0, 0
    elif state.steering.begins_at("learning_rate", step):
        plateau.since_change = 0
