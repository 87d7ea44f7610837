"""Going on from a checkpoint, or beginning with the weights of another run."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from harmonic_core.errors import RunError
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Profile
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.resume import ResumePoint
from harmonic_core.run.status import Best
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import Checkpoint, checkpoint_steps, newest_checkpoint, open_checkpoint
from harmonic_core.training.state import TrainState
from harmonic_core.training.weights import (
    ELSEWHERE,
    Shapes,
    load_weights,
    misfits,
    other_model,
    read_export,
    shapes_of,
)


class Continued(NamedTuple):
    """What was done to begin with something that was there."""

    message: str
    begun_anew: tuple[str, ...] = ()
    """Weights that did not fit and were left as they are."""
    music: str = ""
    """Fingerprint of the music that the checkpoint was trained on; empty where that does not matter or is not known."""
    is_elsewhere: bool = False
    """Whether no checkpoint holds where the run is now."""


class Source(NamedTuple):
    """What lies at a resume point: a whole checkpoint, or weights alone."""

    checkpoint: Checkpoint | None
    export: dict[str, Any] | None = None
    """What `read_export` gave, where an export is meant."""
    why: str = ""
    """Why the checkpoint of the export's step is not taken; empty where it is, or there is none."""

    @property
    def profile(self) -> Path | str:
        """The profile that was in force: its file, or its text where that stands in an export."""
        if self.checkpoint:
            return self.checkpoint.profile
        assert self.export is not None
        text: str = self.export["profile"]
        return text

    def shapes(self) -> Shapes:
        """Shapes of the weights that training goes on with."""
        if self.checkpoint:
            with safe_open(self.checkpoint.path / "model.safetensors", "pt") as file:
                return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        assert self.export is not None
        return shapes_of(self.export["model"])


def find_source(point: ResumePoint, run: RunDirectory | None = None) -> Source:
    """Find what is really continued: of a run its newest whole checkpoint, of an export the very moment it was made.

    Parameters
    ----------
    point
        What was asked for.
    run
        The point's run under the name that messages should have; None for that of the point.

    Raises
    ------
    RunError
        If there is nothing whole.
    """
    run = run or point.run
    if point.export:
        export = read_export(point.export)
        checkpoint, why = _checkpoint_of(export, run) if run else (None, "")
        return Source(checkpoint, export, why)
    if point.checkpoint:
        return Source(open_checkpoint(point.checkpoint))
    assert run is not None
    return Source(newest_checkpoint(run))


def insist_on_fit(point: ResumePoint, source: Source, profile: Profile) -> None:
    """Refuse to go on where the weights are not those of the profile's model.

    Raises
    ------
    RunError
        With the first differences.
    """
    try:
        given = source.shapes()
    except (OSError, SafetensorError):
        # It was whole a moment ago: another trainer works on this run, and only whoever asks for the lock may say so.
        return
    with torch.device("meta"):
        model = build_model(profile.model, profile.audio, profile.segment_frames)
    if differences := misfits(shapes_of(model.state_dict()), given):
        origin = source.checkpoint.path if source.checkpoint else point.export
        raise other_model(str(origin), differences, ELSEWHERE)


def continue_from(point: ResumePoint, run: RunDirectory, state: TrainState, rank: int = 0) -> Continued:
    """Put the state of `point` into `state`.

    Weights alone are taken where `run` is another run than the point's. An export of the same run brings the whole
    checkpoint of its moment where that is still there: whole, of the same epoch and with the same weights. Else it
    brings its weights and its position, and the optimiser starts anew.

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
    source = find_source(point, run)
    checkpoint = source.checkpoint
    if checkpoint is None:
        assert point.export is not None
        assert source.export is not None
        return _continue_from_weights(point.export, source.export, run, state, source.why)
    checkpoint.restore(state, rank)
    passed_over = "".join(f"; passed over: {problem}" for problem in checkpoint.passed_over)
    return Continued(
        f"continuing from {plain(str(checkpoint.path))} at step {state.step}, epoch {state.epoch}{passed_over}",
        music=checkpoint.music,
    )


def _checkpoint_of(export: dict[str, Any], run: RunDirectory) -> tuple[Checkpoint | None, str]:
    """The checkpoint of the moment in which an export was made, or None and why it is not there.

    A number says little: after other batches the same step is another moment, and an export may come from elsewhere.
    """
    step, epoch = export["step"], export["epoch"]
    if step not in checkpoint_steps(run):
        return None, ""
    folder = run.checkpoints / f"step-{step:08d}"
    try:
        checkpoint = open_checkpoint(folder)
        reached = int(json.loads((folder / "state.json").read_bytes())["epoch"])
        weights = checkpoint.judged_weights()
    except RunError as error:
        return None, f"; passed over: {error}"
    except (OSError, ValueError, LookupError, TypeError, SafetensorError) as error:
        return None, f"; passed over: {plain(str(folder))}: not a checkpoint of this program ({plain(str(error))})"
    if reached != epoch:
        return None, f"; passed over: {plain(str(folder))}: it is of epoch {reached}, not {epoch}"
    if not _are_equal(weights, export["model"]):
        return None, f"; passed over: {plain(str(folder))}: it holds other weights"
    return checkpoint, ""


def _are_equal(ones: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return ones.keys() == others.keys() and all(torch.equal(tensor, others[name]) for name, tensor in ones.items())


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
        f"it holds no optimiser, which starts anew{why}",
        is_elsewhere=True,
    )


def _average_from_here(state: TrainState) -> None:
    if state.averaged is not None:
        state.averaged.load_state_dict(state.model.state_dict())


def _weights(point: ResumePoint) -> tuple[dict[str, Tensor], str]:
    if point.export:
        weights: dict[str, Tensor] = read_export(point.export)["model"]
        return weights, str(point.export)
    checkpoint = find_source(point).checkpoint
    assert checkpoint is not None
    return checkpoint.judged_weights(), str(checkpoint.path)


def put_later_checkpoints_aside(run: RunDirectory, step: int, *, keep: bool) -> None:
    """Take away the checkpoints after `step`, which are not its successors, or `keep` them under other names."""
    for later in (later for later in checkpoint_steps(run) if later > step):
        folder = run.checkpoints / f"step-{later:08d}"
        if keep:
            folder.rename(run.checkpoints / f"abandoned-{folder.name}-{time.time_ns()}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
