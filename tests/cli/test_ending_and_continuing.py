"""How a real trainer ends on a signal, and goes on where it was."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest
import soundfile
from programs import DEADLINE_S, Programs, known_status

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import read_rows

pytestmark = pytest.mark.slow


def interrupted(harmonic: Programs, tiny: list[str], number: signal.Signals) -> tuple[RunDirectory, int]:
    """Train for five epochs, send a signal, and give the run and the exit status."""
    long = ["--epochs", "100000", "--checkpoint-every", "100000", "--batch-size", "4", "--set", "train.log_every=1"]
    process, run = harmonic.start_training("runs/live", "demo", *tiny, *long)
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline().startswith("Epoch ")
    process.send_signal(number)
    process.stdout.read()
    return run, process.wait(DEADLINE_S)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)], ids=["SIGINT", "SIGHUP"])
def test_a_signal_ends_the_step_writes_a_checkpoint_and_tells_its_name(
    harmonic: Programs, tiny: list[str], number: signal.Signals, code: int
) -> None:
    run, exit_code = interrupted(harmonic, tiny, number)
    assert exit_code == code
    status = known_status(run)
    assert (status.state, status.exit_code) == ("stopped", code)
    assert number.name in status.message
    assert (run.checkpoints / f"step-{status.step:08d}" / "MANIFEST.json").is_file()
    kinds = [row["kind"] for row in read_rows(run.events)]
    # A good moment may have been saved just before.
    assert sorted(kinds[-2:]) == ["checkpoint", "signal"]
    assert "failure" not in kinds


def test_a_stopped_run_goes_on_at_its_step_and_no_row_comes_twice(harmonic: Programs, tiny: list[str]) -> None:
    run, exit_code = interrupted(harmonic, tiny, signal.SIGTERM)
    assert exit_code == 143
    assert known_status(run).message.startswith("SIGTERM received")
    stopped_at = known_status(run).step
    epochs = known_status(run).epoch + 3

    done = harmonic.run("train", "--resume-from", "runs/live", "--epochs", str(epochs), "--allow-changes")
    assert f"at step {stopped_at}," in done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"Epoch {epochs}/{epochs}, ")
    status = known_status(run)
    assert (status.state, status.epoch, status.step) == ("finished", epochs, status.total_steps)

    rows = read_rows(run.metrics)
    steps = [row["step"] for row in rows if row["kind"] == "step"]
    assert steps == list(range(1, status.total_steps + 1))
    assert [row["epoch"] for row in rows if row["kind"] == "epoch"] == list(range(1, epochs + 1))

    starts = read_starts(run)
    assert [start["resumed_from"] for start in starts] == [None, "runs/live"]
    assert "resume" in [row["kind"] for row in read_rows(run.events)]


def test_a_finished_run_can_be_continued_from_an_earlier_checkpoint(harmonic: Programs, tiny: list[str]) -> None:
    harmonic.run("train", "demo", *tiny, "--epochs", "4", "--checkpoint-every", "2", "--name", "mine")
    run = RunDirectory(harmonic.place / "runs" / "mine")
    # Between them, good moments are saved when there is time.
    first, *_, last = sorted(run.checkpoints.glob("step-*"))
    harmonic.run("train", "--resume-from", f"runs/mine/checkpoints/{first.name}")
    assert [row["epoch"] for row in read_rows(run.metrics) if row["kind"] == "epoch"] == [1, 2, 3, 4]
    assert last.is_dir()
    assert known_status(run).state == "finished"


def test_a_new_run_can_begin_with_the_weights_of_another(harmonic: Programs, tiny: list[str]) -> None:
    harmonic.run("train", "demo", *tiny, "--epochs", "1", "--output_dir", "output/base")
    base = (harmonic.place / "output/base/metrics.jsonl").read_bytes()
    done = harmonic.run(
        *("train", "demo", *tiny, "--epochs", "1", "--name", "tuned"),
        *("--resume_from", "output/base/harmonic_vae_best.pt"),
    )
    assert "beginning with the weights of output/base/harmonic_vae_best.pt" in done.stderr
    assert (harmonic.place / "output/base/metrics.jsonl").read_bytes() == base
    status = json.loads(harmonic.run("status", "tuned", "--json").stdout)
    assert (status["state"], status["epoch"]) == ("finished", 1)


def test_weights_of_another_shape_are_refused_in_words(harmonic: Programs, tiny: list[str]) -> None:
    harmonic.run("train", "demo", *tiny, "--epochs", "1", "--output-dir", "output/base")
    refused = harmonic.run(
        *("train", "demo", *tiny, "--latent-dim", "4", "--output-dir", "output/other"),
        *("--resume-from", "output/base/harmonic_vae_best.pt"),
        expect=1,
    )
    assert refused.stderr.splitlines()[-1].startswith("harmonic: output/base/harmonic_vae_best.pt")
    assert known_status(RunDirectory(harmonic.place / "output/other")).state == "failed"


def test_a_run_named_with_other_music_begins_a_new_one_and_stays_as_it_is(harmonic: Programs, tiny: list[str]) -> None:
    harmonic.run("train", "demo", *tiny, "--epochs", "1", "--name", "base")
    before = read_rows(harmonic.place / "runs/base/metrics.jsonl")
    folder = harmonic.place / "music/folk"
    folder.mkdir(parents=True)
    for number in range(3):
        tone = 0.3 * np.sin(np.arange(22050 * 4) * 2 * np.pi * 110 * (number + 2) / 22050)
        soundfile.write(folder / f"{number}.wav", tone, 22050)
    harmonic.run("train", "custom", *tiny, "--epochs", "1", "--custom-dir", "music", "--resume-from", "runs/base")
    assert read_rows(harmonic.place / "runs/base/metrics.jsonl") == before
    (tuned,) = (path for path in (harmonic.place / "runs").iterdir() if path.name.startswith("custom-"))
    assert known_status(RunDirectory(tuned)).state == "finished"
