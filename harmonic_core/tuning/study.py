"""A study: trial after trial until there are as many as asked for, each in its own process, none lost."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler

from harmonic_core.errors import DiskError, ExitCode, RunError
from harmonic_core.profile.resolve import Resolved
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import process_identity
from harmonic_core.text import plain
from harmonic_core.tuning.processes import end, noted_signals
from harmonic_core.tuning.record import StudyRecord
from harmonic_core.tuning.report import best_lines, chosen_words, trial_line
from harmonic_core.tuning.space import Space, as_settings
from harmonic_core.tuning.storage import is_settled, open_study, queue_interrupted, standing_trials
from harmonic_core.tuning.trial import follow, trainer

_SIGNALLED = 128
_ALL_FAILED = 5
"""When so many trials failed and none did anything else, the fault lies in what they share."""
_MATTERS = ("data", "audio", "model", "loss", "train", "augment", "evaluation")


@dataclass(frozen=True)
class Search:
    """What a study varies, and what it holds fixed.

    Attributes
    ----------
    profile
        Name or path of the profile of all trials.
    settings
        `KEY=VALUE` of all trials.
    epochs
        Epochs of a trial; None for the profile's own.
    resolved
        The profile in force with all of that.
    space
        What varies.
    """

    profile: str
    settings: tuple[str, ...]
    epochs: int | None
    resolved: Resolved
    space: Space

    def conditions(self) -> dict[str, object]:
        """What has to be the same in two trials for their errors to be compared, and what is searched."""
        tables = self.resolved.profile.model_dump(mode="json", include=set(_MATTERS), exclude={"data": {"cache_dir"}})
        fixed = {f"{section}.{leaf}": value for section, table in tables.items() for leaf, value in table.items()}
        return {
            **fixed,
            "run.seed": self.resolved.profile.run.seed,
            **{each.key: str(each) for each in self.space},
        }

    def command(self, directory: Path, trials: int, seed: int) -> list[str]:
        """What continues the study of a directory, as words of a command line."""
        given = [argument for setting in self.settings for argument in ("--set", setting)]
        epochs = [] if self.epochs is None else ["--epochs", str(self.epochs)]
        study = ["--study", directory.name, "--output-dir", str(directory.parent)]
        return ["harmonic", "tune", self.profile, "--trials", str(trials), *epochs, *given, *study, "--seed", str(seed)]


def tune(
    search: Search,
    directory: Path,
    *,
    trials: int,
    seed: int,
    timeout_s: float | None,
    result: Callable[[str], None],
    log: Callable[[str], None],
) -> ExitCode:
    """Run trials until the study has as many as asked for, counting those of earlier calls.

    The objective is the mean absolute log-mel error on the held-out tracks after the last epoch, in dB.

    Parameters
    ----------
    search
        What to vary.
    directory
        Where the study is, or will be.
    trials
        Total number of trials.
    seed
        The n-th trial follows from the seed, n and the results before it: an interruption changes nothing.
    timeout_s
        Seconds after which to stop as if asked to by a signal; None for no limit.
    result, log
        Take a line for stdout, a line for stderr.

    Returns
    -------
    ExitCode
        OK, or that of the signal that stopped the study.

    Raises
    ------
    RunError
        If the directory holds something else, or the first trials all failed.
    DiskError
        If nothing can be written.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings(), noted_signals() as received:
        warnings.simplefilter("ignore", ExperimentalWarning)
        deadline = math.inf if timeout_s is None else time.monotonic() + timeout_s

        def stop() -> bool:
            return bool(received) or time.monotonic() >= deadline

        record = StudyRecord(
            directory,
            search.profile,
            search.settings,
            search.space,
            trials,
            search.resolved.profile.train.epochs,
            search.command(directory, trials, seed),
            log,
        )
        try:
            study = _open(search, directory, trials, record, log)
            standing = _run_trials(study, search, directory, trials, seed, stop, result, log, record)
            settled = sum(map(is_settled, standing))
            why = received[0].name if received else f"{timeout_s:g} s are over" if stop() else ""
            record.write(study, "finished" if settled >= trials else "stopped", why if settled < trials else "")
        except StorageInternalError as error:
            raise DiskError(f"{plain(str(directory))}: the study cannot be written: {error.__cause__}") from error
        if why and settled < trials:
            log(f"stopped ({why}) with {settled} of {trials} trials done; the same command continues")
        for line in best_lines(standing, search.profile, search.settings):
            result(line)
        return ExitCode(_SIGNALLED + received[0]) if received else ExitCode.OK


def _open(
    search: Search, directory: Path, trials: int, record: StudyRecord, log: Callable[[str], None]
) -> optuna.Study:
    # While the learning rate warms up and beta has hardly risen, the order of trials says little.
    pruner = MedianPruner(n_startup_trials=5, n_warmup_steps=search.resolved.profile.train.epochs // 4)
    study = open_study(directory, search.conditions(), pruner)
    repeated = queue_interrupted(study)
    record.write(study)
    settled = sum(map(is_settled, standing_trials(study)))
    again = f", {repeated} interrupted before and to be continued" if repeated else ""
    log(f"study {plain(str(directory))}: {settled} of {trials} trials done{again}")
    for each in search.space:
        log(f"searching {each.key}: {each}")
    return study


def _run_trials(
    study: optuna.Study,
    search: Search,
    directory: Path,
    trials: int,
    seed: int,
    stop: Callable[[], bool],
    result: Callable[[str], None],
    log: Callable[[str], None],
    record: StudyRecord,
) -> list[optuna.trial.FrozenTrial]:
    def settle(_: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        record.write(study)
        if is_settled(trial):
            result(trial_line(trial))

    while not stop():
        optuna.storages.fail_stale_trials(study)
        standing = standing_trials(study)
        running = [trial for trial in standing if trial.state == optuna.trial.TrialState.RUNNING]
        if sum(map(is_settled, standing)) + len(running) >= trials:
            break
        # A sampler seeded once would repeat its first draws whenever the study is continued.
        study.sampler = TPESampler(seed=int(np.random.SeedSequence((seed, len(standing))).generate_state(1)[0]))
        study.optimize(
            lambda trial: _run_trial(trial, search, directory, stop, log, record),
            n_trials=1,
            callbacks=[settle],
        )
        try:
            _give_up_if_all_failed(standing_trials(study))
        except RunError as error:
            record.write(study, "failed", str(error))
            raise
    return standing_trials(study)


def _run_trial(
    trial: optuna.Trial,
    search: Search,
    directory: Path,
    stop: Callable[[], bool],
    log: Callable[[str], None],
    record: StudyRecord,
) -> float:
    """Objective of Optuna: held-out error in dB, NaN for a trial that failed."""
    trial.set_user_attr("supervisor", process_identity(os.getpid()))
    # True until something else is known: however this process ends, the trial will be taken up again.
    trial.set_user_attr("outcome", "interrupted")
    chosen = {each.key: each.suggest(trial) for each in search.space}
    run = _interrupted_run(trial, directory)
    if run:
        arguments = ["--resume-from", str(run.path)]
    else:
        run = RunDirectory(directory / f"trial-{trial.number:04d}")
        epochs = [] if search.epochs is None else ["--epochs", str(search.epochs)]
        fixed = [argument for setting in search.settings for argument in ("--set", setting)]
        arguments = [search.profile, *fixed, *epochs, *as_settings(chosen)]
    trial.set_user_attr("run", run.name)
    record.write(trial.study)
    log(f"{run.name}: {chosen_words(chosen)}; `harmonic-tui {plain(str(run.path))}` shows it")

    def hopeless(epoch: int, error_db: float) -> bool:
        trial.report(error_db, epoch)
        return trial.should_prune()

    with trainer(arguments, run) as process:
        trial.set_user_attr("trainer", process_identity(process.pid))
        ending = follow(process, run, hopeless, stop)
    for key, value in asdict(ending).items():
        trial.set_user_attr(key, value)
    if ending.outcome == "pruned":
        raise optuna.TrialPruned(ending.reason)
    return ending.recon_db if ending.outcome == "complete" and ending.recon_db is not None else math.nan


def _interrupted_run(trial: optuna.Trial, directory: Path) -> RunDirectory | None:
    """Run of a trial that was begun before and can go on from a checkpoint; its trainer, if left alone, is stopped."""
    if "trainer" in trial.user_attrs:
        end(trial.user_attrs["trainer"])
    if "run" not in trial.user_attrs:
        return None
    run = RunDirectory(directory / Path(trial.user_attrs["run"]).name)
    return run if any(run.checkpoints.glob("step-*")) else None


def _give_up_if_all_failed(standing: list[optuna.trial.FrozenTrial]) -> None:
    settled = [trial for trial in standing if is_settled(trial)]
    if len(settled) >= _ALL_FAILED and all(trial.user_attrs["outcome"] == "failed" for trial in settled):
        raise RunError(
            f"all {len(settled)} trials so far failed, the last with: "
            f"{plain(str(settled[-1].user_attrs['reason']), 1000)}; mend that and give the same command again"
        )
