"""One trial of a study, from what is chosen for it to what it came to; also where it goes on from where it was left."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import process_identity, read_status
from harmonic_core.text import plain
from harmonic_core.tuning.measuring import measured
from harmonic_core.tuning.processes import end
from harmonic_core.tuning.pruning import Pruner
from harmonic_core.tuning.record import StudyRecord
from harmonic_core.tuning.report import chosen_words
from harmonic_core.tuning.search import Search
from harmonic_core.tuning.space import Chosen, as_settings, suggest
from harmonic_core.tuning.storage import Memory
from harmonic_core.tuning.trial import Clock, Outcome, follow, trainer

_SAVE_S = 5.0
"""Seconds of training after which the time that a trial has taken is kept."""


class Attempt:
    """A trial that this process supervises.

    Parameters
    ----------
    trial
        As Optuna knows it: a new one, or one that was begun before.
    search, memory, record
        Of the study.
    stop
        Says when the trial is to be left for later.
    log
        Told what begins.
    """

    def __init__(
        self,
        trial: optuna.Trial,
        search: Search,
        memory: Memory,
        record: StudyRecord,
        stop: Callable[[], bool],
        log: Callable[[str], None],
    ) -> None:
        self._trial, self._search, self._memory, self._record = trial, search, memory, record
        self._stop, self._log = stop, log
        self._chosen: Chosen = {}
        self._pruner = Pruner(search.pruner)
        self._curve: dict[int, float] = {}

    def begin(self) -> None:
        """Make the trial this process's, and have its values chosen; nobody else may claim trials meanwhile."""
        self._trial.set_user_attr("supervisor", process_identity(os.getpid()))
        # True until something else is known: however this process ends, the trial will be taken up again.
        self._trial.set_user_attr("outcome", "interrupted")
        self._memory.beat(self._trial, at_once=True)
        only = self._trial.user_attrs.get("only")
        self._chosen = suggest(self._search.space, self._trial, self._search.architecture, only)

    def run(self) -> FrozenTrial | None:
        """Train and measure it; None where another supervisor has taken it, believing this one lost."""
        try:
            return self._tell(self._supervise())
        except UpdateFinishedTrialError:
            self._log(f"trial {self._trial.number} was taken up by another supervisor, as this one had fallen silent")
            return None

    def _supervise(self) -> Outcome:
        run, arguments = self._where()
        self._trial.set_user_attr("run", run.name)
        self._record.write(self._trial.study)
        stage = self._trial.user_attrs.get("stage")
        words = "  ".join(filter(None, [chosen_words(self._chosen), f"({plain(stage)})" if stage else ""]))
        self._log(f"{run.name}: {words or 'the profile as it is'}; `harmonic-tui {plain(str(run.path))}` shows it")
        trained = self._trained_before(run) or self._train(run, arguments)
        if trained.outcome != "complete":
            return trained
        self._trial.set_user_attr("trained", asdict(trained))
        return measured(run, trained, self._is_to_leave)

    def _where(self) -> tuple[RunDirectory, list[str]]:
        """Directory of the trial, and what its trainer is told: to go on there, where it was begun before."""
        known = self._trial.user_attrs
        before = known.get("trainer")
        if before is not None and before["host"] == socket.gethostname():
            end(before)
            run = RunDirectory(self._search.directory / Path(known["run"]).name)
            if any(run.checkpoints.glob("step-*")):
                self._curve = {int(epoch): float(error) for epoch, error in known.get("curve", ())}
                return run, ["--resume-from", str(run.path)]
        # What was begun on another machine, or came to no checkpoint, is begun anew.
        for key, empty in {"curve": [], "spent_s": 0.0, "trained": None}.items():
            if known.get(key):
                self._trial.set_user_attr(key, empty)
        run = RunDirectory(self._search.directory / f"trial-{self._trial.number:04d}")
        return run, self._search.training(as_settings(self._chosen))

    def _trained_before(self, run: RunDirectory) -> Outcome | None:
        """How its training ended, where only its measurement was interrupted."""
        known = self._trial.user_attrs.get("trained")
        return Outcome(**known) if known and any(run.checkpoints.glob("step-*")) else None

    def _train(self, run: RunDirectory, arguments: list[str]) -> Outcome:
        clock = Clock(self._search.budget.limit_s, self._trial.user_attrs.get("spent_s", 0.0))
        saved = clock.spent_s

        def is_to_leave() -> bool:
            nonlocal saved
            if clock.spent_s - saved >= _SAVE_S:
                saved = clock.spent_s
                self._trial.set_user_attr("spent_s", saved)
            return self._is_to_leave()

        with trainer(arguments, run) as process:
            self._trial.set_user_attr("trainer", process_identity(process.pid))
            ending = follow(process, run, lambda *seen: self._is_hopeless(run, *seen), is_to_leave, clock)
        if clock.spent_s:
            self._trial.set_user_attr("spent_s", clock.spent_s)
        return ending

    def _is_to_leave(self) -> bool:
        self._memory.beat(self._trial)
        return self._stop()

    def _is_hopeless(self, run: RunDirectory, epoch: int, error_db: float) -> bool:
        self._curve[epoch] = error_db
        if self._search.pruner == "none":
            return False
        self._trial.set_user_attr("curve", list(self._curve.items()))
        study, status = self._trial.study, read_status(run.status)
        epochs = (status.epochs if status else 0) or self._search.resolved.profile.train.epochs
        others = [each for each in study.get_trials(deepcopy=False) if each.number != self._trial.number]
        number = self._trial.user_attrs.get("first_number", self._trial.number)
        return self._pruner.is_hopeless(number, epochs, self._curve, others)

    def _tell(self, ending: Outcome) -> FrozenTrial:
        """Keep how the trial ended."""
        figures = {"recon_db": ending.recon_db, "mel_fd": ending.mel_fd}
        known = {key: value for key, value in figures.items() if value is not None}
        values = self._search.goal.values(known) if ending.outcome == "complete" else None
        for key, value in asdict(ending).items():
            self._trial.set_user_attr(key, value)
        if ending.outcome == "interrupted":
            self._trial.set_user_attr("stopped", True)
        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
        return self._trial.study.tell(self._trial, values, state=states.get(ending.outcome, TrialState.FAIL))
