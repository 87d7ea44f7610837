"""Going on from a checkpoint, or beginning with the weights of another run."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from harmonic_core.errors import RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.resume import ResumePoint
from harmonic_core.run.status import Best
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import Checkpoint, checkpoint_steps, newest_checkpoint, open_checkpoint
from harmonic_core.training.state import TrainState
from harmonic_core.training.weights import load_weights, read_export


class Continued(NamedTuple):
    """What was done to begin with something that was there."""

    message: str
    begun_anew: tuple[str, ...] = ()
    """Weights that did not fit and were left as they are."""
    music: str = ""
    """Fingerprint of the music that the checkpoint was trained on; empty where that does not matter or is not known."""


def continue_from(point: ResumePoint, run: RunDirectory, state: TrainState, rank: int = 0) -> Continued:
    """Put the state of `point` into `state`.

    Weights alone are taken where `run` is another run than the point's. An export of the same run brings its whole
    checkpoint where that is still there and whole; else its weights and its position, and the optimiser starts anew.

    Parameters
    ----------
    point, run, state
        What to start from, the run that goes on or begins, and what is changed.
    rank
        Whose random number generators to restore.

    Raises
    ------
    RunError
        If there is nothing whole to continue from, or it is of another model.
    """
    if not point.continues(run):
        weights, origin = _weights(point)
        begun_anew = load_weights(state.model, weights, origin, partial=point.allow_partial)
        _average_from_here(state)
        return Continued(f"beginning with the weights of {plain(origin)}", tuple(begun_anew))
    if point.export:
        export = read_export(point.export)
        checkpoint, why = _checkpoint_of(export["step"], run)
        if checkpoint is None:
            return _continue_from_weights(point.export, export, run, state, why)
    else:
        checkpoint = open_checkpoint(point.checkpoint) if point.checkpoint else newest_checkpoint(run)
    checkpoint.restore(state, rank)
    passed_over = "".join(f"; passed over: {problem}" for problem in checkpoint.passed_over)
    return Continued(
        f"continuing from {plain(str(checkpoint.path))} at step {state.step}, epoch {state.epoch}{passed_over}",
        music=checkpoint.music,
    )


def _checkpoint_of(step: int, run: RunDirectory) -> tuple[Checkpoint | None, str]:
    """Checkpoint of a step, or None and why there is none."""
    if step not in checkpoint_steps(run):
        return None, ""
    try:
        return open_checkpoint(run.checkpoints / f"step-{step:08d}"), ""
    except RunError as error:
        return None, f"; passed over: {error}"


def _continue_from_weights(
    path: Path, export: dict[str, Any], run: RunDirectory, state: TrainState, why: str
) -> Continued:
    load_weights(state.model, export["model"], str(path))
    _average_from_here(state)
    state.step, state.epoch = export["step"], export["epoch"]
    # Else the next epoch, however bad, would be the best one.
    rows = [row for row in read_rows(run.metrics) if row.get("kind") == "epoch" and row.get("epoch", 0) <= state.epoch]
    judged = [row for row in rows if isinstance(row.get("val_recon_db"), float) and "val_loss" in row]
    if judged:
        best = min(judged, key=lambda row: float(row["val_recon_db"]))
        state.best = Best(**{name: best[name] for name in Best.model_fields})
    return Continued(
        f"continuing from {plain(str(path))} at step {state.step}, epoch {state.epoch}; "
        f"it holds no optimiser, which starts anew{why}"
    )


def _average_from_here(state: TrainState) -> None:
    if state.averaged is not None:
        state.averaged.load_state_dict(state.model.state_dict())


def _weights(point: ResumePoint) -> tuple[dict[str, Tensor], str]:
    if point.export:
        weights: dict[str, Tensor] = read_export(point.export)["model"]
        return weights, str(point.export)
    checkpoint = _checkpoint(point)
    return checkpoint.judged_weights(), str(checkpoint.path)


def _checkpoint(point: ResumePoint) -> Checkpoint:
    if point.checkpoint:
        return open_checkpoint(point.checkpoint)
    assert point.run is not None
    return newest_checkpoint(point.run)


def put_later_checkpoints_aside(run: RunDirectory, step: int, *, keep: bool) -> None:
    """Take away the checkpoints after `step`, which are not its successors, or `keep` them under other names."""
    for later in (later for later in checkpoint_steps(run) if later > step):
        folder = run.checkpoints / f"step-{later:08d}"
        if keep:
            folder.rename(run.checkpoints / f"abandoned-{folder.name}-{time.time_ns()}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
