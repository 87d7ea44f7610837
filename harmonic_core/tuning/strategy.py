"""Ways through a space: what is tried next, from what was tried so far."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from harmonic_core.profile.sections import Profile
from harmonic_core.profile.space import Space
from harmonic_core.tuning.space import ARCHITECTURE, Chosen, by_key, own_values, parameters, points
from harmonic_core.tuning.trials import is_settled

StrategyName = Literal["stages", "tpe", "grid", "random"]

_SWEPT = ("model.latent_dim", "loss.beta_start", "loss.beta_end")
"""What the manual sweeps together; everything else is refined by itself."""
_MOST_POINTS = 100_000


@dataclass(frozen=True)
class Proposal:
    """What to try next.

    Attributes
    ----------
    chosen
        Values by key path; None to have the sampler choose.
    stage
        Stage that it belongs to, in words.
    place
        What tells it from all other proposals of the same strategy; "" where a sampler chooses.
    """

    chosen: Chosen | None = None
    stage: str = ""
    place: str = ""


class Wait:
    """What is tried next depends on trials that are not done yet."""


class Strategy(ABC):
    """A way through a space."""

    needed: int | None = None
    """Most trials that it takes; None where it has no end."""

    @abstractmethod
    def following(self, trials: Sequence[FrozenTrial]) -> Proposal | Wait | None:
        """What to try after these trials, which may still run; None where nothing is left."""

    def sampler(self, seed: int, begun: int) -> BaseSampler:
        """What chooses where a proposal does not: the same after as many trials, however often it was interrupted."""
        # A sampler seeded once would repeat its first draws whenever the study is continued.
        return TPESampler(seed=int(np.random.SeedSequence((seed, begun)).generate_state(1)[0]))


class Tpe(Strategy):
    """Looks around where the best trials are (Bergstra et al. 2011; Ozaki et al. 2022 for two objectives)."""

    def following(self, trials: Sequence[FrozenTrial]) -> Proposal:
        """Always one more."""
        return Proposal()


class Random(Tpe):
    """Anything, as likely as anything else."""

    def sampler(self, seed: int, begun: int) -> BaseSampler:
        """What draws."""
        return RandomSampler(seed=int(np.random.SeedSequence((seed, begun)).generate_state(1)[0]))


class Grid(Strategy):
    """Every combination once; of a range a few values.

    The order follows from the seed, so that any part of the grid is spread over all of it.
    """

    def __init__(self, space: Space, profile: Profile, seed: int) -> None:
        self._points = list(itertools.islice(combinations(space, profile), _MOST_POINTS))
        self.needed = len(self._points)
        self._order = np.random.default_rng(seed).permutation(len(self._points)).tolist()

    def following(self, trials: Sequence[FrozenTrial]) -> Proposal | None:
        """The next point."""
        # Stages that the study was begun with have places of their own.
        begun = {trial.user_attrs.get("place") for trial in trials if not trial.user_attrs.get("stage")}
        left = (index for index in self._order if str(index) not in begun)
        index = next(left, None)
        return None if index is None else Proposal(self._points[index], place=str(index))


@dataclass
class Stages(Strategy):
    """The manual's way: the profile as it is, then a sweep of latent and beta together, then one setting after another.

    Each stage begins with the best of all stages before, and only once those are done.

    Parameters
    ----------
    space, profile
        What varies, and what it is measured from.
    best_of
        Gives the best of some trials; None where none was completed.
    """

    space: Space
    profile: Profile
    best_of: Callable[[Sequence[FrozenTrial]], FrozenTrial | None]
    needed: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        sizes = [sum(1 for _ in self._variants(keys, self._own)) for _, keys in self._stages()]
        self.needed = 1 + sum(sizes)

    @property
    def _own(self) -> Chosen:
        return own_values(self.space, self.profile)

    def following(self, trials: Sequence[FrozenTrial]) -> Proposal | Wait | None:
        """The next of the stage that is not done yet."""
        # A grid that the study was begun with has places, too, but no stages.
        by_place = {trial.user_attrs.get("place", ""): trial for trial in trials if trial.user_attrs.get("stage")}
        before = [trial for place, trial in by_place.items() if place == "0"]
        if not before:
            return Proposal(self._own, "baseline", "0")
        for number, (words, keys) in enumerate(self._stages(), 1):
            if not all(map(is_settled, before)):
                return Wait()
            best = self.best_of(before)
            base = self._own if best is None else by_key(best.params)
            wanted = {f"{number}.{index}": each for index, each in enumerate(self._variants(keys, base))}
            for place, chosen in wanted.items():
                if place not in by_place:
                    return Proposal(chosen, words, place)
            before += [by_place[place] for place in wanted]
        return None

    def _stages(self) -> list[tuple[str, tuple[str, ...]]]:
        """What each stage varies, with its name."""
        keys = [axis.key for axis in self.space.axes]
        swept = tuple(key for key in keys if key in _SWEPT)
        alone = [(key,) for key in keys if key not in _SWEPT]
        names = [("sweep", swept)] if swept else []
        return [
            (f"{kind} {' × '.join(key.rpartition('.')[2] for key in each)}", each)
            for kind, each in [*names, *(("refine", each) for each in alone)]
        ]

    def _variants(self, keys: Sequence[str], base: Chosen) -> Iterator[Chosen]:
        """All that a stage tries: `base` with other values of `keys`, what `base` itself has left out."""
        architecture = str(base.get(ARCHITECTURE, self.profile.model.architecture))
        known = parameters(self.space, architecture)
        domains = {key: points(known[key][1]) for key in keys if key in known}
        for values in itertools.product(*domains.values()) if domains else ():
            other = dict(zip(domains, values, strict=True))
            if any(not _same(base.get(key), value) for key, value in other.items()):
                yield self._fitted({**base, **other}, architecture)

    def _fitted(self, chosen: Chosen, before: str) -> Chosen:
        """Without what goes with another architecture alone."""
        after = str(chosen.get(ARCHITECTURE, before))
        if after == before:
            return chosen
        shared = {axis.key for axis in self.space.axes if axis.domain is not None}
        return {key: value for key, value in chosen.items() if key in shared}


def combinations(space: Space, profile: Profile) -> Iterator[Chosen]:
    """All combinations of a space, in its order; of a range a few values."""

    def extended(chosen: Chosen, keys: Sequence[str]) -> Iterator[Chosen]:
        if not keys:
            yield chosen
            return
        known = parameters(space, str(chosen.get(ARCHITECTURE, profile.model.architecture)))
        if keys[0] not in known:
            yield from extended(chosen, keys[1:])
            return
        for value in points(known[keys[0]][1]):
            yield from extended({**chosen, keys[0]: value}, keys[1:])

    return extended({}, [axis.key for axis in space.axes])


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6)
    return one == other


def strategy_of(
    name: StrategyName,
    space: Space,
    profile: Profile,
    seed: int,
    best_of: Callable[[Sequence[FrozenTrial]], FrozenTrial | None],
) -> Strategy:
    """The strategy of a name."""
    match name:
        case "tpe":
            return Tpe()
        case "random":
            return Random()
        case "grid":
            return Grid(space, profile, seed)
        case "stages":
            return Stages(space, profile, best_of)
