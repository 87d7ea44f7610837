"""Studies of real, tiny runs, from the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from programs import DEADLINE_S, Programs, known_status, wait_until
from recorded import settled, study_of

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import last_row, read_rows
from harmonic_core.run.status import is_alive

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]

LONG = ["--trials", "1", "--set", "loss.beta_end=0.01", "--epochs"]


def test_trials_are_runs_and_one_that_fails_is_recorded_with_its_reason_and_stops_nothing(
    harmonic: Programs, quick: list[str], studies: Path
) -> None:
    # With this seed the first trial has a beta that the profile cannot work with.
    command = ["tune", *quick, "--trials", "2", "--epochs", "1", "--seed", "8"]
    done = harmonic.run(*command)
    *lines, best, full = done.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["trial-0000: failed", "trial-0001: complete"]
    assert "Beta would fall from 0.005 to 0.001" in lines[0]
    assert best == f"Best of 1 completed: {lines[1]}"

    failed, complete = settled(studies / "quick")
    assert failed.state == TrialState.FAIL
    assert failed.user_attrs["reason"].startswith("refused, exit status 2: ")
    run = RunDirectory(studies / "quick" / complete.user_attrs["run"])
    row = last_row(run.metrics, "epoch")
    assert row is not None
    assert (complete.value, complete.user_attrs["kl_nats"]) == (row["val_recon_db"], row["val_kl_nats"])
    status = json.loads(harmonic.run("status", f"output/tuning/quick/{run.name}", "--json").stdout)
    assert (status["state"], status["epoch"]) == ("finished", 1)
    assert full.startswith("harmonic train ./quick.toml --set data.demo_minutes=0.5 ")
    assert full.endswith(f" --set train.learning_rate={complete.params['train.learning_rate']}")
    assert "--epochs" not in full

    again = harmonic.run(*command)
    assert again.stdout.splitlines() == [best, full]
    assert "2 of 2 trials done" in again.stderr


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


def test_a_trial_worse_than_most_is_pruned_and_its_trainer_stopped(
    harmonic: Programs, quick: list[str], studies: Path
) -> None:
    """Five trials that did far better stand in the study already."""
    # Longer epochs: the supervisor, which writes to the disk after each, has to keep up.
    slow = ["--set", "train.batch_size=2"]
    command = ["tune", *quick, *slow, "--set", "loss.beta_end=0.01", "--epochs", "200"]
    harmonic.run(*command, "--timeout", "0")
    better = {"model.latent_dim": 64, "train.learning_rate": 1e-3}
    distributions = {
        "model.latent_dim": optuna.distributions.CategoricalDistribution((64, 128, 256)),
        "train.learning_rate": optuna.distributions.FloatDistribution(1e-4, 2e-3, log=True),
    }
    study = study_of(studies / "quick")
    for _ in range(5):
        study.add_trial(
            optuna.create_trial(
                value=0.1,
                params=better,
                distributions=distributions,
                intermediate_values={50: 0.1},
                user_attrs={"outcome": "complete"},
            )
        )
    done = harmonic.run(*command, "--trials", "6")
    assert done.stdout.startswith("trial-0005: pruned  ")
    assert "after epoch 50" in done.stdout
    trial = settled(studies / "quick")[-1]
    assert trial.state == TrialState.PRUNED
    assert trial.value == trial.intermediate_values[50]
    status = known_status(RunDirectory(studies / "quick" / "trial-0005"))
    assert status.state == "stopped"
    assert status.epoch < 200
