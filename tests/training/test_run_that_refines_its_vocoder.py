"""The vocoder's network beside the model: its own business, kept with the run, and used once it is better."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from tiny_run import Train

from harmonic_core.errors import ExitCode
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows

WITH_IT = "train.refine_vocoder=true"


def weights(run: RunDirectory, step: int, part: str = "model") -> dict[str, torch.Tensor]:
    return load_file(run.checkpoints / f"step-{step:08d}" / f"{part}.safetensors")


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_model_learns_the_same_with_and_without_it(tmp_path: Path, train_in: Train, finished: RunDirectory) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, WITH_IT) == ExitCode.OK
    assert_same(weights(run, 12), weights(finished, 12))
    assert (run.checkpoints / "step-00000012" / "vocoder.safetensors").exists()
    assert not (finished.checkpoints / "step-00000012" / "vocoder.safetensors").exists()


def test_it_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(tmp_path: Path, train_in: Train) -> None:
    whole, halves = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "halves")
    train_in(whole.path, WITH_IT, "train.epochs=5", "train.learning_rate_schedule=constant")
    train_in(halves.path, WITH_IT, "train.epochs=3", "train.learning_rate_schedule=constant")
    train_in(halves.path, WITH_IT, "train.epochs=5", "train.learning_rate_schedule=constant", resume_from=halves.path)
    assert_same(weights(halves, 20, "vocoder"), weights(whole, 20, "vocoder"))


def test_how_it_stands_is_told_and_what_is_better_is_kept(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    music = ("data.demo_minutes=2", "train.batch_size=8")
    train_in(run.path, WITH_IT, *music, "train.epochs=40", "output.checkpoint_every=20")
    told = [row["message"] for row in read_rows(run.events) if row["message"].startswith("vocoder")]
    assert len(told) == 2
    assert told[-1].endswith("it is used")
    assert run.vocoder.exists()


def test_a_checkpoint_without_one_begins_one_anew(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path)
    assert train_in(run.path, WITH_IT, "train.epochs=4", resume_from=run.path) == ExitCode.OK
    assert (
        "vocoder.safetensors"
        in json.loads((run.checkpoints / "step-00000016" / "MANIFEST.json").read_text(encoding="utf-8"))["sha256"]
    )
