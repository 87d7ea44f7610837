"""A study written down for whoever looks: `study.json`, in which the console reads."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from harmonic_core.run.status import process_identity
from harmonic_core.run.studies import Objective, Process, Study, Trial, write_study
from harmonic_core.text import plain
from harmonic_core.tuning.space import Space, as_settings
from harmonic_core.tuning.storage import standing_trials

OBJECTIVES = (Objective(name="recon_db", unit="dB", direction="minimize"),)
"""Mean absolute log-mel error on held-out tracks."""

_FEWEST_FOR_IMPORTANCE = 5
_LONGEST_REASON = 600
_LONGEST_COMMAND = 2000


@dataclass
class StudyRecord:
    """Keeps `study.json` true.

    Parameters
    ----------
    directory
        Of the study.
    profile, settings
        What all trials share: name or path of the profile, `KEY=VALUE`.
    space
        What varies.
    wanted, epochs
        Trials in all; epochs of each.
    again
        Command that continues the study.
    log
        Told once if it cannot be written; the study goes on without.
    """

    directory: Path
    profile: str
    settings: Sequence[str]
    space: Space
    wanted: int
    epochs: int
    again: Sequence[str]
    log: Callable[[str], None]
    _complained: bool = field(default=False, init=False)
    _importance: tuple[int, dict[str, float]] = field(default=(0, {}), init=False)

    def write(
        self,
        study: optuna.Study,
        state: Literal["searching", "finished", "stopped", "failed"] = "searching",
        message: str = "",
    ) -> None:
        """Write down how the study stands now."""
        trials = standing_trials(study)
        best = _best(trials)
        searching = state == "searching"
        record = Study(
            name=plain(self.directory.name),
            state=state,
            message=plain(message, _LONGEST_REASON),
            profile=plain(self.profile),
            wanted=self.wanted,
            epochs=self.epochs,
            objectives=OBJECTIVES,
            space={each.key: plain(str(each)) for each in self.space},
            trials=tuple(_written(trial) for trial in trials),
            importance={OBJECTIVES[0].name: self._importance_now(study, trials)},
            importance_trials=self._importance[0],
            best=best.number if best else None,
            best_command=self._command(best.params) if best else "",
            again_command=plain(shlex.join(self.again), _LONGEST_COMMAND),
            supervisor=Process(**process_identity(os.getpid())) if searching else None,
            updated_at=time.time(),
        )
        try:
            write_study(self.directory, record)
        except OSError as error:
            if not self._complained:
                self._complained = True
                self.log(f"study.json cannot be written ({error.strerror}); the console will not show this study")

    def _importance_now(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> dict[str, float]:
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if len(complete) != self._importance[0] and len(complete) >= _FEWEST_FOR_IMPORTANCE:
            self._importance = (len(complete), importance(study))
        return self._importance[1]

    def _command(self, chosen: Mapping[str, str | int | float]) -> str:
        given = [argument for setting in self.settings for argument in ("--set", setting)]
        return plain(shlex.join(["harmonic", "train", self.profile, *given, *as_settings(chosen)]), _LONGEST_COMMAND)


def importance(study: optuna.Study) -> dict[str, float]:
    """How much of the objective's variance each setting explains, the largest first; empty where that is undefined.

    By functional ANOVA over a random forest (Hutter, Hoos & Leyton-Brown 2014), which all completed trials go into.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    # Trials that all came to the same, or of which none differ in a setting, explain nothing.
    with suppress(ValueError, RuntimeError, ZeroDivisionError):
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
        if all(map(math.isfinite, found.values())):
            return {name: float(share) for name, share in found.items()}
    return {}


def _best(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    return min(complete, key=lambda trial: trial.value or 0.0, default=None)


def _written(trial: FrozenTrial) -> Trial:
    known = trial.user_attrs
    value = known.get("recon_db")
    by_optuna = {TrialState.RUNNING: "running", TrialState.WAITING: "interrupted"}
    outcome = by_optuna.get(trial.state) or known.get("outcome", "failed")
    return Trial(
        number=trial.number,
        state=outcome if outcome in {"running", "complete", "pruned", "interrupted"} else "failed",
        run=plain(str(known.get("run", ""))),
        params={key: plain(each) if isinstance(each, str) else each for key, each in trial.params.items()},
        values={OBJECTIVES[0].name: value if isinstance(value, (int, float)) and math.isfinite(value) else None},
        kl_nats=known.get("kl_nats"),
        epoch=known.get("epoch", 0),
        reason=plain(str(known.get("reason", "")), _LONGEST_REASON),
        started_at=trial.datetime_start.timestamp() if trial.datetime_start else None,
        ended_at=trial.datetime_complete.timestamp() if trial.datetime_complete else None,
    )
