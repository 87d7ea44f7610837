"""The memory of a study: an SQLite file beside its runs, and what in it still has to be done."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import optuna
from optuna.pruners import BasePruner
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState

from harmonic_core.errors import DiskError, RunError
from harmonic_core.text import plain
from harmonic_core.tuning.processes import is_gone

DATABASE = "study.db"

_HEARTBEAT_S = 10
_HEARTBEAT_LIMIT_S = 60
_AUTOMATIC_RETRIES = 1
_CONDITIONS = "conditions"


def open_study(directory: Path, conditions: Mapping[str, object], pruner: BasePruner) -> optuna.Study:
    """Open the study of a directory, or begin it.

    Parameters
    ----------
    directory
        Where its database and its runs are; made if it is not there.
    conditions
        What all trials share, by key path, and what is searched: JSON values. Errors measured under other conditions
        say nothing about each other.
    pruner
        Decides which trials end early.

    Raises
    ------
    RunError
        If the directory holds something else, or a study under other conditions.
    DiskError
        If it cannot be written.
    """
    path = directory / DATABASE
    _make_room(path)
    storage = RDBStorage(
        # As a URI: Optuna and SQLAlchemy read meaning into braces and question marks of a bare path.
        f"sqlite:///file:{quote(os.fsencode(path.absolute()))}?uri=true",
        heartbeat_interval=_HEARTBEAT_S,
        grace_period=_HEARTBEAT_LIMIT_S,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=_AUTOMATIC_RETRIES),
    )
    study = optuna.create_study(
        storage=storage, study_name="study", direction="minimize", pruner=pruner, load_if_exists=True
    )
    known = study.user_attrs.get(_CONDITIONS)
    if known is None:
        study.set_user_attr(_CONDITIONS, dict(conditions))
    else:
        _insist_on_same_conditions(directory, known, conditions)
    return study


def standing_trials(study: optuna.Study) -> list[FrozenTrial]:
    """All trials but those that were begun again under another number."""
    trials = study.get_trials(deepcopy=False)
    repeated = {number for trial in trials for number in RetryHeartbeatStaleTrialCallback.retry_history(trial)}
    return [trial for trial in trials if trial.number not in repeated]


def is_settled(trial: FrozenTrial) -> bool:
    """Tell whether a trial has a result, be it that it failed."""
    return trial.state.is_finished() and not _was_interrupted(trial)


def queue_interrupted(study: optuna.Study) -> int:
    """Queue again what was begun but not brought to an end, and give the number of such trials.

    Those are trials that stopped with their study, and those whose supervisor on this host is gone. A supervisor on
    another host is known to be gone by its heartbeat, when the next trial begins.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        supervisor = trial.user_attrs.get("supervisor")
        if supervisor is None or is_gone(supervisor):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    interrupted = [
        trial for trial in standing_trials(study) if trial.state == TrialState.FAIL and _was_interrupted(trial)
    ]
    # Not limited in number: somebody started the study again to have this done.
    begin_again = RetryHeartbeatStaleTrialCallback()
    for trial in interrupted:
        begin_again(study, trial)
    return len(interrupted)


def _was_interrupted(trial: FrozenTrial) -> bool:
    outcome: str = trial.user_attrs.get("outcome", "interrupted")
    return outcome == "interrupted"


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() and any(path.parent.glob("trial-*")):
            raise RunError(
                f"{plain(str(path.parent))}: trials of a study lie here, but not its {DATABASE}; choose another --study"
            )
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version")
    except OSError as error:
        raise DiskError(
            f"{plain(str(path.parent))}: the study cannot be made there: {error.strerror or error}"
        ) from error
    except sqlite3.OperationalError as error:
        raise DiskError(f"{plain(str(path))}: the study cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise RunError(f"{plain(str(path))} is not a study ({error}); choose another --study") from error


def _insist_on_same_conditions(directory: Path, known: Mapping[str, object], now: Mapping[str, object]) -> None:
    # A newer version knows more settings than the study's own.
    changed = [key for key in known if key in now and known[key] != now[key]]
    if changed:
        key = changed[0]
        more = f" (and {len(changed) - 1} more settings)" if len(changed) > 1 else ""
        raise RunError(
            f"{plain(str(directory))}: this study has {key} = {plain(str(known[key]))}, now it would be "
            f"{plain(str(now[key]))}{more}, and their errors cannot be compared; repeat what the study was begun "
            "with, or begin another with --study NAME"
        )
