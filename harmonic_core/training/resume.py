"""Going on from a checkpoint, or beginning with the weights of another run."""

from __future__ import annotations

import shutil
import time
from typing import NamedTuple

from torch import Tensor

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import ResumePoint
from harmonic_core.training.checkpoint import Checkpoint, checkpoint_steps, newest_checkpoint, open_checkpoint
from harmonic_core.training.state import TrainState
from harmonic_core.training.weights import load_weights, read_export


class Continued(NamedTuple):
    """What was done to begin with something that was there."""

    message: str
    begun_anew: list[str]
    """Weights that did not fit and were left as they are."""


def continue_from(point: ResumePoint, run: RunDirectory, state: TrainState, rank: int = 0) -> Continued:
    """Put the state of `point` into `state`.

    Weights alone are taken where `run` is another run than the point's. An export of the same run brings its whole
    checkpoint where that still exists; else its weights and its position, and the optimiser starts anew.

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
        return Continued(f"beginning with the weights of {origin}", begun_anew)
    if point.export:
        export = read_export(point.export)
        if export["step"] not in checkpoint_steps(run):
            load_weights(state.model, export["model"], str(point.export))
            _average_from_here(state)
            state.step, state.epoch = export["step"], export["epoch"]
            message = (
                f"continuing from {point.export} at step {state.step}, epoch {state.epoch}; "
                "it holds no optimiser, which starts anew"
            )
            return Continued(message, [])
        checkpoint = open_checkpoint(run.checkpoints / f"step-{export['step']:08d}")
    else:
        checkpoint = open_checkpoint(point.checkpoint) if point.checkpoint else newest_checkpoint(run)
    checkpoint.restore(state, rank)
    passed_over = "".join(f"; passed over: {problem}" for problem in checkpoint.passed_over)
    return Continued(f"continuing from {checkpoint.path} at step {state.step}, epoch {state.epoch}{passed_over}", [])


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
