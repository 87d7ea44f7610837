"""Studies as they lie on the disk now, with what their running trials say of themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harmonic_core.run.directory import RunDirectory
    from harmonic_core.run.studies import Objective, SeenStudy, Study, Trial

_ERROR = "recon_db"
"""The objective that is measured after every epoch."""


@dataclass(frozen=True)
class Progress:
    """How far a running trial is."""

    epoch: int
    epochs: int
    eta_s: float | None
    best_db: float | None


@dataclass(frozen=True)
class SeenTrials:
    """A study at one moment."""

    path: Path
    state: SeenStudy
    study: Study
    running: Mapping[int, Progress] = field(default_factory=dict)
    """By number of the trial."""
    written_down: bool = True
    """Whether the study wrote its trials down; one of an older version did not."""

    @property
    def name(self) -> str:
        """Name of the study: that of its directory."""
        return self.path.resolve().name

    @property
    def trials(self) -> Sequence[Trial]:
        """In the order of their numbers."""
        return self.study.trials

    @property
    def objectives(self) -> Sequence[Objective]:
        """What is measured of each trial, one at least; the first is what they are ranked by."""
        return self.study.objectives or (self.study.objective,)

    @cached_property
    def front(self) -> frozenset[int]:
        """Numbers of the trials that no other one betters in every objective."""
        return frozenset(self.study.front)

    @cached_property
    def _hosts(self) -> frozenset[str]:
        workers, trials = self.study.workers, self.trials
        return frozenset(filter(None, (*(each.host for each in workers), *(each.host for each in trials))))

    def place(self, trial: Trial) -> str:
        """Where a trial ran, and which worker runs it: `ash`, `worker 2`, `ash, worker 2`; empty where there is one."""
        words = [trial.host] if trial.host and len(self._hosts) > 1 else []
        beside = [each for each in self.study.workers if each.host == trial.host]
        if trial.worker in beside and len(beside) > 1:
            words.append(f"worker {beside.index(trial.worker) + 1}")
        return ", ".join(words)

    def value(self, trial: Trial, objective: Objective) -> float | None:
        """What a trial came to, or how far it got."""
        progress = self.running.get(trial.number)
        if progress is not None and objective.name == _ERROR:
            return progress.best_db
        return trial.values.get(objective.name)


def look_at_studies(beside: RunDirectory | None) -> list[Path]:
    """Directories of all studies, the most recently changed first; of a trial that is open also its own."""
    from harmonic_core.run.studies import list_studies

    return list_studies(beside=beside)


def look_at_study(path: Path) -> SeenTrials:
    """One study with its trials. Reads a file of each running one: belongs in a thread."""
    from harmonic_core.run.studies import Study, read_study, seen_study, trials_from_runs

    study = read_study(path)
    if study is None:
        trials = tuple(trials_from_runs(path))
        searching = any(trial.state == "running" for trial in trials)
        made_up = Study(name=path.name, state="searching" if searching else "stopped", trials=trials)
        return SeenTrials(path, made_up.state, made_up, _progress(path, made_up), written_down=False)
    state = seen_study(study)
    if state == "lost":
        # Whoever watched over them is gone: they stand still, or will when their next epoch is over.
        left = [
            trial.model_copy(update={"state": "interrupted"}) if trial.state == "running" else trial
            for trial in study.trials
        ]
        study = study.model_copy(update={"trials": tuple(left)})
    return SeenTrials(path, state, study, _progress(path, study))


def _progress(path: Path, study: Study) -> dict[int, Progress]:
    from harmonic_core.run.status import read_status
    from harmonic_core.run.studies import trial_run

    found = {}
    for trial in study.trials:
        run = trial_run(path, trial) if trial.state == "running" else None
        status = read_status(run.status) if run else None
        if status is not None:
            best = status.best.val_recon_db if status.best else None
            found[trial.number] = Progress(status.epoch, status.epochs, status.eta_s, best)
    return found
