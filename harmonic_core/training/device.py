"""What to compute on, and what is known of it."""

from __future__ import annotations

import ctypes

import psutil
import torch

from harmonic_core.errors import HarmonicError
from harmonic_core.run.status import Device

_KEEP = ((-1, -1), (-4, 0))
"""For `mallopt(3)`: M_TRIM_THRESHOLD, never shrink the heap; M_MMAP_MAX, take large blocks from it as well."""


def choose_device(wanted: str, local_rank: int = 0) -> tuple[torch.device, str]:
    """Device to train on and, in words, why. A CUDA device becomes the current one.

    Parameters
    ----------
    wanted
        `auto`, `cuda`, `mps` or `cpu`.
    local_rank
        Number of this process among those of the machine: each takes a CUDA device of its own.

    Raises
    ------
    HarmonicError
        If a device is asked for by name and not there.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        if cuda:
            return _cuda(local_rank), "a CUDA device is there"
        if mps:
            return torch.device("mps"), "no CUDA device, but Apple's MPS is there"
        return torch.device("cpu"), "neither a CUDA device nor Apple's MPS is there"
    if (wanted == "cuda" and not cuda) or (wanted == "mps" and not mps):
        raise HarmonicError(
            f"run.device = {wanted!r}: no such device here; `harmonic doctor` says what torch sees, "
            "and `--set run.device=auto` takes what there is"
        )
    return _cuda(local_rank) if wanted == "cuda" else torch.device(wanted), "asked for by run.device"


def _cuda(local_rank: int) -> torch.device:
    count = torch.cuda.device_count()
    if local_rank >= count:
        raise HarmonicError(
            f"run.device: {local_rank + 1} ranks on this machine, and {count} CUDA devices; start as many ranks as "
            "there are devices with `--nproc gpu`"
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def keep_freed_memory() -> bool:
    """Have the C library keep what an update on the CPU frees, for the next update; whether it can be told so.

    Left alone, glibc gives large blocks back to the system at once, which then clears every page of them anew at the
    next update: 4 to 8 % of its time on two cores (`tests/benchmarks/harness.py`). It costs no more memory than the
    largest update needs anyway.
    """
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    return adjust is not None and all(adjust(option, value) == 1 for option, value in _KEEP)


def describe_device(device: torch.device, reason: str) -> Device:
    """Name and identity of a device, without its changing figures."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return Device(
            kind="cuda",
            name=properties.name,
            uuid=str(getattr(properties, "uuid", "")) or None,
            reason=reason,
            total_bytes=properties.total_memory,
        )
    threads = torch.get_num_threads()
    name = "Apple GPU" if device.type == "mps" else "1 thread" if threads == 1 else f"{threads} threads"
    return Device(kind=device.type, name=name, reason=reason, total_bytes=psutil.virtual_memory().total)


def measure_device(device: torch.device, description: Device, process: psutil.Process) -> Device:
    """Add to a description what is in use now. Never waits for the device; what cannot be had stays unknown."""
    figures: dict[str, int | float | None] = {
        "resident_bytes": process.memory_info().rss,
        "cpu_percent": process.cpu_percent(),
    }
    if device.type == "cuda":
        figures |= _of_the_allocator(device) | _of_the_card(device)
    else:
        figures["free_bytes"] = psutil.virtual_memory().available
    return description.model_copy(update=figures)


def _of_the_allocator(device: torch.device) -> dict[str, int | None]:
    # One call for all of them: each of torch's functions for a single figure makes the whole list.
    held = torch.cuda.memory_stats(device)
    return {
        "allocated_bytes": held.get("allocated_bytes.all.current"),
        "reserved_bytes": held.get("reserved_bytes.all.current"),
        "peak_bytes": held.get("allocated_bytes.all.peak"),
        "retries": held.get("num_alloc_retries"),
        "ooms": held.get("num_ooms"),
    }


def _of_the_card(device: torch.device) -> dict[str, int | None]:
    try:
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError:
        # A card that fails is told by whoever computes on it; the heartbeat has to go on until then.
        return {"free_bytes": None}
    return {"free_bytes": free, "total_bytes": total}
