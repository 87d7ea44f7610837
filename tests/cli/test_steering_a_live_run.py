"""A real trainer, told by the command line what to do."""

from __future__ import annotations

import json
import signal

import pytest
from programs import DEADLINE_S, Programs, known_status, wait_until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.samples import read_samples, sample_steps

pytestmark = pytest.mark.slow

ENDLESS = ["--epochs", "100000", "--checkpoint-every", "100000", "--batch-size", "4"]


def is_done(command: str, run: RunDirectory) -> bool:
    """Whether the trainer answered that it did what was asked for."""
    return any((row["kind"], row["message"]) == ("control", command) and row["obeyed"] for row in read_rows(run.events))


def test_a_run_is_paused_resumed_saved_heard_and_stopped_from_outside(harmonic: Programs, tiny: list[str]) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS)
    follower = harmonic.start("status", "live", "--follow", "--json")
    follower_lines = iter(follower.stdout or [])

    harmonic.run("control", "live", "pause")
    seen = next(status for status in map(json.loads, follower_lines) if status["state"] == "paused")
    assert seen["why"] == "by command"

    # What is asked of a paused run is not done behind its back, and not forgotten.
    step = known_status(run).step
    harmonic.run("control", "live", "resume")
    seen = next(status for status in map(json.loads, follower_lines) if status["state"] == "training")
    wait_until(lambda: known_status(run).step > step, "it goes on after the pause")

    harmonic.run("control", "live", "checkpoint")
    wait_until(lambda: is_done("checkpoint", run), "a checkpoint is written")
    written = [row["step"] for row in read_rows(run.events) if row["kind"] == "checkpoint"]
    assert next(row["step"] for row in read_rows(run.events) if row["message"] == "checkpoint") in written

    harmonic.run("control", "live", "sample")
    wait_until(lambda: is_done("sample", run), "sounds are written")
    (step,) = sample_steps(run)
    assert [sample.kind for sample in read_samples(run, step)] == ["prior", "reconstruction"]

    harmonic.run("control", "live", "stop")
    assert process.wait(DEADLINE_S) == 0
    ended = known_status(run)
    assert ended.state == "stopped"
    assert "--resume-from runs/live" in ended.message
    assert (run.checkpoints / f"step-{ended.step:08d}").is_dir()

    *_, last = follower_lines
    assert json.loads(last)["state"] == "stopped"
    assert follower.wait(DEADLINE_S) == 0
    obeyed = [row["message"] for row in read_rows(run.events) if row["kind"] == "control"]
    assert obeyed == ["pause", "resume", "checkpoint", "sample", "stop"]
    assert list(run.control.iterdir()) == []


def test_a_paused_run_can_be_stopped(harmonic: Programs, tiny: list[str]) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS)
    harmonic.run("control", "live", "pause")
    wait_until(lambda: known_status(run).state == "paused", "it pauses")
    harmonic.run("control", "live", "stop")
    assert process.wait(DEADLINE_S) == 0
    assert known_status(run).state == "stopped"


def test_values_are_changed_from_outside_recorded_and_kept_when_the_run_goes_on(
    harmonic: Programs, tiny: list[str]
) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS, "--set", "train.log_every=1")
    harmonic.run("control", "live", "learning-rate", "2e-4")
    harmonic.run("control", "live", "beta", "0.75")
    harmonic.run("control", "live", "augment-strength", "0.5")
    harmonic.run("control", "live", "epochs", "+100000")
    wait_until(lambda: len(known_status(run).steered) == 4, "all of it is in force")
    assert known_status(run).steered == {
        "learning_rate": 2e-4,
        "beta": 0.75,
        "augment_strength": 0.5,
        "epochs": 200000.0,
    }
    assert (known_status(run).epochs, known_status(run).in_force["epochs"]) == (200000, 200000.0)
    told = [row for row in read_rows(run.events) if row["kind"] == "control"]
    assert [(row["command"], row["by"], row["obeyed"], row["after"]) for row in told[-3:]] == [
        ("beta", "command line", True, 0.75),
        ("augment-strength", "command line", True, 0.5),
        ("epochs", "command line", True, 200000.0),
    ]
    assert (
        "by hand: learning rate 0.0002, beta 0.75, augmentation 0.5, epochs 200000"
        in harmonic.run("status", "live").stdout
    )
    harmonic.run("control", "live", "stop")
    assert process.wait(DEADLINE_S) == 0

    # As it is, and with what was asked for repeated: neither is another training than it was.
    harmonic.run("train", "--resume-from", "runs/live", "--epochs", "150000", expect=2)
    for flags in ((), ("--epochs", "200000")):
        again = harmonic.start("train", "--resume-from", "runs/live", *flags)
        step = known_status(run).step
        wait_until(
            lambda step=step: known_status(run).step > step and known_status(run).state == "training", "it goes on"
        )
        assert known_status(run).epochs == 200000
        assert known_status(run).in_force["beta"] == 0.75
        again.terminate()
        assert again.wait(DEADLINE_S) == 143


def test_one_run_has_one_trainer(harmonic: Programs, tiny: list[str]) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS)
    origin = run.origin.read_text()

    taken = harmonic.run("train", "demo", *tiny, "--output-dir", "runs/live", expect=1)
    assert "runs/live: a run is already here" in taken.stderr
    second = harmonic.run("train", "--resume-from", "runs/live", expect=1)
    assert f"another trainer (process {process.pid}) works on this run" in second.stderr
    assert "harmonic-tui runs/live" in second.stderr

    assert run.origin.read_text() == origin
    assert known_status(run).pid == process.pid
    process.terminate()
    assert process.wait(DEADLINE_S) == 143


def test_a_killed_trainer_is_seen_as_lost_and_its_run_is_free_again(harmonic: Programs, tiny: list[str]) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS)
    harmonic.run("control", "live", "checkpoint")
    wait_until(lambda: is_done("checkpoint", run), "a checkpoint is written")
    process.kill()
    process.wait()
    assert harmonic.run("status", "live").stdout.startswith("runs/live: lost")
    assert "--resume-from runs/live" in harmonic.run("control", "live", "stop", expect=1).stderr

    harmonic.run("train", "--resume-from", "runs/live", "--epochs", "1", "--allow-changes")
    assert known_status(run).state == "finished"


def test_what_a_trainer_did_not_live_to_do_is_not_done_by_the_next(harmonic: Programs, tiny: list[str]) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS)
    harmonic.run("control", "live", "checkpoint")
    wait_until(lambda: is_done("checkpoint", run), "a checkpoint is written")
    process.send_signal(signal.SIGSTOP)
    harmonic.run("control", "live", "stop")
    process.kill()
    process.wait()
    step = known_status(run).step

    def told() -> list[tuple[bool, str]]:
        return [(row["obeyed"], row["why"]) for row in read_rows(run.events) if row.get("command") == "stop"]

    again = harmonic.start("train", "--resume-from", "runs/live")
    # The checkpoint may be ahead of what the killed trainer had said last, so a higher step alone tells nothing.
    wait_until(told, "what was sent to the other is spoken of")
    wait_until(lambda: known_status(run).step > step, "it goes on")
    assert told() == [(False, "sent to an earlier start of the run")]
    assert list(run.control.iterdir()) == []
    again.terminate()
    assert again.wait(DEADLINE_S) == 143


def test_whoever_stops_watching_does_not_stop_the_run(harmonic: Programs, tiny: list[str]) -> None:
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *ENDLESS)
    assert process.stdout is not None
    process.stdout.close()
    epoch = known_status(run).epoch
    wait_until(lambda: known_status(run).epoch > epoch + 1, "it goes on without a reader")
    watcher = harmonic.start("status", "live", "--follow")
    assert watcher.stdout is not None
    assert watcher.stdout.readline().startswith("runs/live: training")
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(DEADLINE_S) == 130
    assert process.poll() is None
    process.terminate()
    assert process.wait(DEADLINE_S) == 143
