"""What a study searches: settings that differ from trial to trial, as Optuna knows them and as a trainer is told."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from harmonic_core.profile.search_space import space_of
from harmonic_core.profile.space import Axis, Choice, Domain, Space, words_of

if TYPE_CHECKING:
    from optuna import Trial

    from harmonic_core.profile.resolve import Resolved
    from harmonic_core.profile.sections import Profile

Value = str | int | float | bool
Chosen = dict[str, Value]
"""Values by key path; lists are written out."""

ARCHITECTURE = "model.architecture"
_ONLY_WITH = "@"
_POINTS = 5
"""Of a range of which a few values stand for all."""


def searched(resolved: Resolved) -> Space:
    """What a study with a profile searches: its space, without what a `--set` holds fixed.

    Where the architecture is not searched every setting has the values that go with the profile's.
    """
    axes = [axis for axis in space_of(resolved.profile).axes if resolved.origins[axis.key] != "--set"]
    if any(axis.key == ARCHITECTURE for axis in axes):
        # What others depend on is chosen first.
        return Space(tuple(sorted(axes, key=lambda axis: axis.key != ARCHITECTURE)))
    architecture = resolved.profile.model.architecture
    fitting = ((axis.key, axis.within(architecture)) for axis in axes)
    return Space(tuple(Axis(key, domain) for key, domain in fitting if domain is not None))


def parameters(space: Space, architecture: str) -> dict[str, tuple[str, Domain]]:
    """What varies with an architecture: by key path the name that Optuna knows it by, and its values.

    Optuna wants the same values for the same name in all trials, so what depends on the architecture has several.
    """
    return {
        axis.key: (axis.key if axis.domain is not None else f"{axis.key}{_ONLY_WITH}{architecture}", domain)
        for axis in space.axes
        if (domain := axis.within(architecture)) is not None
    }


def suggest(space: Space, trial: Trial, architecture: str, only: Collection[str] | None = None) -> Chosen:
    """Have values chosen for a trial whose profile has an architecture; what the trial has already stays.

    Where `only` some parameters are named, by the name that Optuna knows, all others are left to the profile.
    """
    chosen: Chosen = {}
    for axis in space.axes:
        found = parameters(space, str(chosen.get(ARCHITECTURE, architecture))).get(axis.key)
        if found is not None and (only is None or found[0] in only):
            chosen[axis.key] = _suggest(trial, *found)
    return chosen


def _suggest(trial: Trial, name: str, domain: Domain) -> Value:
    if isinstance(domain, Choice):
        value = trial.suggest_categorical(name, [_plain(each) for each in domain.values])
        assert value is not None
        return value
    if isinstance(domain.low, int) and isinstance(domain.high, int) and isinstance(domain.step, int | None):
        return trial.suggest_int(name, domain.low, domain.high, step=domain.step or 1, log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, step=domain.step, log=domain.log)


def _plain(value: object) -> Value:
    """A value as Optuna can hold it: lists are written out."""
    return words_of(value) if isinstance(value, tuple) else value  # type: ignore[return-value]


def by_key(params: Mapping[str, Value]) -> Chosen:
    """Values by key path, from values by the name that Optuna knows."""
    return {name.partition(_ONLY_WITH)[0]: value for name, value in params.items()}


def by_name(space: Space, chosen: Mapping[str, Value], architecture: str) -> dict[str, Value]:
    """Values by the name that Optuna knows, from values by key path; what does not vary or does not fit is left out."""
    names = parameters(space, str(chosen.get(ARCHITECTURE, architecture)))
    return {names[key][0]: value for key, value in chosen.items() if key in names and holds(names[key][1], value)}


def holds(domain: Domain, value: Value) -> bool:
    """Whether a value is one of those that a setting can take."""
    if isinstance(domain, Choice):
        return any(_plain(each) == value and type(_plain(each)) is type(value) for each in domain.values)
    if isinstance(value, str | bool):
        return False
    on_grid = domain.step is None or _is_whole((value - domain.low) / domain.step)
    return domain.low <= value <= domain.high and on_grid


def _is_whole(number: float) -> bool:
    return math.isclose(number, round(number), abs_tol=1e-9)


def own_values(space: Space, profile: Profile) -> Chosen:
    """What the profile itself has of what is searched, as far as the search can choose it."""
    chosen: Chosen = {}
    for key, (_, domain) in parameters(space, profile.model.architecture).items():
        section, leaf = key.split(".")
        value = profile.hidden_dims if key == "model.hidden_dims" else getattr(getattr(profile, section), leaf)
        if value is not None and holds(domain, _plain(value)):
            chosen[key] = _plain(value)
    return chosen


def points(domain: Domain) -> list[Value]:
    """All values of a choice, or of a range a few that lie evenly in it, the lowest first."""
    if isinstance(domain, Choice):
        return [_plain(each) for each in domain.values]
    whole = isinstance(domain.low, int) and isinstance(domain.high, int) and isinstance(domain.step, int | None)
    shares = [index / (_POINTS - 1) for index in range(_POINTS)]
    if domain.log:
        found = [domain.low * (domain.high / domain.low) ** share for share in shares]
    elif domain.step is not None:
        steps = math.floor((domain.high - domain.low) / domain.step + 1e-9)
        found = [domain.low + domain.step * round(share * steps) for share in shares]
    else:
        found = [domain.low + (domain.high - domain.low) * share for share in shares]
    rounded = [round(value) if whole else float(f"{value:.3g}") for value in found]
    # What is rounded must not fall out of the range.
    return list(dict.fromkeys(min(max(value, domain.low), domain.high) for value in rounded))


def as_settings(chosen: Mapping[str, Value]) -> list[str]:
    """Arguments of `harmonic train` that set the values chosen."""
    return [argument for key, value in chosen.items() for argument in ("--set", f"{key}={words_of(value)}")]
