"""A study in words: a line a trial, and the command that trains the best."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from optuna.trial import FrozenTrial, TrialState

from harmonic_core.text import plain
from harmonic_core.tuning.space import Value, as_settings

_LONGEST = 2000


def trial_line(trial: FrozenTrial) -> str:
    """One line on a trial that ended: its run, how it ended, error, KL, what was chosen, and what went wrong."""
    known = trial.user_attrs
    parts = [f"{plain(str(known.get('run', f'trial {trial.number}')))}: {plain(str(known.get('outcome', 'failed')))}"]
    if known.get("recon_db") is not None:
        parts.append(f"{known['recon_db']:.2f} dB")
    if known.get("kl_nats") is not None:
        parts.append(f"KL {known['kl_nats']:.1f} nats")
    parts += [chosen_words(trial.params)]
    if known.get("reason"):
        parts.append(plain(str(known["reason"]), _LONGEST))
    return "  ".join(parts)


def chosen_words(chosen: Mapping[str, Value]) -> str:
    """Values by key path, without the sections' names, numbers rounded."""
    words = (
        f"{key.rpartition('.')[2]}={value:.3g}" if isinstance(value, float) else f"{key.rpartition('.')[2]}={value}"
        for key, value in chosen.items()
    )
    return plain("  ".join(words).replace(", ", ","), _LONGEST)


def best_lines(trials: Sequence[FrozenTrial], profile: str, settings: Sequence[str]) -> list[str]:
    """Name the completed trial of the lowest error and the command that trains it in full; say so if there is none."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    if not complete:
        return ["No trial was completed, so there is no best one."]
    best = min(complete, key=lambda trial: trial.value or 0.0)
    given = [argument for setting in settings for argument in ("--set", setting)]
    command = shlex.join(["harmonic", "train", profile, *given, *as_settings(best.params)])
    return [f"Best of {len(complete)} completed: {trial_line(best)}", plain(command, _LONGEST)]
