"""A whole run, small: what it leaves behind and whether it can be believed."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import ExitCode, RunError
from harmonic_core.profile.resolve import load
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.metrics import FIELDS, HEARD_FIELDS, VALIDATION_FIELDS, describe
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import read_rows
from harmonic_core.run.samples import read_samples, sample_path, sample_steps
from harmonic_core.run.status import read_status
from harmonic_core.training.checkpoint import checkpoint_steps, open_checkpoint
from harmonic_core.training.weights import read_export

STEPS = EPOCHS * STEPS_PER_EPOCH


def rows(run: RunDirectory, kind: str) -> list[dict[str, Any]]:
    return [row for row in read_rows(run.metrics) if row["kind"] == kind]


def test_there_is_a_row_every_interval_and_one_every_epoch(finished: RunDirectory) -> None:
    assert [row["step"] for row in rows(finished, "step")] == list(range(2, STEPS + 1, 2))
    assert [(row["epoch"], row["step"]) for row in rows(finished, "epoch")] == [
        (epoch, epoch * STEPS_PER_EPOCH) for epoch in range(1, EPOCHS + 1)
    ]


def test_every_figure_that_is_written_is_described_and_every_described_one_is_written(finished: RunDirectory) -> None:
    written = {field for row in read_rows(finished.metrics) for field in row}
    only_with_a_weight = {*HEARD_FIELDS, *(f"val_{field}" for field in HEARD_FIELDS)}
    assert written == (FIELDS.keys() | {f"val_{field}" for field in VALIDATION_FIELDS}) - only_with_a_weight
    assert all(describe(field) for field in written)
    assert rows(finished, "step")[0].keys() < rows(finished, "epoch")[0].keys()
    with pytest.raises(KeyError):
        describe("val_grad_norm")


def test_all_figures_are_finite_and_agree_with_one_another(finished: RunDirectory) -> None:
    profile = load(finished.profile)
    for row in read_rows(finished.metrics):
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        # Beta rises by 5e-4 an epoch, and the row has its last value where the loss has the mean.
        assert row["loss"] == pytest.approx(row["recon"] + row["beta"] * row["kl"], rel=1e-5, abs=5e-4 * row["kl"])
        assert row["recon_db"] == pytest.approx(row["recon"] * profile.audio.dynamic_range_db, rel=1e-4)
        assert row["kl_nats"] == pytest.approx(row["kl"] * profile.model.latent_dim, rel=1e-6)
        assert row["kl_bits_per_s"] == pytest.approx(row["kl_nats"] / math.log(2) / profile.data.segment_length)
        assert row["beta_per_nat"] == pytest.approx(row["beta"] / profile.model.latent_dim)
    for row in rows(finished, "epoch"):
        assert row["val_loss"] == pytest.approx(row["val_recon"] + row["beta"] * row["val_kl"], rel=1e-4)
        assert sum(row["kl_per_dim"]) == pytest.approx(row["val_kl_nats"], abs=1e-4)
        assert 0 <= row["sparsity"] <= 1
        assert 0 <= row["active_units"] <= profile.model.latent_dim


def test_each_epoch_prints_its_line_and_its_parts_add_up(finished: RunDirectory) -> None:
    line = re.compile(
        r"^Epoch (\d+)/3, Train Loss: \d\.\d{4}, Val Loss: (\d\.\d{4}), Recon: (\d\.\d{4}), KL: (\d\.\d{4}), "
        r"LR: 0\.\d+$",
        re.MULTILINE,
    )
    found = line.findall(finished.console_log.read_text(encoding="utf-8"))
    assert [int(epoch) for epoch, *_ in found] == [1, 2, 3]
    for _, loss, recon, kl in found:
        assert float(recon) + float(kl) == pytest.approx(float(loss), abs=1.6e-4)


def test_lines_go_to_stdout_and_the_rest_to_stderr(
    tmp_path: Path, train_in: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    train_in(tmp_path / "run", "train.epochs=1", "output.checkpoint_every=9")
    out, err = capsys.readouterr()
    assert re.fullmatch(r"Epoch 1/1, .*\n", out)
    assert "device cpu" in err
    assert "mean spectrum" in err


def test_the_last_status_tells_how_it_ended(finished: RunDirectory) -> None:
    status = read_status(finished.status)
    assert status is not None
    assert (status.state, status.exit_code, status.step, status.epoch) == ("finished", 0, STEPS, EPOCHS)
    assert status.progress == 1.0
    assert status.best is not None
    assert status.best.val_recon_db == min(row["val_recon_db"] for row in rows(finished, "epoch"))
    assert status.mean_spectrum_db == rows(finished, "epoch")[-1]["mean_spectrum_db"] > 0
    assert status.device.kind == "cpu"
    assert status.device.resident_bytes
    assert "best validation error" in status.message


def test_only_the_newest_checkpoints_stay_and_each_is_whole(finished: RunDirectory) -> None:
    assert checkpoint_steps(finished) == [4, 8, 12]
    assert len(list(finished.checkpoints.iterdir())) == 3
    assert [open_checkpoint(finished.checkpoints / f"step-{step:08d}").step for step in (8, 12)] == [8, 12]


def test_exports_are_read_without_pickle_and_hold_the_profile(finished: RunDirectory) -> None:
    for label in ("epoch_1", "epoch_2", "epoch_3", "best"):
        export = torch.load(finished.export(label), weights_only=True)
        assert export["model"].keys() == read_export(finished.export(label))["model"].keys()
        assert "[audio]" in export["profile"]
    assert read_export(finished.export("epoch_2"))["step"] == 8
    last = open_checkpoint(finished.checkpoints / "step-00000012").weights()
    assert all(
        torch.equal(last[name], tensor) for name, tensor in read_export(finished.export("epoch_3"))["model"].items()
    )


def test_sounds_are_there_for_every_step_with_the_right_length_and_not_silent(finished: RunDirectory) -> None:
    assert sample_steps(finished) == [4, 8, 12]
    for step in sample_steps(finished):
        samples = read_samples(finished, step)
        assert [(each.kind, each.index) for each in samples] == [
            ("prior", 0),
            ("prior", 1),
            ("reconstruction", 0),
            ("reconstruction", 1),
        ]
        for sample in samples:
            assert len(sample.envelope) == 48
            for take in sample.files:
                sound, rate = soundfile.read(sample_path(finished, sample, take))
                assert (len(sound), rate) == (8_000, 8_000)
                assert 10 * np.log10(np.mean(sound**2)) == pytest.approx(sample.level_db[take], abs=0.1)
                assert sample.level_db[take] > -60


def test_the_same_items_are_rendered_at_every_step(finished: RunDirectory) -> None:
    first, last = (read_samples(finished, step)[-1] for step in (4, 12))
    assert first.title == last.title
    for take, same in (("original", True), ("decoded", True), ("reconstruction", False)):
        before, after = (
            sample_path(finished, each, take).read_bytes()  # type: ignore[arg-type]
            for each in (first, last)
        )
        assert (before == after) is same
    assert last.recon_db is not None
    assert last.decoded_db is not None


def test_events_tell_the_story(finished: RunDirectory) -> None:
    events = read_rows(finished.events)
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "phase"
    assert (kinds.count("checkpoint"), kinds.count("sample")) == (4, 3)
    assert "failure" not in kinds
    assert all(event["time"] > 0 and event["message"] for event in events)


def test_the_directory_says_what_ran_and_where_it_came_from(finished: RunDirectory) -> None:
    profile = load(finished.profile)
    assert profile.train.epochs == EPOCHS
    assert profile.output.output_dir is None
    (start,) = read_starts(finished)
    assert start["values"]["train.epochs"] == "--set"
    assert start["values"]["train.grad_clip"] == "default"
    assert start["device"]["kind"] == "cpu"


def test_a_finished_directory_is_not_trained_over(finished: RunDirectory, train_in: Train) -> None:
    before = finished.metrics.read_bytes()
    with pytest.raises(RunError, match="already here"):
        train_in(finished.path)
    assert finished.metrics.read_bytes() == before


def test_without_validation_there_are_no_validation_figures_and_no_best(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, "train.epochs=1", "data.validation_split=0") == ExitCode.OK
    (row,) = rows(run, "epoch")
    assert not [field for field in row if field.startswith("val_")]
    assert "Val Loss: n/a" in run.console_log.read_text(encoding="utf-8")
    assert not run.export("best").exists()
    assert [each.kind for each in read_samples(run, row["step"])] == ["prior", "prior"]


@pytest.mark.parametrize(
    "setting",
    ["train.mixed_precision=true", "model.architecture=dense", "loss.reconstruction=mse", "model.latent_frames=4"],
)
def test_other_ways_to_train_run_to_the_end(tmp_path: Path, train_in: Train, setting: str) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, "train.epochs=1", setting) == ExitCode.OK
    (row,) = rows(run, "epoch")
    assert math.isfinite(row["val_loss"])


@pytest.mark.parametrize(("principal", "share"), [("false", 0.8), ("true", 0.98)])
def test_training_learns(tmp_path: Path, train_in: Train, principal: str, share: float) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(
        run.path,
        "train.epochs=20",
        "output.checkpoint_every=20",
        "train.learning_rate=5e-3",
        "data.validation_split=0",
        f"model.principal_components={principal}",
    )
    losses = [row["recon"] for row in rows(run, "epoch")]
    assert np.mean(losses[-3:]) < share * losses[0]


def test_tensorboard_gets_the_same_figures(tmp_path: Path, train_in: Train) -> None:
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "train.epochs=1", "output.use_tensorboard=true")
    board = EventAccumulator(str(run.logs))
    board.Reload()
    (row,) = rows(run, "epoch")
    (loss,) = board.Scalars("epoch/val_loss")
    assert (loss.step, loss.value) == (row["step"], pytest.approx(row["val_loss"]))
    assert len(board.Scalars("step/loss")) == 2


def test_music_that_is_refused_is_named_and_the_rest_is_trained_on(tmp_path: Path, train_in: Train) -> None:
    music = tmp_path / "music"
    music.mkdir()
    generator = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        soundfile.write(music / f"{name}.wav", 0.1 * generator.standard_normal(24_000), 8_000)
    soundfile.write(music / "short.wav", np.zeros(2_000), 8_000)
    (music / "caf\udce9.mp3").write_bytes(b"not music")
    run = RunDirectory(tmp_path / "run")
    code = train_in(run.path, "train.epochs=1", "data.dataset=custom", f"data.custom_dir={music}")
    assert code == ExitCode.OK
    refused = {event["title"]: event["message"] for event in read_rows(run.events) if event["kind"] == "refused"}
    assert refused.keys() == {"short.wav", "caf\udce9.mp3"}
    assert "0.25 s long" in refused["short.wav"]
    log = run.console_log.read_text(encoding="utf-8")
    assert "refused: short.wav" in log
    assert "refused: caf\\udce9.mp3" in log


def test_a_manifest_covers_every_file_of_a_checkpoint(finished: RunDirectory) -> None:
    folder = finished.checkpoints / "step-00000012"
    hashes = json.loads((folder / "MANIFEST.json").read_text())["sha256"]
    assert hashes.keys() == {path.name for path in folder.iterdir()} - {"MANIFEST.json"}


EARS = tuple(
    f"loss.{weight}"
    for weight in ("perceptual_weight=0.5", "multi_scale_weight=0.5", "harmony_weight=0.05", "sparsity_weight=0.01")
)


def test_terms_that_know_of_ears_and_music_are_told_where_they_have_a_weight(
    tmp_path: Path, train_in: Train, finished: RunDirectory
) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, *EARS, "model.principal_components=false") == ExitCode.OK
    told = {"perceptual_db", "multi_scale_db", "harmony"}
    for row in rows(run, "epoch"):
        assert all(row[name] > 0 and row[f"val_{name}"] > 0 for name in told)
        assert row["val_loss"] > row["val_recon"] > row["val_recon_db"] / 80
    assert told <= rows(run, "step")[0].keys()
    assert not told & rows(finished, "step")[0].keys()
    assert rows(run, "epoch")[-1]["val_perceptual_db"] < rows(run, "epoch")[0]["val_perceptual_db"]
