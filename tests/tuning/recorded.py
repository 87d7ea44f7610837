"""What a study's database holds, read by Optuna itself."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from harmonic_core.tuning.trials import is_settled, standing_trials


def study_of(directory: Path) -> optuna.Study:
    """Study in a directory."""
    return optuna.load_study(study_name="study", storage=f"sqlite:///{directory / 'study.db'}")


def settled(directory: Path) -> list[FrozenTrial]:
    """Trials that have a result."""
    return [trial for trial in standing_trials(study_of(directory)) if is_settled(trial)]
