"""What two runs must have in common to be called the same, whatever happened to one of them."""

from __future__ import annotations

import json
from typing import Any

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, read_rows

_CLOCK = {"time", "segments_per_s"}
_STATES = ("model.safetensors", "ema.safetensors", "optim.safetensors", "rng.safetensors")


def rows_without_times(run: RunDirectory) -> list[Row]:
    """Rows of figures without those that are measured by the clock."""
    return [{name: row[name] for name in row if name not in _CLOCK} for row in read_rows(run.metrics)]


def state_files(run: RunDirectory, step: int) -> dict[str, bytes]:
    """Bytes of what a checkpoint restores: weights, their average, optimiser and random number generators."""
    folder = run.checkpoints / f"step-{step:08d}"
    return {name: (folder / name).read_bytes() for name in _STATES if (folder / name).exists()}


def position(run: RunDirectory, step: int) -> dict[str, Any]:
    """The rest of a checkpoint, without what tells when and why it was written."""
    told = json.loads((run.checkpoints / f"step-{step:08d}" / "state.json").read_bytes())
    return {name: told[name] for name in told if name not in {"elapsed_s", "milestone"}}


def assert_same(ours: RunDirectory, theirs: RunDirectory, step: int) -> None:
    """Fail unless both runs have the same bytes in the checkpoint of `step`, and the same rows up to their ends."""
    for name, content in state_files(theirs, step).items():
        assert state_files(ours, step)[name] == content, f"{name} differs"
    assert position(ours, step) == position(theirs, step)
    assert rows_without_times(ours) == rows_without_times(theirs)


def said(run: RunDirectory, kind: str) -> list[str]:
    """Messages of the events of a `kind`."""
    return [row["message"] for row in read_rows(run.events) if row.get("kind") == kind]
