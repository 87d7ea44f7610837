"""Trials as a study's database holds them: which count, which are done, and which have to be begun again."""

from __future__ import annotations

import copy

import optuna
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from harmonic_core.tuning.processes import is_gone
from harmonic_core.tuning.pruning import first_number

_AUTOMATIC_RETRIES = 1


def standing_trials(study: optuna.Study) -> list[FrozenTrial]:
    """All trials but those that were begun again under another number."""
    trials = study.get_trials(deepcopy=False)
    repeated = {number for trial in trials for number in RetryHeartbeatStaleTrialCallback.retry_history(trial)}
    return [trial for trial in trials if trial.number not in repeated]


def is_settled(trial: FrozenTrial) -> bool:
    """Tell whether a trial has a result, be it that it failed."""
    return trial.state.is_finished() and not _is_to_be_repeated(trial)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Tell whether a trial was left by its supervisor before it had a result."""
    outcome: str = trial.user_attrs.get("outcome", "interrupted")
    return outcome == "interrupted"


def was_given_up(trial: FrozenTrial) -> bool:
    """Tell whether a trial's supervisors were lost again and again, and nobody takes it up once more."""
    return trial.state == TrialState.FAIL and was_interrupted(trial) and not _is_to_be_repeated(trial)


def take_up_interrupted(study: optuna.Study, *, by_hand: bool) -> list[FrozenTrial]:
    """Queue again what was begun but not brought to an end.

    Those are trials that stopped with their study, and those whose supervisor is gone: on this host by its process, on
    another one by its heartbeat. Nobody may claim trials meanwhile.

    Parameters
    ----------
    study
        Where.
    by_hand
        Whether somebody starts the study, to have this done; else each is repeated once.

    Returns
    -------
    trials
        Those that were queued, as they were.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        supervisor = trial.user_attrs.get("supervisor")
        if supervisor is None or is_gone(supervisor):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    fail_stale_trials(study)
    left = [trial for trial in standing_trials(study) if trial.state == TrialState.FAIL and _is_to_be_repeated(trial)]
    for trial in left:
        _queue_again(study, trial, by_hand=by_hand)
    return left


def _is_to_be_repeated(trial: FrozenTrial) -> bool:
    """Whether a trial is begun again: it was stopped in good order, or its supervisor was lost for the first time."""
    known = trial.user_attrs
    return was_interrupted(trial) and (bool(known.get("stopped")) or known.get("retries", 0) < _AUTOMATIC_RETRIES)


def _queue_again(study: optuna.Study, trial: FrozenTrial, *, by_hand: bool) -> None:
    again = copy.deepcopy(trial)
    again.user_attrs |= {
        "first_number": first_number(trial),
        "retry_of": trial.number,
        "retries": 0 if by_hand else trial.user_attrs.get("retries", 0) + 1,
        "stopped": False,
    }
    RetryHeartbeatStaleTrialCallback()(study, again)
