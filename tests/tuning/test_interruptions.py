"""Whatever ends a study, the same command goes on with it; shown on trainers that train nothing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import optuna
import psutil
import pytest
from programs import DEADLINE_S, Programs, wait_until
from recorded import settled, study_of

from harmonic_core.run.studies import read_study

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]


@pytest.fixture
def gate(stubbed: Programs, tmp_path: Path) -> Path:
    """While it is there, trials stay after their first epoch."""
    gate = tmp_path / "gate"
    stubbed.environment["STUB_GATE"] = str(gate)
    return gate


def parameters(directory: Path) -> list[dict[str, object]]:
    """What each trial was given, in the order in which they were begun."""
    trials = sorted(settled(directory), key=lambda trial: trial.user_attrs.get("first_number", trial.number))
    return [trial.params for trial in trials]


def test_the_same_trials_come_of_a_study_that_was_killed_again_and_again(
    stubbed: Programs, studies: Path, gate: Path
) -> None:
    # More than the ten that chance alone chooses.
    command = ["tune", "demo", "--trials", "13", "--pruner", "none"]
    stubbed.run(*command, "--study", "whole")
    stubbed.run("tune", "demo", "--trials", "11", "--pruner", "none", "--study", "parts")
    for number, with_its_trainer in ((11, False), (12, True)):
        gate.touch()
        supervisor = stubbed.start(*command, "--study", "parts")
        run = studies / "parts" / f"trial-{number + number - 11:04d}"
        wait_until(lambda run=run: any(run.glob("checkpoints/step-*")), "the trial trains")
        (trainer,) = psutil.Process(supervisor.pid).children()
        supervisor.kill()
        supervisor.wait()
        if with_its_trainer:
            trainer.kill()
        gate.unlink()
        done = stubbed.run("tune", "demo", "--trials", f"{number + 1}", "--pruner", "none", "--study", "parts")
        assert f"{number} of {number + 1} trials done, 1 interrupted before and to be continued" in done.stderr
        assert len((run / "starts").read_text().split()) == 2
    assert parameters(studies / "parts") == parameters(studies / "whole")
    study = read_study(studies / "parts")
    assert study is not None
    assert [trial.retry_of for trial in study.trials if trial.retry_of is not None] == [11, 13]
    assert len(study.trials) == 13


def test_a_trainer_that_is_killed_is_a_failed_trial_and_ends_nothing(
    stubbed: Programs, studies: Path, gate: Path
) -> None:
    gate.touch()
    supervisor = stubbed.start("tune", "demo", "--trials", "2")
    wait_until(lambda: any(studies.glob("demo/trial-0000/checkpoints/step-*")), "the first trial trains")
    (trainer,) = psutil.Process(supervisor.pid).children()
    trainer.kill()
    gate.unlink()
    assert supervisor.wait(DEADLINE_S) == 0
    killed, other = settled(studies / "demo")
    assert killed.user_attrs["outcome"] == "failed"
    assert killed.user_attrs["reason"].startswith("killed by SIGKILL")
    assert other.user_attrs["outcome"] == "complete"


def test_workers_whose_leader_is_killed_leave_their_trials_to_whoever_comes_next(
    stubbed: Programs, studies: Path, gate: Path
) -> None:
    gate.touch()
    command = ["tune", "demo", "--trials", "5", "--workers", "2", "--pruner", "none"]
    leader = stubbed.start(*command)
    wait_until(lambda: len(list(studies.glob("demo/trial-*/checkpoints/step-*"))) == 2, "two trials train")
    workers = psutil.Process(leader.pid).children()
    leader.kill()
    leader.wait()
    psutil.wait_procs(workers, DEADLINE_S)
    assert not any(each.is_running() for each in workers)
    gate.unlink()
    done = stubbed.run(*command)
    assert "0 of 5 trials done, 2 interrupted before and to be continued" in done.stderr
    assert len(settled(studies / "demo")) == 5


def test_a_leader_that_has_no_worker_left_says_so_and_fails(stubbed: Programs, studies: Path, gate: Path) -> None:
    gate.touch()
    command = ["tune", "demo", "--trials", "4", "--workers", "2", "--pruner", "none"]
    leader = stubbed.start(*command)
    wait_until(lambda: len(list(studies.glob("demo/trial-*/checkpoints/step-*"))) == 2, "two trials train")
    for worker in psutil.Process(leader.pid).children():
        worker.suspend()
    # None may take up what the other one leaves.
    for worker in psutil.Process(leader.pid).children():
        worker.kill()
    assert leader.wait(DEADLINE_S) == 1
    said = (stubbed.place / "stderr.txt").read_text()
    assert "; none is left\n" in said
    assert "stopped (no worker is left) with 0 of 4 trials done; the same command continues" in said
    study = read_study(studies / "demo")
    assert study is not None
    assert (study.state, study.message) == ("stopped", "no worker is left")
    gate.unlink()
    assert "0 of 4 trials done, 2 interrupted before and to be continued" in stubbed.run(*command).stderr
    assert len(settled(studies / "demo")) == 4


def test_a_signal_to_the_leader_stops_all_workers_in_good_order(stubbed: Programs, studies: Path, gate: Path) -> None:
    gate.touch()
    leader = stubbed.start("tune", "demo", "--trials", "5", "--workers", "2")
    wait_until(lambda: len(list(studies.glob("demo/trial-*/checkpoints/step-*"))) == 2, "two trials train")
    workers = psutil.Process(leader.pid).children()
    leader.send_signal(signal.SIGTERM)
    assert leader.wait(DEADLINE_S) == 143
    assert not any(each.is_running() for each in workers)
    study = read_study(studies / "demo")
    assert study is not None
    assert (study.state, study.message, study.workers) == ("stopped", "SIGTERM", ())
    assert [trial.state for trial in study.trials] == ["interrupted", "interrupted"]
    assert "stopped (SIGTERM) with 0 of 5 trials done" in (stubbed.place / "stderr.txt").read_text()


def test_a_trial_whose_supervisors_are_lost_twice_is_given_up_and_ends_nothing(
    stubbed: Programs, studies: Path, gate: Path
) -> None:
    gate.touch()
    leader = stubbed.start("tune", "demo", "--trials", "3", "--workers", "3", "--pruner", "none")
    runs = [studies / "demo" / f"trial-{number:04d}" for number in range(3)]
    wait_until(lambda: all(any(run.glob("checkpoints/step-*")) for run in runs), "three trials train")

    def supervisor_of(run: Path, start: int) -> psutil.Process:
        wait_until(lambda: len((run / "starts").read_text().split()) > start, "it is begun again")
        return psutil.Process(psutil.Process(int((run / "starts").read_text().split()[start])).ppid())

    supervisor_of(runs[0], 0).kill()
    # Only a worker that is done with its own takes it up.
    os.kill(int((runs[1] / "starts").read_text()), signal.SIGKILL)
    supervisor_of(runs[0], 1).kill()
    gate.unlink()
    assert leader.wait(DEADLINE_S) == 0
    study = read_study(studies / "demo")
    assert study is not None
    assert sorted(trial.state for trial in study.trials) == ["complete", "failed", "failed"]
    assert any("was lost, and once more" in trial.reason for trial in study.trials)


def test_trials_that_run_out_of_memory_are_recorded_as_that(stubbed: Programs, studies: Path) -> None:
    space = "tune.space={batch_size=[13, 16], learning_rate=[1e-3, 1e-4]}"
    done = stubbed.run("tune", "demo", "--strategy", "grid", "--set", space)
    assert done.stdout.count("failed") == 2
    assert "out of memory, exit status 4: out of memory (a stub's); halve it" in done.stdout
    study = read_study(studies / "demo")
    assert study is not None
    assert (study.state, len(study.trials)) == ("finished", 4)


def test_a_trial_worse_than_most_is_given_up_and_its_trainer_stopped(
    stubbed: Programs, studies: Path, gate: Path
) -> None:
    """Five trials that did far better stand in the study already."""
    stubbed.run("tune", "demo", "--timeout", "0")
    study = study_of(studies / "demo")
    known = {"outcome": "complete", "recon_db": 0.1, "mel_fd": 1.0, "curve": [[1, 0.1]]}
    for _ in range(5):
        study.add_trial(optuna.create_trial(values=[0.1, 1.0], user_attrs=known))
    # It would stay after its first epoch for ever.
    gate.touch()
    done = stubbed.run("tune", "demo", "--trials", "6")
    assert done.stdout.startswith("trial-0005: pruned  ")
    assert "after epoch 1" in done.stdout
    status = json.loads((studies / "demo" / "trial-0005" / "status.json").read_text())
    assert status["state"] == "stopped"
    written = read_study(studies / "demo")
    assert written is not None
    assert (written.trials[5].state, written.trials[5].values["mel_fd"]) == ("pruned", None)
    assert written.trials[5].values["recon_db"] is not None
