"""The same on a CUDA device: it trains there, and says what it uses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import psutil
import pynvml
import pytest
import torch
from tiny_run import Train

from harmonic_core.audio.features import LogMel
from harmonic_core.creating.performing import long_piece
from harmonic_core.creating.sources import drawn
from harmonic_core.creating.studio import Studio
from harmonic_core.errors import ExitCode
from harmonic_core.run.board import BoardReader, read_boards
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import read_status
from harmonic_core.sharing.opened import open_model
from harmonic_core.training import loop
from harmonic_core.training.checkpoint import newest_checkpoint
from harmonic_core.training.device import describe_device, measure_device
from harmonic_core.training.update import update_weights

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("mixed_precision", ["true", "false"])
def test_two_epochs_on_the_device_leave_finite_figures(tmp_path: Path, train_in: Train, mixed_precision: str) -> None:
    run = RunDirectory(tmp_path / "run")
    settings = ("run.device=cuda", "train.epochs=2", f"train.mixed_precision={mixed_precision}")
    assert train_in(run.path, *settings) == ExitCode.OK
    epochs = [row for row in read_rows(run.metrics) if row["kind"] == "epoch"]
    assert len(epochs) == 2
    assert all(math.isfinite(row["val_loss"]) for row in epochs)
    assert all(tensor.device.type == "cpu" for tensor in newest_checkpoint(run).weights().values())


def test_the_status_knows_the_device_by_its_uuid_and_its_memory(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "run.device=auto", "train.epochs=2")
    status = read_status(run.status)
    assert status is not None
    device = status.device
    assert device.kind == "cuda"
    assert device.name == torch.cuda.get_device_name()
    assert device.uuid
    assert device.allocated_bytes
    assert device.peak_bytes
    assert device.reserved_bytes
    assert device.total_bytes
    assert device.free_bytes
    assert 0 < device.allocated_bytes <= device.peak_bytes <= device.reserved_bytes < device.total_bytes
    assert device.free_bytes < device.total_bytes
    assert device.free_bytes + device.reserved_bytes <= device.total_bytes
    assert device.fragmentation == pytest.approx(1 - device.allocated_bytes / device.reserved_bytes)
    assert (device.retries, device.ooms) == (0, 0)


def test_the_driver_tells_of_the_very_card_that_the_run_computes_on(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "run.device=cuda", "train.epochs=1")
    status = read_status(run.status)
    assert status is not None
    uuid = status.device.uuid
    assert uuid
    reader = BoardReader()
    (board,) = read_boards(status, reader, active=True).values()
    again = reader.read(uuid)
    reader.close()
    assert board.missing == ""
    assert board.index == again.index
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}")
    assert pynvml.nvmlDeviceGetName(handle) == status.device.name
    assert pynvml.nvmlDeviceGetIndex(handle) == board.index
    # The driver counts what it keeps for itself, CUDA does not.
    assert board.total_bytes == pytest.approx(status.device.total_bytes, rel=0.05)
    assert board.free_bytes is not None
    assert board.total_bytes is not None
    assert 0 < board.free_bytes <= board.total_bytes


def test_an_allocation_that_has_to_be_tried_again_is_counted() -> None:
    device = torch.device("cuda")
    description, process = describe_device(device, ""), psutil.Process()
    torch.cuda.empty_cache()
    before = measure_device(device, description, process)
    held = torch.empty(1 << 28, dtype=torch.uint8, device=device)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(1.5 * (1 << 30) / total)
    try:
        # What is freed here is kept, in a block too small for the next; it goes back to the card first.
        del held
        larger = torch.empty(11 << 27, dtype=torch.uint8, device=device)
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(1 << 30, dtype=torch.uint8, device=device)
        after = measure_device(device, description, process)
        del larger
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    assert before.retries is not None
    assert before.ooms is not None
    assert after.retries is not None
    assert after.retries > before.retries
    assert after.ooms == before.ooms + 1


def test_a_run_begun_on_the_device_goes_on_without_one(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "run.device=cuda", "train.epochs=1")
    assert train_in(run.path, "run.device=cpu", "train.epochs=2", resume_from=run.path) == ExitCode.OK


@pytest.mark.parametrize("augment", ["true", "false"])
def test_an_update_never_waits_for_the_device(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch, augment: str
) -> None:
    def update_without_waiting(state: Any, *arguments: Any, **named: Any) -> bool:
        # The first ones make plans and buffers.
        torch.cuda.set_sync_debug_mode("error" if state.step > 1 else "default")
        try:
            return update_weights(state, *arguments, **named)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(loop, "update_weights", update_without_waiting)
    settings = ("run.device=cuda", "train.ema_decay=0.99", "loss.free_bits=0.1", f"augment.augment={augment}")
    assert train_in(tmp_path / "run", *settings) == ExitCode.OK


def test_an_update_that_is_no_number_leaves_weights_average_and_moments_as_they_were(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(state: Any, loader: Any, features: Any, *arguments: Any, **named: Any) -> bool:
        if state.step != 5:
            return update_weights(state, loader, features, *arguments, **named)
        before = [tensor.clone() for tensor in (*state.model.parameters(), *state.averaged.parameters())]
        made = update_weights(state, loader, lambda samples: features(samples) * math.nan, *arguments, **named)
        after = (*state.model.parameters(), *state.averaged.parameters())
        assert all(torch.equal(was, now) for was, now in zip(before, after, strict=True))
        assert {int(entry["step"]) for entry in state.optimizer.state.values()} == {5}
        return made

    monkeypatch.setattr(loop, "update_weights", spoilt)
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, "run.device=cuda", "train.ema_decay=0.9") == ExitCode.OK
    status = read_status(run.status)
    assert status is not None
    assert (status.state, status.skipped_steps) == ("finished", 1)


def test_music_made_on_the_device_is_that_of_the_processor(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "run.device=cuda", "train.epochs=2")
    mels = []
    for device in ("cuda", "cpu"):
        studio = Studio(open_model(str(run.path), device), seed=1)
        piece = long_piece(studio, drawn(studio, 1.0), 0, 3.0)
        assert len(piece) == round(3.0 * studio.sample_rate)
        audio = studio.opened.trained.profile.audio
        mels.append(LogMel(audio)(torch.from_numpy(piece).unsqueeze(0)) * audio.dynamic_range_db)
    # Rounding decides how phases turn out, and they hardly what is heard.
    assert float((mels[0] - mels[1]).abs().mean()) < 1.0
