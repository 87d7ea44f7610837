"""A study written down for whoever looks: `study.json`, in which the console reads."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from harmonic_core.errors import DiskError
from harmonic_core.run.status import process_identity
from harmonic_core.run.studies import Objective, Process, Study, Trial, study_file, write_study
from harmonic_core.text import plain
from harmonic_core.tuning.best import front_of, knee
from harmonic_core.tuning.lock import StoppedError, held_file
from harmonic_core.tuning.objective import FIGURES, Goal
from harmonic_core.tuning.processes import is_gone
from harmonic_core.tuning.search import Search
from harmonic_core.tuning.space import Value, as_settings, by_key
from harmonic_core.tuning.trials import standing_trials, was_given_up

_FEWEST_FOR_IMPORTANCE = 5
_LONGEST_REASON = 600
_LONGEST_COMMAND = 2000
_PATIENCE_S = 30.0


@dataclass
class StudyRecord:
    """Keeps `study.json` true, together with all others who write it: each writes the whole of what all did.

    Parameters
    ----------
    search
        What the study is asked to do.
    workers
        How many search on this machine.
    leader
        Number of the process that started them; None for this one.
    works
        Whether this process runs trials itself.
    log
        Told once if it cannot be written; the study goes on without.
    """

    search: Search
    workers: int
    leader: int | None
    works: bool
    log: Callable[[str], None]
    _complained: bool = field(default=False, init=False)
    _importance: tuple[int, dict[str, dict[str, float]]] = field(default=(0, {}), init=False)

    def write(
        self,
        study: optuna.Study,
        state: Literal["searching", "finished", "stopped", "failed"] = "searching",
        message: str = "",
    ) -> None:
        """Write down how the study stands now."""
        try:
            deadline = time.monotonic() + _PATIENCE_S
            # What is read under the lock is never older than what was written before.
            with held_file(study_file(self.search.directory), lambda: time.monotonic() > deadline):
                write_study(self.search.directory, self._read(study, state, message))
        except (OSError, DiskError, StoppedError) as error:
            if not self._complained:
                self._complained = True
                reason = getattr(error, "strerror", None) or error
                self.log(f"study.json cannot be written ({reason}); the console will not show this study")

    def _read(
        self, study: optuna.Study, state: Literal["searching", "finished", "stopped", "failed"], message: str
    ) -> Study:
        search, goal = self.search, self.search.goal
        trials = standing_trials(study)
        best = best_of(goal, trials)
        self._look_for_importance(study, trials)
        here, workers = Process(**process_identity(self.leader or os.getpid())), _at_work(trials)
        if state == "searching":
            workers = list(
                dict.fromkeys([*workers, *([Process(**process_identity(os.getpid()))] if self.works else [])])
            )
        elif workers:
            # Others go on: on other machines, or started by another command.
            here, state, message = workers[0], "searching", ""
        found = Study(
            name=plain(search.directory.name),
            state=state,
            message=plain(message, _LONGEST_REASON),
            profile=plain(search.profile),
            wanted=search.trials,
            epochs=search.epochs,
            budget=search.budget.words(search.resolved.profile.train.epochs),
            strategy=search.strategy,
            objective_asked=str(goal),
            pruner=search.pruner,
            storage=search.place.words,
            objectives=goal.figures,
            space={each.key: plain(str(each)) for each in search.space.axes},
            trials=tuple(written(trial) for trial in trials),
            importance=self._importance[1],
            importance_trials=self._importance[0],
            best=best.number if best else None,
            best_command=self._command(by_key(best.params)) if best else "",
            again_command=plain(shlex.join(search.command(self.workers)), _LONGEST_COMMAND),
            supervisor=here if state == "searching" else None,
            workers=tuple(workers),
            updated_at=time.time(),
        )
        return found.model_copy(update={"front": tuple(trial.number for trial in front_of(found))})

    def _command(self, chosen: Mapping[str, Value]) -> str:
        given = [argument for setting in self.search.settings for argument in ("--set", setting)]
        words = ["harmonic", "train", self.search.profile, *given, *as_settings(chosen)]
        return plain(shlex.join(words), _LONGEST_COMMAND)

    def _look_for_importance(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> None:
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if len(complete) != self._importance[0] and len(complete) >= _FEWEST_FOR_IMPORTANCE:
            self._importance = (len(complete), {each.name: importance(study, each) for each in FIGURES})


def importance(study: optuna.Study, figure: Objective) -> dict[str, float]:
    """How much of a figure's variance each setting explains, the largest first; empty where that is undefined.

    By functional ANOVA over a random forest (Hutter, Hoos & Leyton-Brown 2014), which all completed trials go into that
    have all those settings.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    def value(trial: FrozenTrial) -> float:
        found: float = trial.user_attrs.get(figure.name, math.nan)
        return found

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    names = {name for trial in complete for name in trial.params}
    # A trial of the profile as it is may lack settings that all others have.
    usual = sorted(name for name in names if 2 * sum(name in trial.params for trial in complete) > len(complete))
    # Trials that all came to the same, or of which none differ in a setting, explain nothing.
    with suppress(ValueError, RuntimeError, ZeroDivisionError):
        evaluator = FanovaImportanceEvaluator(seed=0)
        found = get_param_importances(study, evaluator=evaluator, params=usual, target=value) if usual else {}
        if all(map(math.isfinite, found.values())):
            return {by: float(share) for name, share in found.items() for by in by_key({name: share})}
    return {}


def best_of(goal: Goal, trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The best of the completed ones: by the goal's number, or of a front its knee; None where there is none."""
    complete = {trial.number: trial for trial in trials if trial.state == TrialState.COMPLETE and trial.values}
    if goal.weights is not None:
        return min(complete.values(), key=lambda trial: trial.values[0], default=None)
    judged = Study(name="", state="searching", objectives=goal.figures, trials=tuple(map(written, complete.values())))
    found = knee(judged)
    return complete[found.number] if found else None


def written(trial: FrozenTrial) -> Trial:
    """A trial as `study.json` has it."""
    known = trial.user_attrs
    by_optuna = {TrialState.RUNNING: "running", TrialState.WAITING: "interrupted"}
    outcome = by_optuna.get(trial.state) or known.get("outcome", "failed")
    reason = known.get("reason", "")
    if was_given_up(trial):
        outcome, reason = "failed", "whoever supervised it was lost, and once more after it was begun again"
    return Trial(
        number=trial.number,
        state=outcome if outcome in {"running", "complete", "pruned", "interrupted"} else "failed",
        run=plain(str(known.get("run", ""))),
        params={key: plain(each) if isinstance(each, str) else each for key, each in by_key(trial.params).items()},
        values={figure.name: _number(known.get(figure.name)) for figure in FIGURES},
        kl_nats=_number(known.get("kl_nats")),
        epoch=known.get("epoch") or 0,
        reason=plain(str(reason), _LONGEST_REASON),
        stage=plain(str(known.get("stage", ""))),
        retry_of=known.get("retry_of"),
        host=plain(str(known.get("supervisor", {}).get("host", ""))),
        worker=Process(**known["supervisor"]) if outcome == "running" and "supervisor" in known else None,
        started_at=trial.datetime_start.timestamp() if trial.datetime_start else None,
        ended_at=trial.datetime_complete.timestamp() if trial.datetime_complete else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _at_work(trials: Sequence[FrozenTrial]) -> list[Process]:
    """Whoever runs a trial just now, on this machine or another."""
    running = [trial.user_attrs.get("supervisor") for trial in trials if trial.state == TrialState.RUNNING]
    return list(dict.fromkeys(Process(**each) for each in running if each and not is_gone(each)))
