"""What a study is asked to do: what varies, what is held fixed, how long a trial takes and what it is judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from harmonic_core.profile.resolve import DEFAULT, Resolved
from harmonic_core.profile.space import Space
from harmonic_core.tuning.objective import Goal
from harmonic_core.tuning.place import Place
from harmonic_core.tuning.pruning import PrunerName
from harmonic_core.tuning.strategy import StrategyName

_MATTERS = ("data", "audio", "model", "loss", "train", "augment", "evaluation")
_MOST_EPOCHS = 1_000_000


@dataclass(frozen=True)
class Budget:
    """What each trial is given: epochs, updates or minutes; the profile's epochs where none is named."""

    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None

    @property
    def settings(self) -> list[str]:
        """`KEY=VALUE` of a trial's training."""
        if self.steps is not None:
            return [f"train.epochs={_MOST_EPOCHS}", f"train.max_steps={self.steps}"]
        return [] if self.epochs is None else [f"train.epochs={self.epochs}"]

    @property
    def limit_s(self) -> float:
        """Seconds that a trial may train."""
        return math.inf if self.minutes is None else 60.0 * self.minutes

    @property
    def flags(self) -> list[str]:
        """What `harmonic tune` is told."""
        given = {"--epochs": self.epochs, "--steps": self.steps, "--minutes": self.minutes}
        return [word for flag, value in given.items() if value is not None for word in (flag, f"{value:.15g}")]

    def words(self, epochs: int) -> str:
        """The budget in words, where the profile in force has so many epochs."""
        if self.minutes is not None:
            return f"{self.minutes:g} minutes, at most {epochs} epochs"
        if self.steps is not None:
            return f"{self.steps} updates"
        return f"{epochs} epochs" if epochs != 1 else "1 epoch"


@dataclass(frozen=True)
class Search:
    """What a study varies, and what it holds fixed.

    Attributes
    ----------
    profile
        Name or path of the profile of all trials.
    settings
        `KEY=VALUE` of all trials.
    budget
        Of each trial.
    resolved
        The profile in force with all of that.
    space
        What varies.
    strategy, pruner
        How it is gone through, and what is given up early.
    goal
        What trials are judged by.
    trials
        How many in all.
    seed
        Of what is tried.
    place
        Where the trials are kept.
    directory
        Where their runs are.
    """

    profile: str
    settings: tuple[str, ...]
    budget: Budget
    resolved: Resolved
    space: Space
    strategy: StrategyName
    pruner: PrunerName
    goal: Goal
    trials: int
    seed: int
    place: Place
    directory: Path

    @property
    def epochs(self) -> int:
        """Epochs of a trial that is not pruned; 0 where updates are counted."""
        return 0 if self.budget.steps is not None else self.resolved.profile.train.epochs

    @property
    def architecture(self) -> str:
        """Of a trial for which none is chosen."""
        return self.resolved.profile.model.architecture

    def conditions(self) -> dict[str, object]:
        """What has to be the same in two trials for their figures to be compared, and what is searched."""
        profile = self.resolved.profile
        tables = profile.model_dump(mode="json", include=set(_MATTERS), exclude={"data": {"cache_dir"}})
        fixed = {f"{section}.{leaf}": value for section, table in tables.items() for leaf, value in table.items()}
        return {
            **fixed,
            "run.seed": profile.run.seed,
            **{each.key: str(each) for each in self.space.axes},
            "--objective": str(self.goal),
            "--minutes": self.budget.minutes,
        }

    def training(self, chosen: list[str]) -> list[str]:
        """Arguments of `harmonic train` for a trial, `chosen` among them."""
        settings = [*self.settings, *self.budget.settings]
        if self.resolved.origins["train.max_rollbacks"] == DEFAULT:
            # With half the learning rate it would go on with another one than was chosen.
            settings.append("train.max_rollbacks=0")
        given = [argument for setting in settings for argument in ("--set", setting)]
        return [self.profile, *given, *chosen]

    def command(self, workers: int = 1) -> list[str]:
        """What continues the study, as words of a command line, without a password."""
        given = [argument for setting in self.settings for argument in ("--set", setting)]
        storage = [] if self.place.option is None else ["--storage", self.place.option]
        return [
            *("harmonic", "tune", self.profile, "--trials", str(self.trials), *self.budget.flags, *given),
            *("--study", self.directory.name, "--output-dir", str(self.directory.parent), "--seed", str(self.seed)),
            *("--strategy", self.strategy, "--objective", str(self.goal), "--pruner", self.pruner),
            *(() if workers == 1 else ("--workers", str(workers))),
            *storage,
        ]
