"""Where two checkpoints that should hold the same state do not."""

from __future__ import annotations

import filecmp
import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from harmonic_core.text import plain

_TENSORS = ("model.safetensors", "ema.safetensors", "optim.safetensors", "rng.safetensors")
_WHEN_AND_WHY = frozenset({"elapsed_s", "milestone"})
_ABSENT = "nothing"


def differences(ours: Path, theirs: Path) -> list[str]:
    """Compare weights, their average, optimiser, generators and position byte for byte.

    When and why a checkpoint was written is not compared: seconds spent, and whether it is to be kept for good.

    Parameters
    ----------
    ours, theirs
        Folders of whole checkpoints; ours is the one to judge.

    Returns
    -------
    list of str
        A line for each file that differs, naming the tensor that differs most and by how much; empty where all is
        equal. Safe to print.
    """
    found = [line for name in _TENSORS if (line := _compare_tensors(ours / name, theirs / name))]
    return found + _compare_positions(_position(ours), _position(theirs))


def _compare_tensors(ours: Path, theirs: Path) -> str | None:
    name = ours.name
    if not ours.exists() or not theirs.exists():
        return None if ours.exists() == theirs.exists() else f"{name}: only one of the two has it"
    if filecmp.cmp(ours, theirs, shallow=False):
        return None
    mine, other = load_file(ours), load_file(theirs)
    if alone := sorted(mine.keys() ^ other.keys()):
        return f"{name}: only one of the two has {plain(alone[0])}" + (
            f" and {len(alone) - 1} more" if alone[1:] else ""
        )
    distances = {each: _distance(mine[each], other[each]) for each in mine if not _same_bytes(mine[each], other[each])}
    if not distances:
        return None
    most = max(distances, key=lambda each: distances[each])
    count = f"{len(distances)} of {len(mine)} tensors" if len(mine) > 1 else "its tensor"
    return f"{name}: {count} differ, most of all {plain(most)} (by up to {distances[most]:.2g})"


def _same_bytes(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two tensors are the same, also where they are not numbers, and with the sign of every zero."""
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return False
    return torch.equal(*(each.contiguous().flatten().view(torch.uint8) for each in (ours, theirs)))


def _distance(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        return math.inf
    return (ours.double() - theirs.double()).abs().nan_to_num(nan=math.inf).max().item()


def _position(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "state.json").read_bytes())
    if isinstance(counts := told.get("bad"), list):
        # The third is the longest row since somebody looked, and looking is no part of training.
        told["bad"] = counts[:2]
    return {name: told[name] for name in told if name not in _WHEN_AND_WHY}


def _compare_positions(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    # As text, in which NaN is equal to itself.
    told = [
        (name, *(json.dumps(side[name]) if name in side else _ABSENT for side in (ours, theirs)))
        for name in sorted({*ours, *theirs})
    ]
    return [
        f"state.json: {plain(name)} is {plain(mine, 60)} instead of {plain(other, 60)}"
        for name, mine, other in told
        if mine != other
    ]
