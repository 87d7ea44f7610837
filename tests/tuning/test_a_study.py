"""Studies of real, tiny runs, from the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from optuna.trial import TrialState
from programs import DEADLINE_S, Programs, known_status, wait_until
from recorded import settled

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import last_row, read_rows
from harmonic_core.run.status import is_alive, read_status

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]

LONG = ["--trials", "1", "--set", "loss.beta_end=0.01", "--epochs"]


def test_trials_are_runs_and_one_that_fails_is_recorded_with_its_reason_and_stops_nothing(
    harmonic: Programs, quick: list[str], studies: Path
) -> None:
    # With this seed the first trial has a beta that the profile cannot work with.
    command = ["tune", *quick, "--trials", "2", "--epochs", "1", "--seed", "8"]
    done = harmonic.run(*command)
    failed_line, complete_line, head, front, best, full = done.stdout.splitlines()
    assert failed_line.startswith("trial-0000: failed  ")
    assert "Beta would fall from 0.005 to 0.001" in failed_line
    assert complete_line.startswith("trial-0001: complete  ")
    assert head == "Pareto front, 1 of 1 completed:"
    assert front == f"  {complete_line}"
    assert best == f"Nearest to the best of both: {complete_line}"
    assert full == "harmonic tune best quick --save profiles/quick-best.toml"

    failed, complete = settled(studies / "quick")
    assert failed.state == TrialState.FAIL
    assert failed.user_attrs["reason"].startswith("refused, exit status 2: ")
    run = RunDirectory(studies / "quick" / complete.user_attrs["run"])
    row = last_row(run.metrics, "epoch")
    assert row is not None
    assert complete.user_attrs["recon_db"] == pytest.approx(row["val_recon_db"], rel=1e-5)
    assert complete.user_attrs["kl_nats"] == pytest.approx(row["val_kl_nats"], rel=1e-4)
    evaluated = json.loads(harmonic.run("evaluate", str(run.path), "--json").stdout)
    assert complete.user_attrs["mel_fd"] == pytest.approx(evaluated["draws"]["mel_fd"], rel=1e-4)
    assert complete.values == [complete.user_attrs["recon_db"], complete.user_attrs["mel_fd"]]
    status = json.loads(harmonic.run("status", f"output/tuning/quick/{run.name}", "--json").stdout)
    assert (status["state"], status["epoch"]) == ("finished", 1)

    again = harmonic.run(*command)
    assert again.stdout.splitlines() == [head, front, best, full]
    assert "2 of 2 trials done" in again.stderr


def test_a_budget_of_updates_or_minutes_is_the_same_for_all_trials(
    harmonic: Programs, quick: list[str], studies: Path
) -> None:
    fixed = [*quick, "--trials", "2", "--set", "loss.beta_end=0.01", "--objective", "recon_db + 0.001*mel_fd"]
    harmonic.run("tune", *fixed, "--steps", "5", "--study", "steps")
    steps = {read_status(path).step for path in (studies / "steps").glob("trial-*/status.json")}  # type: ignore[union-attr]
    assert len(steps) == 1
    assert steps.pop() in range(5, 12)
    done = harmonic.run("tune", *fixed, "--minutes", "0.02", "--study", "time", "--set", "train.epochs=100000")
    assert done.stdout.count("its 0.02 minutes were over") == 3
    for trial in settled(studies / "time"):
        assert trial.user_attrs["outcome"] == "complete"
        assert trial.user_attrs["spent_s"] >= 1.2
        assert trial.value == pytest.approx(trial.user_attrs["recon_db"] + 0.001 * trial.user_attrs["mel_fd"])
        assert known_status(RunDirectory(studies / "time" / trial.user_attrs["run"])).state == "stopped"


def test_a_study_killed_in_the_middle_of_a_trial_is_completed_by_the_same_command(
    harmonic: Programs, quick: list[str], studies: Path
) -> None:
    command = ["tune", *quick, *LONG, "60"]
    run, supervisor = RunDirectory(studies / "quick" / "trial-0000"), harmonic.start(*command)
    wait_until(lambda: read_rows(run.metrics), "the first trial trains")
    orphan = known_status(run)
    supervisor.kill()
    supervisor.wait()

    done = harmonic.run(*command)
    assert is_alive(orphan) is False
    assert "0 of 1 trials done, 1 interrupted before and to be continued" in done.stderr
    assert done.stdout.startswith("trial-0000: complete  ")
    (trial,) = settled(studies / "quick")
    assert (trial.state, trial.user_attrs["epoch"]) == (TrialState.COMPLETE, 60)
    assert len(read_starts(run)) == 2
    assert [row["epoch"] for row in read_rows(run.metrics) if row["kind"] == "epoch"] == list(range(1, 61))
    assert [path.name for path in run.path.parent.glob("trial-*")] == ["trial-0000"]


def test_ctrl_c_stops_the_trial_with_a_checkpoint_and_does_not_count_it(
    harmonic: Programs, quick: list[str], studies: Path
) -> None:
    run, supervisor = RunDirectory(studies / "quick" / "trial-0000"), harmonic.start("tune", *quick, *LONG, "100000")
    wait_until(lambda: read_rows(run.metrics), "the first trial trains")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(DEADLINE_S) == 130
    status = known_status(run)
    assert (status.state, status.message.split()[0]) == ("stopped", "SIGTERM")
    assert (run.checkpoints / f"step-{status.step:08d}").is_dir()
    assert settled(studies / "quick") == []
    said = (harmonic.place / "stderr.txt").read_text()
    assert "stopped (SIGINT) with 0 of 1 trials done; the same command continues" in said
    assert "Traceback" not in said
