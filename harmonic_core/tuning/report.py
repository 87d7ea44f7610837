"""A study in words: a line a trial, and what came of all of them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from harmonic_core.run.studies import STUDY_ROOTS, Study
from harmonic_core.text import plain
from harmonic_core.tuning.best import front_of
from harmonic_core.tuning.objective import Goal
from harmonic_core.tuning.record import best_of, written
from harmonic_core.tuning.space import Value, by_key

_LONGEST = 2000


def trial_line(trial: FrozenTrial) -> str:
    """One line on a trial that ended: its run, how it ended, its figures, what was chosen, and what went wrong."""
    told = written(trial)
    parts = [f"{told.run or f'trial {trial.number}'}: {told.state}"]
    if told.values.get("recon_db") is not None:
        parts.append(f"{told.values['recon_db']:.2f} dB")
    if told.values.get("mel_fd") is not None:
        parts.append(f"mel-FD {told.values['mel_fd']:.0f} dB²")
    if told.kl_nats is not None:
        parts.append(f"KL {told.kl_nats:.1f} nats")
    parts += [chosen_words(by_key(trial.params))]
    if told.stage:
        parts.append(f"({told.stage})")
    if told.reason:
        parts.append(told.reason)
    return "  ".join(part for part in parts if part)


def chosen_words(chosen: Mapping[str, Value]) -> str:
    """Values by key path, without the sections' names, numbers rounded."""
    words = (
        f"{key.rpartition('.')[2]}={value:.3g}" if isinstance(value, float) else f"{key.rpartition('.')[2]}={value}"
        for key, value in chosen.items()
    )
    return plain("  ".join(words).replace(", ", ","), _LONGEST)


def closing_lines(trials: Sequence[FrozenTrial], goal: Goal, directory: Path) -> list[str]:
    """What came of a study: its front, its best trial, and the command that makes a profile of that.

    Parameters
    ----------
    trials
        All of them.
    goal
        What they are judged by.
    directory
        Of the study.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    best = best_of(goal, complete)
    if best is None:
        return ["No trial was completed, so there is no best one."]
    lines = []
    what = f"Best of {len(complete)} completed"
    if goal.weights is None:
        judged = Study(name="", state="finished", objectives=goal.figures, trials=tuple(map(written, complete)))
        numbers = [trial.number for trial in front_of(judged)]
        by_number = {trial.number: trial for trial in complete}
        lines.append(f"Pareto front, {len(numbers)} of {len(complete)} completed:")
        lines += [f"  {trial_line(by_number[number])}" for number in numbers]
        what = "Nearest to the best of both"
    name = directory.name
    elsewhere = [] if directory.parent in STUDY_ROOTS else ["--output-dir", str(directory.parent)]
    command = shlex.join(["harmonic", "tune", "best", name, *elsewhere, "--save", f"profiles/{name}-best.toml"])
    return [*lines, f"{what}: {trial_line(best)}", plain(command, _LONGEST)]
