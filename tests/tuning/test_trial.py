"""How a trial ends, shown on processes that leave behind what a trainer would."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from harmonic_core.profile.resolve import resolve
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import RecordWriter
from harmonic_core.run.status import State, Status, write_status
from harmonic_core.tuning.report import best_lines, trial_line
from harmonic_core.tuning.space import default_space
from harmonic_core.tuning.trial import Outcome, follow


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def epochs_in(run: RunDirectory, *errors_db: float) -> None:
    """Write an epoch's row for each error."""
    writer = RecordWriter(run.metrics)
    for epoch, error in enumerate(errors_db, 1):
        writer.append({"kind": "epoch", "step": epoch, "epoch": epoch, "val_recon_db": error, "val_kl_nats": 20.0})
    writer.close()


def closed_with(run: RunDirectory, state: State, code: int, message: str) -> None:
    """Write the last status of a trainer."""
    now = time.time()
    write_status(
        run.status,
        Status(
            state=state,
            pid=1,
            process_start=now,
            host="here",
            started_at=now,
            heartbeat=now,
            exit_code=code,
            message=message,
        ),
    )


def ended(run: RunDirectory, end: str, hopeless: Callable[[int, float], bool] = lambda epoch, error: False) -> Outcome:
    """Outcome of a process that does nothing but end."""
    with subprocess.Popen([sys.executable, "-c", f"import os, sys; {end}"]) as process:
        process.wait()
        return follow(process, run, hopeless, lambda: False)


def test_the_error_after_the_last_epoch_is_the_result(run: RunDirectory) -> None:
    epochs_in(run, 7.0, 6.0, 6.5)
    closed_with(run, "finished", 0, "")
    assert ended(run, "sys.exit(0)") == Outcome("complete", "", 3, 6.5, 20.0)


def test_every_epoch_is_judged_once_and_the_first_without_hope_is_the_last(run: RunDirectory) -> None:
    epochs_in(run, 9.0, 8.0, 7.0)
    judged: list[tuple[int, float]] = []

    def hopeless(epoch: int, error_db: float) -> bool:
        judged.append((epoch, error_db))
        return epoch == 2

    assert ended(run, "sys.exit(0)", hopeless) == Outcome("pruned", "after epoch 2", 2, 8.0, 20.0)
    assert judged == [(1, 9.0), (2, 8.0)]


def test_a_run_that_somebody_stops_by_hand_counts_as_pruned(run: RunDirectory) -> None:
    epochs_in(run, 9.0)
    closed_with(run, "stopped", 0, "stopped by command at step 4")
    assert ended(run, "sys.exit(0)") == Outcome("pruned", "stopped by command at step 4", 1, 9.0, 20.0)


@pytest.mark.parametrize(("code", "kind"), [(1, ""), (3, "diverged, "), (4, "out of memory, "), (5, "disk, ")], ids=str)
def test_a_failure_is_named_with_what_the_run_says_of_it(run: RunDirectory, code: int, kind: str) -> None:
    epochs_in(run, 9.0)
    closed_with(run, "failed", code, "the reason")
    outcome = ended(run, f"sys.exit({code})")
    assert (outcome.outcome, outcome.reason) == ("failed", f"{kind}exit status {code}: the reason")


def test_without_a_status_the_log_gives_the_reason(run: RunDirectory) -> None:
    run.console_log.write_text("harmonic: old\nharmonic: mine.toml cannot be used:\n  a: b\n")
    assert ended(run, "sys.exit(2)").reason == "refused, exit status 2: mine.toml cannot be used: a: b"


def test_a_killed_trainer_is_said_to_be_killed(run: RunDirectory) -> None:
    assert ended(run, "os.kill(os.getpid(), 9)").reason.startswith("killed by SIGKILL, perhaps")


def test_an_error_that_is_no_number_is_no_result(run: RunDirectory) -> None:
    epochs_in(run, float("nan"))
    closed_with(run, "finished", 0, "")
    assert ended(run, "sys.exit(0)").outcome == "failed"


def finished_trial(value: float | None, **attributes: object) -> FrozenTrial:
    """A trial as a study records it."""
    state = TrialState.FAIL if value is None else TrialState.COMPLETE
    return create_trial(state=state, value=value, user_attrs={"outcome": "complete", **attributes})


def test_nothing_that_a_terminal_obeys_comes_through() -> None:
    line = trial_line(finished_trial(None, reason="\x1b[31m\u202e", run="\x1b]0;x"))
    command = best_lines([finished_trial(6.0)], "./\x1b[31m.toml", ["run.description=\x9b1m"])[1]
    assert (line + command).isprintable()


def test_the_best_is_the_completed_trial_of_the_lowest_error() -> None:
    trials = [finished_trial(7.0, run="a"), finished_trial(6.0, run="b"), finished_trial(None, run="c")]
    assert best_lines(trials, "demo", [])[0].startswith("Best of 2 completed: b: ")


def test_the_command_for_the_best_can_be_pasted_into_a_shell() -> None:
    _, command = best_lines([finished_trial(6.0), finished_trial(7.0)], "./my profile.toml", ["custom_dir=a; b"])
    assert command == "harmonic train './my profile.toml' --set 'custom_dir=a; b'"


def test_what_is_set_by_hand_is_not_searched() -> None:
    searched = [
        each.key for each in default_space(resolve("demo", settings=["beta_end=0.1", "latent_dim=8"], environ={}))
    ]
    assert searched == ["model.hidden_dims", "train.learning_rate"]


def test_the_profiles_own_widths_are_among_those_tried() -> None:
    space = default_space(resolve("gtzan", environ={}))
    (widths,) = [str(each) for each in space if each.key == "model.hidden_dims"]
    assert widths.startswith("one of [1024, 512, 256], [128, 128, 192, 256], ")
