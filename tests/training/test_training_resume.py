"""Going on: exactly where it was, from whatever is whole, or from the weights of another run."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from same_runs import assert_same
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import ExitCode, HarmonicError, RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import read_status
from harmonic_core.training import archive, loop
from harmonic_core.training.checkpoint import checkpoint_steps, newest_checkpoint
from harmonic_core.training.update import update_weights
from harmonic_core.training.weights import read_export

STEPS = EPOCHS * STEPS_PER_EPOCH


@pytest.fixture
def signal_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, signal.Signals], None]:
    """Sends this process a signal right after the update that makes it step N."""

    def arrange(step: int, number: signal.Signals) -> None:

        def update_and_signal(state: Any, *arguments: Any, **named: Any) -> bool:
            made = update_weights(state, *arguments, **named)
            if state.step == step:
                signal.raise_signal(number)
            return made

        monkeypatch.setattr(loop, "update_weights", update_and_signal)

    return arrange


def comparable(run: RunDirectory) -> list[dict[str, Any]]:
    """Rows without the two figures that are measured by the clock."""
    clock = {"time", "segments_per_s"}
    return [{field: row[field] for field in row if field not in clock} for row in read_rows(run.metrics)]


def logged(run: RunDirectory) -> str:
    return run.console_log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_after_the_step_with_a_checkpoint_and_its_own_exit_code(
    tmp_path: Path, train_in: Train, signal_at: Callable[..., None], number: signal.Signals, code: int
) -> None:
    run = RunDirectory(tmp_path / "run")
    handler = signal.getsignal(number)
    signal_at(3, number)
    assert train_in(run.path) == code
    assert checkpoint_steps(run) == [0, 3]
    status = read_status(run.status)
    assert status is not None
    assert (status.state, status.exit_code) == ("stopped", code)
    assert "--resume-from" in status.message
    assert signal.getsignal(number) is handler


@pytest.mark.parametrize("step", [1, 4, 5, 10])
def test_an_interrupted_run_ends_with_the_same_bytes_as_one_that_was_not(
    tmp_path: Path,
    train_in: Train,
    finished: RunDirectory,
    signal_at: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    run = RunDirectory(tmp_path / "run")
    signal_at(step, signal.SIGTERM)
    train_in(run.path)
    assert read_status(run.status).step == step  # type: ignore[union-attr]
    monkeypatch.undo()
    assert train_in(run.path, resume_from=run.path) == ExitCode.OK
    for name in ("model.safetensors", "optim.safetensors", "rng.safetensors"):
        ours, theirs = ((each.checkpoints / f"step-{STEPS:08d}" / name).read_bytes() for each in (run, finished))
        assert ours == theirs
    assert comparable(run) == comparable(finished)


def test_a_cut_changes_nothing_where_ears_and_music_have_a_say(
    tmp_path: Path, train_in: Train, signal_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = ("perceptual_weight=0.5", "multi_scale_weight=0.5", "harmony_weight=0.05", "sparsity_weight=0.01")
    settings = tuple(f"loss.{weight}" for weight in weights)
    whole, cut = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "cut")
    assert train_in(whole.path, *settings) == ExitCode.OK
    signal_at(5, signal.SIGTERM)
    train_in(cut.path, *settings)
    monkeypatch.undo()
    assert train_in(cut.path, *settings, resume_from=cut.path) == ExitCode.OK
    assert_same(cut, whole, STEPS)


def test_a_run_of_which_nothing_was_trained_yet_can_be_continued(
    tmp_path: Path, train_in: Train, finished: RunDirectory
) -> None:
    run = RunDirectory(tmp_path / "run")
    run.create()
    (run.control / "1.json").write_text('{"command": "stop"}')
    assert train_in(run.path) == ExitCode.OK
    assert checkpoint_steps(run) == [0]
    train_in(run.path, resume_from=run.path)
    assert comparable(run) == comparable(finished)


def test_more_epochs_go_on_from_the_end(finished: RunDirectory, train_in: Train) -> None:
    assert train_in(finished.path, "train.epochs=4", resume_from=finished.path) == ExitCode.OK
    steps = [row["step"] for row in read_rows(finished.metrics) if row["kind"] == "epoch"]
    assert steps == [4, 8, 12, 16]
    assert [start["resumed_from"] for start in read_starts(finished)] == [None, str(finished.path)]


def test_a_run_that_is_done_stays_as_it_is(finished: RunDirectory, train_in: Train) -> None:
    before = finished.metrics.read_bytes()
    assert train_in(finished.path, resume_from=finished.path) == ExitCode.OK
    assert finished.metrics.read_bytes() == before


def test_an_earlier_checkpoint_forgets_the_rows_after_it_and_repeats_them(
    finished: RunDirectory, train_in: Train
) -> None:
    before = comparable(finished)
    train_in(finished.path, resume_from=finished.checkpoints / "step-00000008")
    assert comparable(finished) == before
    assert "at step 8, epoch 2" in logged(finished)


def test_an_export_brings_back_its_whole_checkpoint_where_that_still_exists(
    finished: RunDirectory, train_in: Train
) -> None:
    before = comparable(finished)
    train_in(finished.path, resume_from=finished.export("epoch_2"))
    assert comparable(finished) == before


def test_an_export_without_its_checkpoint_goes_on_with_a_new_optimiser_and_says_so(
    finished: RunDirectory, train_in: Train
) -> None:
    shutil.rmtree(finished.checkpoints / "step-00000004")
    assert train_in(finished.path, resume_from=finished.export("epoch_1")) == ExitCode.OK
    assert "no optimiser" in logged(finished)
    assert [row["step"] for row in read_rows(finished.metrics)] == [2, 4, 4, 6, 8, 8, 10, 12, 12]


def assert_it_goes_on_with(weights: dict[str, torch.Tensor], run: RunDirectory) -> None:
    """The last epoch, which changed next to nothing, began with these weights."""
    last = read_export(run.export(f"epoch_{EPOCHS}"))["model"]
    for name, tensor in weights.items():
        torch.testing.assert_close(last[name], tensor)


STILL = ("train.learning_rate=1e-12", "train.weight_decay=0")


def test_an_export_of_another_run_brings_its_own_weights_even_where_a_checkpoint_has_its_number(
    tmp_path: Path, finished: RunDirectory, train_in: Train
) -> None:
    other = RunDirectory(tmp_path / "other")
    train_in(other.path, "run.seed=1", "train.epochs=2")
    copied = Path(shutil.copy(other.export("epoch_2"), finished.path / "copied.pt"))
    assert train_in(finished.path, *STILL, resume_from=copied) == ExitCode.OK
    assert "continuing from" in logged(finished)
    assert "copied.pt at step 8, epoch 2; it holds no optimiser" in logged(finished)
    assert "step-00000008: it holds other weights" in logged(finished)
    assert_it_goes_on_with(read_export(copied)["model"], finished)


def test_an_export_of_another_epoch_than_the_checkpoint_of_its_step_is_not_replaced_by_it(
    finished: RunDirectory, train_in: Train
) -> None:
    # What other batches lead to: the same number of updates, fewer epochs.
    export = {**read_export(finished.export("epoch_2")), "step": 12}
    torch.save(export, finished.export("epoch_2"))
    assert train_in(finished.path, *STILL, resume_from=finished.export("epoch_2")) == ExitCode.OK
    assert "harmonic_vae_epoch_2.pt at step 12, epoch 2; it holds no optimiser" in logged(finished)
    assert "step-00000012: it is of epoch 3, not 2" in logged(finished)
    assert_it_goes_on_with(export["model"], finished)


def test_the_export_of_an_average_is_known_by_the_average_in_its_checkpoint(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "train.ema_decay=0.5")
    before = comparable(run)
    train_in(run.path, "train.ema_decay=0.5", resume_from=run.export("epoch_2"))
    assert "step-00000008 at step 8, epoch 2" in logged(run)
    assert comparable(run) == before


@pytest.mark.parametrize("what", ["weights", "music"])
def test_a_start_that_asks_for_the_impossible_leaves_a_finished_run_finished(
    tmp_path: Path, finished: RunDirectory, train_in: Train, what: str
) -> None:
    (tmp_path / "empty").mkdir()
    settings, complaint = {
        "weights": (["model.latent_dim=4"], r"step-00000012: .* of another model.*--output-dir DIR --allow-partial"),
        "music": (["data.dataset=custom", f"data.custom_dir={tmp_path / 'empty'}"], "No valid audio files"),
    }[what]
    status, profile = finished.status.read_bytes(), finished.profile.read_bytes()
    with pytest.raises(HarmonicError, match=complaint):
        train_in(finished.path, *settings, resume_from=finished.path)
    assert finished.status.read_bytes() == status
    assert finished.profile.read_bytes() == profile
    assert read_rows(finished.events)[-1]["kind"] == "failure"
    assert checkpoint_steps(finished) == [4, 8, 12]


def test_another_run_gives_its_weights_and_nothing_else(
    tmp_path: Path, finished: RunDirectory, train_in: Train
) -> None:
    run = RunDirectory(tmp_path / "tuned")
    still = ("train.learning_rate=1e-12", "train.weight_decay=0", "train.epochs=1")
    assert train_in(run.path, *still, resume_from=finished.export("best")) == ExitCode.OK
    source, tuned = read_export(finished.export("best")), read_export(run.export("epoch_1"))
    for name, tensor in source["model"].items():
        torch.testing.assert_close(tuned["model"][name], tensor)
    assert tuned["step"] == STEPS_PER_EPOCH
    assert "beginning with the weights of" in logged(run)


def test_the_checkpoint_of_another_run_gives_its_weights_too(
    tmp_path: Path, finished: RunDirectory, train_in: Train
) -> None:
    assert train_in(tmp_path / "tuned", "train.epochs=1", resume_from=finished.path) == ExitCode.OK
    assert checkpoint_steps(finished) == [4, 8, 12]


def test_weights_of_another_shape_are_refused_with_the_differences(
    tmp_path: Path, finished: RunDirectory, train_in: Train
) -> None:
    differences = r"best\.pt: the weights are of another model: .* is \(.*\) instead of \(.*latent_dim"
    with pytest.raises(RunError, match=differences):
        train_in(tmp_path / "tuned", "model.latent_dim=4", resume_from=finished.export("best"))
    status = read_status(tmp_path / "tuned" / "status.json")
    assert status is not None
    assert (status.state, status.exit_code) == ("failed", 1)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["model.safetensors", "optim.safetensors", "state.json", "profile.toml"])
def test_an_altered_checkpoint_is_refused_by_the_name_of_its_file(
    finished: RunDirectory, train_in: Train, name: str
) -> None:
    folder = finished.checkpoints / "step-00000012"
    damage(folder / name)
    with pytest.raises(RunError, match=rf"{name}: not what was written"):
        train_in(finished.path, resume_from=folder)


@pytest.mark.parametrize("fault", ["altered", "missing", "no manifest", "manifest is no JSON"])
def test_the_checkpoint_before_is_used_where_the_newest_is_not_whole_and_that_is_said(
    finished: RunDirectory, train_in: Train, fault: str
) -> None:
    before, folder = comparable(finished), finished.checkpoints / "step-00000012"
    match fault:
        case "altered":
            damage(folder / "model.safetensors")
        case "missing":
            (folder / "optim.safetensors").unlink()
        case "no manifest":
            (folder / "MANIFEST.json").unlink()
        case _:
            (folder / "MANIFEST.json").write_text("{")
    assert train_in(finished.path, resume_from=finished.path) == ExitCode.OK
    assert "at step 8, epoch 2; passed over: " in logged(finished)
    assert comparable(finished) == before
    assert newest_checkpoint(finished).step == STEPS


def test_a_run_without_a_whole_checkpoint_says_what_is_wrong_with_each(finished: RunDirectory, train_in: Train) -> None:
    for step in checkpoint_steps(finished):
        damage(finished.checkpoints / f"step-{step:08d}" / "state.json")
    with pytest.raises(RunError, match=r"step-00000012.*step-00000008"):
        train_in(finished.path, resume_from=finished.path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not an export at all" * 100])
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, train_in: Train, content: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(RunError, match=r"a\.pt: not an export"):
        train_in(tmp_path / "run", resume_from=tmp_path / "a.pt")


def test_an_export_that_would_run_code_is_refused_and_does_not(tmp_path: Path, train_in: Train) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "was-here",)

    torch.save({"model": Evil(), "profile": "", "step": 0, "epoch": 0}, tmp_path / "a.pt")
    with pytest.raises(RunError, match="not an export"):
        train_in(tmp_path / "run", resume_from=tmp_path / "a.pt")
    assert not (tmp_path / "was-here").exists()


def test_another_batch_size_goes_on_at_the_epoch_that_was_reached(finished: RunDirectory, train_in: Train) -> None:
    assert train_in(finished.path, "train.batch_size=8", "train.epochs=4", resume_from=finished.path) == ExitCode.OK
    assert "an epoch has other steps than before" in str(read_rows(finished.events))
    assert read_rows(finished.metrics)[-1]["epoch"] == 4


def test_after_another_batch_size_the_new_steps_are_those_that_a_further_resume_goes_on_from(
    finished: RunDirectory, train_in: Train
) -> None:
    train_in(finished.path, "train.batch_size=8", "train.epochs=4", resume_from=finished.path)
    ended = checkpoint_steps(finished)[-1]
    assert ended == 4 * 2
    assert train_in(finished.path, "train.batch_size=8", "train.epochs=5", resume_from=finished.path) == ExitCode.OK
    assert [row["epoch"] for row in read_rows(finished.metrics) if row["kind"] == "epoch"] == [1, 2, 3, 4, 5]
    assert checkpoint_steps(finished)[-1] == ended + 2


def test_other_music_than_the_checkpoint_was_made_of_is_said(
    tmp_path: Path, finished: RunDirectory, train_in: Train
) -> None:
    assert train_in(finished.path, "data.demo_minutes=0.6", "train.epochs=4", resume_from=finished.path) == ExitCode.OK
    assert "the music is not that of the checkpoint" in logged(finished)


def test_an_export_without_its_checkpoint_does_not_forget_which_epoch_was_the_best(
    finished: RunDirectory, train_in: Train
) -> None:
    rows = [row for row in read_rows(finished.metrics) if row["kind"] == "epoch"]
    shutil.rmtree(finished.checkpoints / "step-00000008")
    train_in(finished.path, "train.learning_rate=1e-12", resume_from=finished.export("epoch_2"))
    best = read_status(finished.status).best  # type: ignore[union-attr]
    assert best is not None
    assert best.val_recon_db <= min(row["val_recon_db"] for row in rows[:2])


def test_a_learning_rate_that_is_asked_for_after_a_divergence_is_the_one_in_force(
    finished: RunDirectory, train_in: Train
) -> None:
    folder = finished.checkpoints / "step-00000012"
    position = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**position, "rate_scale": 0.125, "rollbacks": 3}))
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["sha256"]["state.json"] = hashlib.sha256((folder / "state.json").read_bytes()).hexdigest()
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    kept = RunDirectory(Path(shutil.copytree(finished.path, finished.path.with_name("kept"))))
    constant = ("train.learning_rate_schedule=constant", "train.epochs=4")
    train_in(finished.path, *constant, "train.learning_rate=1e-4", resume_from=finished.path)
    train_in(kept.path, *constant, resume_from=kept.path)
    assert [read_rows(run.metrics)[-1]["learning_rate"] for run in (finished, kept)] == [1e-4, 1e-3 / 8]


def test_a_long_epoch_has_checkpoints_in_its_middle(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_AT_LEAST_EVERY_S", 0.0)
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, "train.epochs=1", "output.keep=9") == ExitCode.OK
    assert len(checkpoint_steps(run)) > 2


def test_a_trainer_killed_between_two_renames_leaves_a_checkpoint_all_the_same(
    finished: RunDirectory, train_in: Train
) -> None:
    before = comparable(finished)
    for step in checkpoint_steps(finished)[:-1]:
        shutil.rmtree(finished.checkpoints / f"step-{step:08d}")
    (finished.checkpoints / "step-00000012").rename(finished.checkpoints / ".step-00000012.deadbeef.old")
    assert train_in(finished.path, resume_from=finished.path) == ExitCode.OK
    assert comparable(finished) == before
