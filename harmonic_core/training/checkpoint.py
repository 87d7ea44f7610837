"""Complete states on disk: written whole or not at all, checked before they are used, free of pickle.

checkpoints/step-00000500/model.safetensors    weights
                          ema.safetensors      their average, where there is one
                          optim.safetensors    state of the optimiser
                          vocoder.safetensors    the vocoder's network and its optimiser, where one is trained
                          rng.safetensors      random number generators of every rank
                          state.json           position, schedule, gradient scaler, running means
                          profile.toml         the profile in force
                          MANIFEST.json        SHA-256 of the others
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from harmonic_core.errors import RunError
from harmonic_core.run.atomic import fsync_directory, write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Best
from harmonic_core.text import plain
from harmonic_core.training.state import TrainState
from harmonic_core.training.weights import export_bytes, load_weights

_FOLDER = re.compile(r"step-(\d{8,})$")
MANIFEST = "MANIFEST.json"
VOCODER = "vocoder.safetensors"
PARTS = ("model.safetensors", "optim.safetensors", "rng.safetensors", "state.json", "profile.toml")
_LITTLE = 2**16


@dataclass(frozen=True)
class Snapshot:
    """The whole state of one moment, ready to be written."""

    step: int
    tensors: Mapping[str, Mapping[str, Tensor]]
    """By file and name."""
    position: Mapping[str, Any]
    """Everything that is no tensor."""


def snapshot(state: TrainState, generators: Sequence[Mapping[str, Tensor]] = (), *, copy: bool = False) -> Snapshot:
    """Take everything that a checkpoint holds.

    Parameters
    ----------
    state
        What to take.
    generators
        State of the random number generators of every rank, as `generator_states` gives it.
    copy
        Whether training goes on before it is written: then it is put aside, on the CPU.
    """
    tensors = {"model.safetensors": state.model.state_dict(), "optim.safetensors": _optimizer_tensors(state)}
    if state.averaged is not None:
        tensors["ema.safetensors"] = state.averaged.state_dict()
    if state.refining is not None:
        tensors[VOCODER] = state.refining.tensors()
    if copy:
        tensors = {name: {key: _aside(tensor) for key, tensor in part.items()} for name, part in tensors.items()}
    tensors["rng.safetensors"] = {
        f"{rank}/{name}": states[name] for rank, states in enumerate(generators) for name in states
    }
    return Snapshot(state.step, tensors, _position(state))


def write_checkpoint(run: RunDirectory, taken: Snapshot, profile_toml: str, *, milestone: bool = False) -> Path:
    """Write the whole state to `checkpoints/step-N`, atomically.

    Everything goes into a temporary folder beside the target, is forced to disk and renamed; a crash leaves either
    the old checkpoints or the new one as well.

    Parameters
    ----------
    run, taken, profile_toml
        Where to, what, and the profile in force.
    milestone
        Whether it is one of those to keep for good.

    Raises
    ------
    OSError
        If there is no room; earlier checkpoints are untouched.
    """
    target = run.checkpoints / f"step-{taken.step:08d}"
    temporary = run.checkpoints / f".{target.name}.{secrets.token_hex(4)}.tmp"
    # Never a run directory that has vanished: that must be told, not replaced.
    run.checkpoints.mkdir(exist_ok=True)
    temporary.mkdir()
    try:
        hashes = {}
        for name, content in _contents(taken, profile_toml, milestone=milestone):
            # Written from here: of a full disk safetensors makes an error of its own that hides which one it was.
            with (temporary / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            hashes[name] = hashlib.sha256(content).hexdigest()
        write_atomically(temporary / MANIFEST, json.dumps({"sha256": hashes}, indent=1))
        if target.exists():
            # A folder cannot be renamed over a full one; the old one steps aside and goes last.
            aside = temporary.with_suffix(".old")
            target.rename(aside)
            try:
                temporary.rename(target)
            except OSError:
                aside.rename(target)
                raise
            shutil.rmtree(aside)
        else:
            temporary.rename(target)
        fsync_directory(run.checkpoints)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target


def checkpoint_bytes(state: TrainState) -> int:
    """About how many bytes a checkpoint takes: weights, their average, two moments of each, and a little beside."""
    weights = export_bytes(state)
    moments = 2 * sum(weight.nbytes for weight in state.model.parameters())
    vocoder = sum(tensor.nbytes for tensor in state.refining.tensors().values()) if state.refining else 0
    return weights * (2 if state.averaged is not None else 1) + moments + vocoder + _LITTLE


def generator_states() -> dict[str, Tensor]:
    """State of this process's random number generators.

    Nothing that a run computes draws from them: order, crops, augmentation and noise are functions of the step. They
    are kept for what anybody may add.
    """
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def checkpoint_steps(run: RunDirectory) -> list[int]:
    """Steps of the checkpoints there are, ascending."""
    try:
        names = os.listdir(run.checkpoints)
    except OSError:
        return []
    return sorted(int(match[1]) for name in names if (match := _FOLDER.match(name)))


def bring_back_replaced(run: RunDirectory) -> None:
    """Put back what was stepping aside for a newer checkpoint of the same step when the trainer was killed."""
    for aside in run.checkpoints.glob(".step-*.old"):
        target = run.checkpoints / aside.name[1:].split(".")[0]
        if not target.exists():
            aside.rename(target)


def prune_checkpoints(run: RunDirectory, keep: int, best: int | None) -> None:
    """Remove all but the newest `keep` checkpoints, milestones and that of step `best`.

    What a killed trainer left half-written or half-removed goes as well.
    """
    for step in checkpoint_steps(run)[:-keep]:
        folder = run.checkpoints / f"step-{step:08d}"
        if step != best and not _is_milestone(folder):
            # A folder that is half removed must not look like a checkpoint that somebody altered.
            going = run.checkpoints / f".{folder.name}.{secrets.token_hex(4)}.tmp"
            with suppress(OSError):
                folder.rename(going)
    for leftover in run.checkpoints.glob(".step-*"):
        if leftover.is_symlink():
            leftover.unlink(missing_ok=True)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def _is_milestone(folder: Path) -> bool:
    try:
        return json.loads((folder / "state.json").read_bytes())["milestone"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return False


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

    def judged_weights(self) -> dict[str, Tensor]:
        """The average of the weights where there is one, else the weights; on the CPU."""
        average = self.path / "ema.safetensors"
        return load_file(average) if average.exists() else self.weights()

    @property
    def music(self) -> str:
        """Fingerprint of the music it was trained on; empty where that is not known."""
        try:
            return str(json.loads((self.path / "state.json").read_bytes())["music"])
        except (OSError, ValueError, LookupError, TypeError):
            return ""

    @property
    def steering(self) -> dict[str, Any] | None:
        """What people had changed under way, as `Steering.restore` takes it; None where nobody could."""
        try:
            told = json.loads((self.path / "state.json").read_bytes())["steering"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return told if isinstance(told, dict) else None

    @property
    def is_milestone(self) -> bool:
        """Whether it is one of those to keep for good."""
        return _is_milestone(self.path)

    @property
    def is_good(self) -> bool:
        """Whether the last update before it was one of numbers."""
        try:
            return not json.loads((self.path / "state.json").read_bytes())["bad"][1]
        except (OSError, ValueError, LookupError, TypeError):
            return False

    def restore(self, state: TrainState, rank: int = 0) -> None:
        """Put everything back into `state`, and into the random number generators of the process of `rank`.

        Raises
        ------
        RunError
            If the weights are of another model, or what is written makes no sense.
        """
        load_weights(state.model, self.weights(), str(self.path))
        try:
            self._restore_rest(state, rank)
        except (ValueError, LookupError, TypeError, RuntimeError, SafetensorError) as error:
            raise RunError(f"{self.path}: not a checkpoint of this program ({error}); use another one") from error

    def _restore_rest(self, state: TrainState, rank: int) -> None:
        position = json.loads((self.path / "state.json").read_bytes())
        _restore_optimizer(state, load_file(self.path / "optim.safetensors"))
        if state.averaged is not None:
            # A run that begins to average begins with what there is.
            state.averaged.load_state_dict(self.judged_weights())
        vocoder = self.path / VOCODER
        # A run that begins to train one begins anew, and so does one whose checkpoint is older than they are.
        if state.refining is not None and vocoder.exists():
            state.refining.restore(load_file(vocoder))
        state.step, state.epoch = int(position["step"]), int(position["epoch"])
        state.elapsed_s = float(position["elapsed_s"])
        state.best = Best.model_validate(position["best"]) if position["best"] else None
        state.interval.restore(position["interval"])
        state.epoch_means.restore(position["epoch_means"])
        state.bad.restore(position["bad"])
        state.plateau.restore(position["plateau"])
        state.steering.restore(position.get("steering"))
        if state.grad_accum_asked == int(position["grad_accum_asked"]):
            state.grad_accum_steps = int(position["grad_accum_steps"])
        # Somebody who asks for another rate begins with all of it.
        if state.rate_asked == float(position["rate_asked"]):
            state.rate_scale, state.rollbacks = float(position["rate_scale"]), int(position["rollbacks"])
        if position["scaler"]:
            state.scaler.load_state_dict(position["scaler"])
        generators = load_file(self.path / "rng.safetensors")
        if f"{rank}/cpu" in generators:
            torch.set_rng_state(generators[f"{rank}/cpu"])
        if f"{rank}/cuda" in generators and torch.cuda.is_available():
            torch.cuda.set_rng_state(generators[f"{rank}/cuda"])


def open_checkpoint(path: Path) -> Checkpoint:
    """Check every file of a checkpoint against its manifest.

    Raises
    ------
    RunError
        If a file is missing or altered; the message names it.
    """
    shown = plain(str(path))
    try:
        hashes = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        for name in {*PARTS, *hashes}:
            if Path(name).name != name or _sha256(path / name) != hashes[name]:
                raise RunError(f"{shown}/{plain(name)}: not what was written (SHA-256 differs); use another checkpoint")
        step = json.loads((path / "state.json").read_bytes())["step"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{shown}: not a complete checkpoint ({plain(str(error))}); use another one") from error
    if (named := _FOLDER.match(path.resolve().name)) and int(named[1]) != step:
        raise RunError(f"{shown}: renamed, it is the checkpoint of step {plain(str(step))}; give it its name back")
    return Checkpoint(path)


def newest_checkpoint(run: RunDirectory, *, good: bool = False) -> Checkpoint:
    """Newest checkpoint of a run that is whole; where that is asked for, and there is one, of a `good` moment.

    Raises
    ------
    RunError
        If there is none.
    """
    problems: list[str] = []
    for step in reversed(checkpoint_steps(run)):
        try:
            whole = open_checkpoint(run.checkpoints / f"step-{step:08d}")
        except RunError as error:
            problems.append(str(error))
            continue
        if whole.is_good or not good:
            return replace(whole, passed_over=tuple(problems))
    if good:
        return newest_checkpoint(run)
    reason = "; ".join(problems) or "none was written yet"
    raise RunError(f"{run.path}: no checkpoint to continue from: {reason}")


def _contents(taken: Snapshot, profile_toml: str, *, milestone: bool) -> Iterator[tuple[str, bytes]]:
    for name, tensors in taken.tensors.items():
        yield name, save(_contiguous(tensors))
    yield "state.json", json.dumps({**taken.position, "milestone": milestone}, indent=1).encode()
    yield "profile.toml", profile_toml.encode()


def _aside(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)


def _position(state: TrainState) -> dict[str, Any]:
    return {
        "step": state.step,
        "epoch": state.epoch,
        "elapsed_s": state.elapsed_s,
        "best": state.best.model_dump() if state.best else None,
        "interval": state.interval.state(),
        "epoch_means": state.epoch_means.state(),
        "bad": state.bad.state(),
        "plateau": state.plateau.state(),
        "grad_accum_steps": state.grad_accum_steps,
        "grad_accum_asked": state.grad_accum_asked,
        "music": state.music,
        "rate_asked": state.rate_asked,
        "rate_scale": state.rate_scale,
        "rollbacks": state.rollbacks,
        "steering": state.steering.state(),
        "scaler": state.scaler.state_dict(),
    }


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def _optimizer_tensors(state: TrainState) -> dict[str, Tensor]:
    names = [name for name, _ in state.model.named_parameters()]
    moments = state.optimizer.state_dict()["state"]
    return {f"{key}/{names[index]}": tensor for index, entry in moments.items() for key, tensor in entry.items()}


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
