"""Complete states on disk: written whole or not at all, checked before they are used, free of pickle.

checkpoints/step-00000500/model.safetensors    weights
                          optim.safetensors    state of the optimiser
                          state.json           position and running means
                          profile.toml         the profile in force
                          MANIFEST.json        SHA-256 of the others
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from harmonic_core.errors import RunError
from harmonic_core.run.atomic import fsync_directory, write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Best
from harmonic_core.training.state import TrainState

_FOLDER = re.compile(r"step-(\d{8,})$")
_MANIFEST = "MANIFEST.json"


def write_checkpoint(run: RunDirectory, state: TrainState, profile_toml: str) -> Path:
    """Write the whole state to `checkpoints/step-N`, atomically.

    Everything goes into a temporary folder beside the target, is forced to disk and renamed; a crash leaves either
    the old checkpoints or the new one as well.

    Raises
    ------
    OSError
        If there is no room; earlier checkpoints are untouched.
    """
    target = run.checkpoints / f"step-{state.step:08d}"
    temporary = run.checkpoints / f".{target.name}.{secrets.token_hex(4)}.tmp"
    temporary.mkdir(parents=True)
    try:
        # Written from here: of a full disk safetensors makes an error of its own that hides which one it was.
        (temporary / "model.safetensors").write_bytes(save(_contiguous(state.model.state_dict())))
        (temporary / "optim.safetensors").write_bytes(save(_optimizer_tensors(state)))
        (temporary / "state.json").write_text(json.dumps(_position(state), indent=1), encoding="utf-8")
        (temporary / "profile.toml").write_text(profile_toml, encoding="utf-8")
        hashes = {path.name: _sha256(path) for path in sorted(temporary.iterdir())}
        (temporary / _MANIFEST).write_text(json.dumps({"sha256": hashes}, indent=1), encoding="utf-8")
        for path in temporary.iterdir():
            _fsync(path)
        fsync_directory(temporary)
        if target.exists():
            # A folder cannot be renamed over a full one; the old one steps aside and goes last.
            aside = temporary.with_suffix(".old")
            target.rename(aside)
            temporary.rename(target)
            shutil.rmtree(aside)
        else:
            temporary.rename(target)
        fsync_directory(run.checkpoints)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target


def checkpoint_steps(run: RunDirectory) -> list[int]:
    """Steps of the checkpoints there are, ascending."""
    try:
        names = os.listdir(run.checkpoints)
    except OSError:
        return []
    return sorted(int(match[1]) for name in names if (match := _FOLDER.match(name)))


def prune_checkpoints(run: RunDirectory, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints, and what a killed trainer left half-written."""
    for step in checkpoint_steps(run)[:-keep]:
        shutil.rmtree(run.checkpoints / f"step-{step:08d}", ignore_errors=True)
    for leftover in run.checkpoints.glob(".step-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose files are what its manifest says."""

    path: Path
    passed_over: tuple[str, ...] = ()
    """Newer ones that are not whole, and what is wrong with each."""

    @property
    def step(self) -> int:
        """Updates made when it was written."""
        match = _FOLDER.match(self.path.resolve().name)
        return int(match[1]) if match else 0

    @property
    def profile(self) -> Path:
        """The profile that was in force."""
        return self.path / "profile.toml"

    def weights(self) -> dict[str, Tensor]:
        """The model's weights, on the CPU."""
        return load_file(self.path / "model.safetensors")

    def restore(self, state: TrainState) -> None:
        """Put everything back into `state`.

        Raises
        ------
        RunError
            If the weights are of another model.
        """
        load_weights(state.model, self.weights(), str(self.path))
        position = json.loads((self.path / "state.json").read_text(encoding="utf-8"))
        _restore_optimizer(state, load_file(self.path / "optim.safetensors"))
        state.step, state.epoch = position["step"], position["epoch"]
        state.elapsed_s = position["elapsed_s"]
        state.best = Best.model_validate(position["best"]) if position["best"] else None
        state.interval.restore(position["interval"])
        state.epoch_means.restore(position["epoch_means"])


def open_checkpoint(path: Path) -> Checkpoint:
    """Check every file of a checkpoint against its manifest.

    Raises
    ------
    RunError
        If a file is missing or altered; the message names it.
    """
    try:
        hashes = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))["sha256"]
        for name in ("model.safetensors", "optim.safetensors", "state.json", "profile.toml"):
            if _sha256(path / name) != hashes[name]:
                raise RunError(f"{path / name}: not what was written (SHA-256 differs); use another checkpoint")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: not a complete checkpoint ({error}); use another one") from error
    return Checkpoint(path)


def newest_checkpoint(run: RunDirectory) -> Checkpoint:
    """Newest checkpoint of a run that is whole.

    Raises
    ------
    RunError
        If there is none.
    """
    problems: list[str] = []
    for step in reversed(checkpoint_steps(run)):
        try:
            whole = open_checkpoint(run.checkpoints / f"step-{step:08d}")
            return replace(whole, passed_over=tuple(problems))
        except RunError as error:
            problems.append(str(error))
    reason = "; ".join(problems) or "none was written yet"
    raise RunError(f"{run.path}: no checkpoint to continue from: {reason}")


def write_export(path: Path, state: TrainState, profile_toml: str) -> None:
    """Write a small file with the weights alone; `torch.load(path, weights_only=True)` reads it.

    Raises
    ------
    OSError
        If there is no room; an earlier export of that name is untouched.
    """
    weights = {name: tensor.detach().cpu() for name, tensor in state.model.state_dict().items()}
    export = io.BytesIO()
    torch.save({"model": weights, "profile": profile_toml, "step": state.step, "epoch": state.epoch}, export)
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
        raise RunError(f"{path}: not an export of this program ({reason})") from error


def load_weights(model: torch.nn.Module, weights: dict[str, Tensor], origin: str) -> None:
    """Load weights that must fit exactly.

    Raises
    ------
    RunError
        If names or shapes differ; the message lists the first of them.
    """
    own = model.state_dict()
    differences = [f"{name} is missing" for name in own if name not in weights]
    differences += [f"{name} is unknown" for name in weights if name not in own]
    differences += [
        f"{name} is {tuple(weights[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise RunError(
            f"{origin}: the weights are of another model: {'; '.join(differences[:3])}{more}. "
            "Use the profile that they were trained with (architecture, n_mels, segment_length, latent_dim, …)"
        )
    model.load_state_dict(weights)


def _position(state: TrainState) -> dict[str, Any]:
    return {
        "step": state.step,
        "epoch": state.epoch,
        "elapsed_s": state.elapsed_s,
        "best": state.best.model_dump() if state.best else None,
        "interval": state.interval.state(),
        "epoch_means": state.epoch_means.state(),
    }


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def _optimizer_tensors(state: TrainState) -> dict[str, Tensor]:
    names = [name for name, _ in state.model.named_parameters()]
    moments = state.optimizer.state_dict()["state"]
    return _contiguous(
        {f"{key}/{names[index]}": tensor for index, entry in moments.items() for key, tensor in entry.items()}
    )


def _restore_optimizer(state: TrainState, tensors: dict[str, Tensor]) -> None:
    indices = {name: index for index, (name, _) in enumerate(state.model.named_parameters())}
    moments: dict[int, dict[str, Tensor]] = {}
    for label, tensor in tensors.items():
        key, name = label.split("/", 1)
        moments.setdefault(indices[name], {})[key] = tensor
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": moments})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
