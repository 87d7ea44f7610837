"""The same on a CUDA device: it trains there, and says what it uses."""

from __future__ import annotations

import math
from pathlib import Path

import pynvml
import pytest
import torch
from tiny_run import Train

from harmonic_core.errors import ExitCode
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import read_status
from harmonic_core.training.checkpoint import newest_checkpoint

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
    pynvml.nvmlInit()
    count = pynvml.nvmlDeviceGetCount()
    known = [str(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(index))) for index in range(count)]
    assert device.uuid.removeprefix("GPU-") in {uuid.removeprefix("GPU-") for uuid in known}


def test_a_run_begun_on_the_device_goes_on_without_one(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, "run.device=cuda", "train.epochs=1")
    assert train_in(run.path, "run.device=cpu", "train.epochs=2", resume_from=run.path) == ExitCode.OK
