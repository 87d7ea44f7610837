"""Puts into force what people change of a run while it runs, and says so."""

from __future__ import annotations

from typing import Any

import torch

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import Augmentation, stretch
from harmonic_core.data.loading import BatchLoader
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.steering import SETTINGS, Setting, objection_to_epochs
from harmonic_core.training.assembly import augmentation_of
from harmonic_core.training.in_force import InForce, arrive, in_force, profile_in_force, risen_after
from harmonic_core.training.journal import Journal
from harmonic_core.training.orders import Wish
from harmonic_core.training.schedule import rate_scale
from harmonic_core.training.state import TrainState
from harmonic_core.training.steering import Change


class Helm:
    """Knows what is in force, changes it, and keeps what depends on it in step: crops and their augmentation.

    Parameters
    ----------
    profile, journal, state, loader, features, device
        Of the run; `state` may be brought back to any step between two calls.

    Attributes
    ----------
    augmentation
        What changes the sound now; None where nothing does.
    """

    def __init__(
        self,
        profile: Profile,
        journal: Journal,
        state: TrainState,
        loader: BatchLoader,
        features: LogMel,
        device: torch.device,
    ) -> None:
        self.augmentation: Augmentation | None = None
        self._profile, self._journal, self._state, self._loader = profile, journal, state, loader
        self._features, self._device = features, device
        self._strength: float | None = None
        self._by_hand: dict[str, float] = {}

    def at(self, step: int) -> InForce:
        """Settings of the update after `step` updates."""
        return in_force(self._profile, self._state, self._loader.steps_per_epoch, step)

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        return self.at(self._state.step).epochs

    @property
    def total_steps(self) -> int:
        """Updates of the whole run."""
        return self.epochs * self._loader.steps_per_epoch

    @property
    def profile(self) -> Profile:
        """The profile with what was changed."""
        return profile_in_force(self._profile, self._state, self._state.step)

    @property
    def risen_after(self) -> float:
        """Epochs after which beta has changed for the last time."""
        return self.risen_before(self._state.step)

    def risen_before(self, step: int) -> float:
        """Epochs after which beta has changed for the last time before the update after `step` updates."""
        return risen_after(self._profile, self._state, self._loader.steps_per_epoch, step)

    def arrive(self) -> InForce:
        """Put into force what counts for the next update; gives it. Changes may come back with a checkpoint."""
        step = self._state.step
        arrive(self._state, step)
        now = self.at(step)
        if now.augment_strength != self._strength:
            self._strength = now.augment_strength
            self.augmentation = augmentation_of(self._profile, self._features, self._strength, self._device)
            self._loader.stretch(stretch(self._strength) if self.augmentation else 1.0)
        if self._state.steering.by_hand(step) != self._by_hand:
            self._by_hand = self._state.steering.by_hand(step)
            self._journal.note(**self.told(now))
        return now

    def told(self, now: InForce | None = None) -> dict[str, Any]:
        """Fields of the status that tell what is in force."""
        now = now or self.at(self._state.step)
        return {
            "epochs": now.epochs,
            "total_steps": now.epochs * self._loader.steps_per_epoch,
            "in_force": {
                "learning_rate": now.learning_rate,
                "beta": now.beta,
                "augment_strength": now.augment_strength,
                "epochs": float(now.epochs),
            },
            "steered": self._state.steering.by_hand(self._state.step),
        }

    def obey(self, wish: Wish) -> None:
        """Change a setting, or refuse to; either is an event."""
        setting, step = SETTINGS[wish.name], self._state.step
        if why := self._objection(setting, wish.value):
            told = {"step": step, **wish.details, "obeyed": False, "why": why}
            self._journal.event("control", f"{wish.name} {setting.shown(wish.value)}: refused, {why}", **told)
            self._journal.log(f"not changed: {setting.label} to {setting.shown(wish.value)}: {why}")
            return
        before = self.at(step)
        value = None if wish.value is None else float(wish.value)
        change = Change(step, setting.leaf, value, self._scale(setting))
        self._state.steering.add(change)
        now = self.arrive()
        old, new = (float(getattr(each, setting.leaf)) for each in (before, now))
        was, becomes = setting.shown(old), setting.shown(new)
        # Where nothing that can be seen changes, an arrow would be read as if it did.
        words = f"{setting.label} {becomes if was == becomes else f'{was} → {becomes}'} from step {step}"
        words += "" if wish.value is not None else f", {setting.auto}"
        rates = [f"{each.learning_rate:.3g}" for each in (before, now)]
        if setting.name == "epochs" and rates[0] != rates[1]:
            # The cosine stretches with the epochs: whoever asks for more must see that it does.
            words += f"; learning rate {rates[0]} → {rates[1]}"
        words += f" ({wish.sender})" if wish.sender else ""
        self._journal.event(
            "control", words, step=step, **wish.details, obeyed=True, before=old, after=new, change=list(change)
        )
        self._journal.log(words)
        self._journal.update(**self.told(now))

    def bring_back(self, changes: list[Change]) -> None:
        """Take over changes that were lost with a trainer, and record them anew."""
        steering = self._state.steering
        for change in changes:
            if change.leaf in steering.asked_anew:
                continue
            steering.add(change)
            setting = next(each for each in SETTINGS.values() if each.leaf == change.leaf)
            words = f"{setting.label} {setting.shown(change.value)} from step {change.step}, as it was asked for before"
            self._journal.event("control", words, step=change.step, command=setting.name, change=list(change))
            self._journal.log(words)

    def _objection(self, setting: Setting, value: float | None) -> str:
        if setting.name != "epochs":
            return ""
        epochs = self._profile.train.epochs if value is None else value
        # At the end of the last one none is under way.
        return objection_to_epochs(epochs, min(self._state.epoch + 1, self.epochs))

    def _scale(self, setting: Setting) -> float:
        state, train = self._state, self._profile.train
        return rate_scale(train, state.rate_scale, state.plateau.factor) if setting.name == "learning-rate" else 1.0
