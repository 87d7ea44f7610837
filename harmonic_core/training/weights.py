"""Weights alone: small files to share, and what becomes of them in another model."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harmonic_core.errors import RunError
from harmonic_core.run.atomic import write_atomically
from harmonic_core.text import plain
from harmonic_core.training.state import TrainState

Shapes = Mapping[str, tuple[int, ...]]
"""Of a model's weights, by name."""

ELSEWHERE = ", or begin another run with what fits: add `--output-dir DIR --allow-partial`"


def write_export(path: Path, weights: Mapping[str, Tensor], profile_toml: str, step: int, epoch: int) -> None:
    """Write a small file with the weights alone; `torch.load(path, weights_only=True)` reads it.

    Parameters
    ----------
    path
        Where to.
    weights, profile_toml, step, epoch
        What: the weights that are to be heard, the profile in force, updates made and epochs closed.

    Raises
    ------
    OSError
        If there is no room; an earlier export of that name is untouched.
    """
    model = {name: tensor.detach().cpu() for name, tensor in weights.items()}
    export = io.BytesIO()
    torch.save({"model": model, "profile": profile_toml, "step": step, "epoch": epoch}, export)
    write_atomically(path, export.getvalue())


def read_export(path: Path) -> dict[str, Any]:
    """Read an export: `model` (weights by name), `profile` (TOML), `step`, `epoch`. Runs no code from the file.

    Raises
    ------
    RunError
        If it is no export.
    """
    try:
        export = torch.load(path, map_location="cpu", weights_only=True)
        return {
            "model": {str(name): tensor for name, tensor in export["model"].items() if isinstance(tensor, Tensor)},
            "profile": str(export["profile"]),
            "step": int(export["step"]),
            "epoch": int(export["epoch"]),
        }
    except Exception as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise RunError(f"{plain(str(path))}: not an export of this program ({plain(reason)})") from error


def load_weights(
    model: torch.nn.Module, weights: dict[str, Tensor], origin: str, *, partial: bool | None = None
) -> list[str]:
    """Load weights that must fit, or as far as they fit.

    Parameters
    ----------
    model
        Changed.
    weights
        By name, on the CPU.
    origin
        What they are, for people.
    partial
        Leave as it is what does not fit; None where that is out of the question.

    Returns
    -------
    list of str
        What was left as it is, and why; empty where everything fits.

    Raises
    ------
    RunError
        If names or shapes differ and that is not allowed, or nothing fits; the message lists the first of them.
    """
    own = model.state_dict()
    differences = misfits(shapes_of(own), shapes_of(weights))
    fitting = {name: tensor for name, tensor in weights.items() if name in own and own[name].shape == tensor.shape}
    if differences and not (partial and fitting):
        way_out = ""
        if fitting:
            way_out = ELSEWHERE if partial is None else ", or begin the rest anew with `--allow-partial`"
        raise other_model(origin, differences, way_out)
    model.load_state_dict(fitting, strict=False)
    return differences


def shapes_of(weights: Mapping[str, Tensor]) -> Shapes:
    """Shapes by name."""
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def misfits(own: Shapes, given: Shapes) -> list[str]:
    """What keeps weights of the shapes `given` from a model with those of `own`, a clause each; empty if they fit."""
    return [
        *(f"{plain(name)} is missing" for name in own if name not in given),
        *(f"{plain(name)} is unknown" for name in given if name not in own),
        *(
            f"{plain(name)} is {given[name]} instead of {shape}"
            for name, shape in own.items()
            if name in given and given[name] != shape
        ),
    ]


def other_model(origin: str, differences: Sequence[str], way_out: str = "") -> RunError:
    """The error for weights that do not fit, with the first of the `differences`."""
    shown = 12
    more = f" and {len(differences) - shown} more" if len(differences) > shown else ""
    return RunError(
        f"{plain(origin)}: the weights are of another model: {'; '.join(differences[:shown])}{more}. "
        f"Use the profile that they were trained with (architecture, n_mels, segment_length, latent_dim, …){way_out}"
    )


def export_bytes(state: TrainState) -> int:
    """About how many bytes the weights alone take."""
    return sum(tensor.nbytes for tensor in state.model.state_dict().values())
