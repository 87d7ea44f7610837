"""Everything that computes in a run, put together on its device: analysis, augmentation, model, optimiser."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import Augmentation
from harmonic_core.data.loading import BatchLoader
from harmonic_core.evaluation.validation import typical_mels
from harmonic_core.model.build import build_model
from harmonic_core.model.listening import Listening
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Profile
from harmonic_core.training.distributed import Team
from harmonic_core.training.journal import Journal
from harmonic_core.training.material import Material
from harmonic_core.training.state import TrainState
from harmonic_core.training.steering import Steering
from harmonic_core.training.update import make_state


@dataclass(frozen=True)
class Assembly:
    """What an update needs.

    Attributes
    ----------
    features
        Mels of sound.
    listening
        Terms of the loss that know of ears and of music; may have none in use.
    state
        Model, optimiser, position.
    """

    features: LogMel
    listening: Listening
    state: TrainState


def assemble(profile: Profile, material: Material, loader: BatchLoader, device: torch.device) -> Assembly:
    """Put together what a run computes with; the weights are a function of the seed."""
    features = LogMel(profile.audio).to(device)
    torch.manual_seed(profile.run.seed)
    model = build_model(profile.model, profile.audio, profile.segment_frames)
    model.to(device).begin_with(typical_mels(material.training, features, loader.batch_size))
    listening = Listening(profile.audio, profile.loss, features).to(device)
    state = make_state(model, profile.train, device, listening.weights)
    state.steering = Steering(profile)
    return Assembly(features, listening, state)


def augmentation_of(profile: Profile, features: LogMel, strength: float, device: torch.device) -> Augmentation | None:
    """What changes the sound so far; None where nothing is to be changed."""
    if not strength:
        return None
    return Augmentation(profile.audio, features, strength, profile.segment_frames).to(device)


def wrap(model: VAE, device: torch.device, team: Team, journal: Journal, *, compiled: bool) -> Callable[..., Any]:
    """The model as an update calls it: compiled where that is wanted and possible, its gradients shared by the team."""
    forward: torch.nn.Module = model
    if compiled and _can_compile(device, journal):
        forward = torch.compile(model)  # type: ignore[assignment]
    if team.is_alone:
        return forward
    # Every rank has the same buffers already, made from the same music. Torch 2.13 has a new word for that.
    words = inspect.signature(DistributedDataParallel).parameters
    buffers: dict[str, Any] = {
        "forward_sync_buffers" if "forward_sync_buffers" in words else "broadcast_buffers": False
    }
    return DistributedDataParallel(forward, device_ids=[device.index] if device.type == "cuda" else None, **buffers)


def _can_compile(device: torch.device, journal: Journal) -> bool:
    """Try the compiler on next to nothing: the machine may lack one."""
    try:
        torch.compile(lambda x: x + 1.0)(torch.ones(2, device=device))
    except (RuntimeError, OSError, ImportError) as error:  # each part of the compiler fails in its own way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        journal.warn(f"train.compile: torch.compile does not work here ({reason}); going on without it")
        return False
    return True
