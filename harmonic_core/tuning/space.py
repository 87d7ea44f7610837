"""What a study searches: the settings that differ from trial to trial, and the values they can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harmonic_core.profile.sections import Architecture

if TYPE_CHECKING:
    from optuna import Trial

    from harmonic_core.profile.resolve import Resolved

Value = str | int | float

HIDDEN_DIMS: Mapping[Architecture, tuple[tuple[int, ...], ...]] = {
    "harmonic": ((128, 128, 192, 256), (64, 96, 128, 192), (192, 192, 256, 320)),
    "dense": ((1024, 512, 256), (512, 256)),
}
"""Widths worth trying beside the profile's own."""


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    key: str
    """Key path of the setting, such as "model.latent_dim"."""
    values: tuple[Value, ...]

    def suggest(self, trial: Trial) -> Value:
        """Value for `trial`."""
        value = trial.suggest_categorical(self.key, self.values)
        assert value is not None
        return value

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"


@dataclass(frozen=True)
class LogRange:
    """Any number from `low` to `high`; equal ratios are equally likely."""

    key: str
    """Key path of the setting, such as "train.learning_rate"."""
    low: float
    high: float

    def suggest(self, trial: Trial) -> Value:
        """Value for `trial`."""
        return trial.suggest_float(self.key, self.low, self.high, log=True)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}, by ratio"


Space = tuple[Choice | LogRange, ...]


def default_space(resolved: Resolved) -> Space:
    """Size and widths of the model, weight of the KL and learning rate, without what a `--set` holds fixed."""
    profile = resolved.profile
    widths = dict.fromkeys((profile.hidden_dims, *HIDDEN_DIMS[profile.model.architecture]))
    space: Space = (
        Choice("model.latent_dim", (64, 128, 256)),
        Choice("loss.beta_end", (0.001, 0.01, 0.1)),
        Choice("model.hidden_dims", tuple(str(list(each)) for each in widths)),
        LogRange("train.learning_rate", 1e-4, 2e-3),
    )
    return tuple(each for each in space if resolved.origins[each.key] != "--set")


def as_settings(chosen: Mapping[str, Value]) -> list[str]:
    """Arguments of `harmonic train` that set the values chosen."""
    return [argument for key, value in chosen.items() for argument in ("--set", f"{key}={value}")]
