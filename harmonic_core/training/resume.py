"""Going on from a checkpoint, or beginning with the weights of another run."""

from __future__ import annotations

import time

from torch import Tensor

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import keep_rows
from harmonic_core.run.resume import ResumePoint
from harmonic_core.training.checkpoint import (
    Checkpoint,
    checkpoint_steps,
    load_weights,
    newest_checkpoint,
    open_checkpoint,
    read_export,
)
from harmonic_core.training.state import TrainState


def continue_from(point: ResumePoint, run: RunDirectory, state: TrainState) -> str:
    """Put the state of `point` into `state`, and make the run directory look as it did then.

    Weights alone are taken where `run` is another run than the point's. An export of the same run brings its whole
    checkpoint where that still exists; else its weights and its position, and the optimiser starts anew.

    Returns
    -------
    str
        What was done, in words.

    Raises
    ------
    RunError
        If there is nothing whole to continue from, or it is of another model.
    """
    if not point.continues(run):
        weights, origin = _weights(point)
        load_weights(state.model, weights, origin)
        return f"beginning with the weights of {origin}"
    if point.export:
        export = read_export(point.export)
        if export["step"] not in checkpoint_steps(run):
            load_weights(state.model, export["model"], str(point.export))
            state.step, state.epoch = export["step"], export["epoch"]
            _forget_what_came_later(run, state.step)
            return (
                f"continuing from {point.export} at step {state.step}, epoch {state.epoch}; "
                "it holds no optimiser, which starts anew"
            )
        checkpoint = open_checkpoint(run.checkpoints / f"step-{export['step']:08d}")
    else:
        checkpoint = open_checkpoint(point.checkpoint) if point.checkpoint else newest_checkpoint(run)
    checkpoint.restore(state)
    _forget_what_came_later(run, state.step)
    passed_over = "".join(f"; passed over: {problem}" for problem in checkpoint.passed_over)
    return f"continuing from {checkpoint.path} at step {state.step}, epoch {state.epoch}{passed_over}"


def _weights(point: ResumePoint) -> tuple[dict[str, Tensor], str]:
    if point.export:
        weights: dict[str, Tensor] = read_export(point.export)["model"]
        return weights, str(point.export)
    checkpoint = _checkpoint(point)
    return checkpoint.weights(), str(checkpoint.path)


def _checkpoint(point: ResumePoint) -> Checkpoint:
    if point.checkpoint:
        return open_checkpoint(point.checkpoint)
    assert point.run is not None
    return newest_checkpoint(point.run)


def _forget_what_came_later(run: RunDirectory, step: int) -> None:
    """Rows past `step` would come twice, and a later checkpoint would be taken for this one's successor."""
    keep_rows(run.metrics, lambda row: row.get("step", 0) <= step)
    for later in (later for later in checkpoint_steps(run) if later > step):
        folder = run.checkpoints / f"step-{later:08d}"
        folder.rename(run.checkpoints / f"abandoned-{folder.name}-{time.time_ns()}")
