"""When it goes wrong: the right exit code, the truth in the status, and nothing lost that was there."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_run import Train

from harmonic_core.errors import (
    DataError,
    DivergedError,
    ExitCode,
    HarmonicError,
    OutOfMemoryError,
    RunError,
)
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.lock import hold_lock
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import Status, read_status
from harmonic_core.training import loop
from harmonic_core.training.checkpoint import checkpoint_steps, newest_checkpoint
from harmonic_core.training.update import update_weights


def status_of(run: RunDirectory) -> Status:
    status = read_status(run.status)
    assert status is not None
    return status


@pytest.fixture
def after_update(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[Any], None]], None]:
    """Does something to the state right after the update that makes it step N."""

    def arrange(step: int, harm: Callable[[Any], None]) -> None:

        def update_and_harm(state: Any, *arguments: Any, **named: Any) -> bool:
            made = update_weights(state, *arguments, **named)
            if state.step == step:
                harm(state)
            return made

        monkeypatch.setattr(loop, "update_weights", update_and_harm)

    return arrange


def poison(state: Any) -> None:
    with torch.no_grad():
        next(state.model.parameters()).fill_(float("nan"))


def test_weights_that_are_no_numbers_end_a_run_as_diverged_with_the_way_out(
    tmp_path: Path, finished: RunDirectory, train_in: Train
) -> None:
    export = torch.load(finished.export("best"), weights_only=True)
    name = next(name for name in export["model"] if name.startswith("stages.encoder"))
    export["model"][name].fill_(float("nan"))
    torch.save(export, tmp_path / "poisoned.pt")
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(DivergedError, match=r"not all numbers.*begin with an earlier checkpoint") as diverged:
        train_in(run.path, resume_from=tmp_path / "poisoned.pt")
    assert diverged.value.exit_code == 3
    assert (status_of(run).state, status_of(run).exit_code) == ("diverged", 3)
    assert status_of(run).message == str(diverged.value)
    assert read_rows(run.events)[-1]["kind"] == "failure"


@pytest.mark.parametrize("step", [5, 6, 7, 8])
def test_diverging_anywhere_in_an_epoch_leaves_the_last_good_checkpoint_and_export(
    tmp_path: Path, train_in: Train, after_update: Callable[..., None], step: int
) -> None:
    run = RunDirectory(tmp_path / "run")
    after_update(step, poison)
    with pytest.raises(DivergedError, match=r"diverged, 3 returns .*--learning-rate.*--resume-from"):
        train_in(run.path)
    assert checkpoint_steps(run) == [0, 4]
    assert not run.export("epoch_2").exists()
    best = torch.load(run.export("best"), weights_only=True)
    assert best["step"] == 4
    assert all(tensor.isfinite().all() for tensor in best["model"].values())
    assert status_of(run).best is not None


@pytest.mark.parametrize(
    "place",
    [
        "model.safetensors",
        "optim.safetensors",
        "MANIFEST.json",
        "prior-0.wav",
        "recon-1.json",
        "harmonic_vae_epoch_2.pt",
    ],
)
def test_a_disk_that_fills_up_makes_the_run_wait_for_room_and_go_on_as_if_nothing_had_been(
    tmp_path: Path, train_in: Train, finished: RunDirectory, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    opened, refusals = Path.open, iter(range(2))

    def open_unless_full(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        second_epoch = "step-00000008" in str(path) or "epoch_2" in path.name
        if "w" in mode and place in path.name and second_epoch and next(refusals, None) is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, mode, *rest, **named)

    run = RunDirectory(tmp_path / "run")
    monkeypatch.setattr(Path, "open", open_unless_full)
    assert train_in(run.path) == ExitCode.OK
    told = [event["message"] for event in read_rows(run.events) if event["kind"] == "disk"]
    assert len(told) == 2
    assert re.match(r"disk full: .* needed in .* for .*, .* free", told[0])
    assert "room again" in told[1]
    assert not list(run.checkpoints.glob(".*"))
    assert not list(run.samples.glob(".*"))
    for name in ("model.safetensors", "optim.safetensors"):
        ours, theirs = (newest_checkpoint(each).path / name for each in (run, finished))
        assert ours.read_bytes() == theirs.read_bytes()


def test_what_a_killed_trainer_left_half_written_goes_with_the_next_checkpoint(
    finished: RunDirectory, train_in: Train
) -> None:
    litter = finished.checkpoints / ".step-00000016.deadbeef.tmp"
    litter.mkdir()
    (litter / "model.safetensors").write_bytes(b"half")
    train_in(finished.path, "train.epochs=4", resume_from=finished.path)
    assert not litter.exists()


def test_too_little_device_memory_has_its_own_code_and_advice(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*arguments: Any, **named: Any) -> bool:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.\nmore")

    monkeypatch.setattr(loop, "update_weights", run_out)
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(OutOfMemoryError, match=r"a single segment .*batch_size 4 .*--hidden-dims 8,8") as failure:
        train_in(run.path)
    assert failure.value.exit_code == status_of(run).exit_code == 4
    halved = [event["grad_accum_steps"] for event in read_rows(run.events) if event["kind"] == "oom"]
    assert halved == [2, 4]


def test_an_unforeseen_error_is_not_hidden_and_the_status_knows_it(
    tmp_path: Path, train_in: Train, after_update: Callable[..., None]
) -> None:
    def trip(state: Any) -> None:
        raise ZeroDivisionError("nobody thought of this")

    after_update(2, trip)
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(ZeroDivisionError):
        train_in(run.path)
    assert (status_of(run).state, status_of(run).message) == ("failed", "nobody thought of this")


def test_a_folder_of_clips_that_are_all_too_short_is_refused_by_name(tmp_path: Path, train_in: Train) -> None:
    import numpy as np
    import soundfile

    music = tmp_path / "music"
    music.mkdir()
    for name in ("a", "b"):
        soundfile.write(music / f"{name}.wav", np.zeros(1_000), 8_000)
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(DataError, match=r"No valid audio files .*2 refused \(a\.wav: 0\.12 s long"):
        train_in(run.path, "data.dataset=custom", f"data.custom_dir={music}")
    assert status_of(run).state == "failed"


def test_a_device_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path, train_in: Train) -> None:
    if torch.backends.mps.is_available():
        return
    with pytest.raises(HarmonicError, match=r"no such device here.*run\.device=auto"):
        train_in(tmp_path / "run", "run.device=mps")
    assert not (tmp_path / "run").exists()


def test_a_run_that_another_trainer_works_on_is_left_alone(finished: RunDirectory, train_in: Train) -> None:
    before = finished.status.read_bytes()
    with hold_lock(finished), pytest.raises(RunError, match="another trainer"):
        train_in(finished.path, "train.epochs=9", resume_from=finished.path)
    assert finished.status.read_bytes() == before
