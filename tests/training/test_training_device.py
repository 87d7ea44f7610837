"""What training knows of its device, and what it does to get the most out of a processor."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest
import torch

from harmonic_core.run.status import Device
from harmonic_core.training.device import describe_device, measure_device

UPDATES = """
import resource
import sys

import torch
from harmonic_core.training.device import keep_freed_memory

def faults_of_an_update():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for size in (3, 40, 7, 90):
        torch.ones(size << 18).sum()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    assert keep_freed_memory()
faults_of_an_update()
print(faults_of_an_update())
"""


def faults(mode: str) -> int:
    said = subprocess.run([sys.executable, "-c", UPDATES, mode], check=True, stdout=subprocess.PIPE, text=True)
    return int(said.stdout)


def test_memory_that_one_update_frees_is_there_for_the_next_without_being_cleared_again() -> None:
    assert faults("kept") < faults("as it is") / 10


CARD = torch.device("cuda", 0)
DESCRIBED = Device(kind="cuda", name="some card", uuid="b5c48be5-9344-4391-b11d-8dbf6ecff868", total_bytes=80_000)


def test_on_a_processor_the_process_its_load_and_the_machine_are_measured() -> None:
    device = torch.device("cpu")
    measured = measure_device(device, describe_device(device, "asked for"), psutil.Process())
    assert measured.resident_bytes
    assert measured.total_bytes
    assert measured.free_bytes
    assert measured.cpu_percent is not None
    assert 0 < measured.resident_bytes < measured.total_bytes
    assert 0 < measured.free_bytes < measured.total_bytes
    assert (measured.allocated_bytes, measured.retries, measured.fragmentation) == (None, None, None)


def allocator(monkeypatch: pytest.MonkeyPatch, **figures: int) -> None:
    """Let torch tell these figures of its allocator; in their names a dot is written as two underscores."""
    told = {name.replace("__", "."): figure for name, figure in figures.items()}
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda device: told)


def test_what_the_allocator_holds_and_how_often_it_tried_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    allocator(
        monkeypatch,
        allocated_bytes__all__current=600,
        allocated_bytes__all__peak=700,
        reserved_bytes__all__current=800,
        num_alloc_retries=2,
        num_ooms=1,
    )
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (70_000, 79_000))
    measured = measure_device(CARD, DESCRIBED, psutil.Process())
    assert (measured.allocated_bytes, measured.peak_bytes, measured.reserved_bytes) == (600, 700, 800)
    assert (measured.retries, measured.ooms) == (2, 1)
    assert (measured.free_bytes, measured.total_bytes) == (70_000, 79_000)
    assert measured.fragmentation == 0.25
    assert measured.uuid == DESCRIBED.uuid


def test_a_card_that_fails_does_not_silence_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(device: torch.device) -> tuple[int, int]:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    allocator(monkeypatch, allocated_bytes__all__current=600, reserved_bytes__all__current=800)
    monkeypatch.setattr(torch.cuda, "mem_get_info", fails)
    measured = measure_device(CARD, DESCRIBED.model_copy(update={"free_bytes": 5}), psutil.Process())
    assert (measured.free_bytes, measured.total_bytes) == (None, 80_000)
    assert (measured.allocated_bytes, measured.reserved_bytes, measured.retries) == (600, 800, None)
    assert measured.resident_bytes
