"""What every exported model holds, whatever its format: one safetensors document with all that making music needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from harmonic_core import __version__
from harmonic_core.model.refiner import Refiner
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml, without_place
from harmonic_core.sharing.latents import Latents
from harmonic_core.training.trained import Trained

VERSION = 1
"""Of the layout; a reader refuses a newer one."""
MARK = "harmonic_vae"
"""Key of the metadata that says so."""
MODEL, VOCODER, LATENTS = "model.", "vocoder.", "latents."
"""What names of tensors begin with."""
_PLACES = {"dataset_dir": None, "custom_dir": (), "maestro_dir": (), "gtzan_dir": (), "cache_dir": None}


@dataclass(frozen=True)
class Contents:
    """A model, ready to be given away.

    Attributes
    ----------
    tensors
        By name; those of the model, of its vocoder's network and of what is known of its music.
    metadata
        Text by key. `profile` is TOML, `card` Markdown, everything else JSON.
    """

    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    def with_card(self, card: str) -> Contents:
        """The same with a model card."""
        return Contents(self.tensors, {**self.metadata, "card": card})

    def document(self) -> bytes:
        """All of it in the safetensors format."""
        # Readers of other programs look for a `format`.
        return save(self.tensors, {"format": "pt", **self.metadata})


def contents_of(
    trained: Trained, name: str, fingerprint: str, latents: Latents | None, offset: float | None
) -> Contents:
    """Put together what is given away of a model. Where its music lay, and what its files were called, stays behind.

    Parameters
    ----------
    trained
        The model, on the CPU.
    name, fingerprint
        What it is called, and its weights' hash.
    latents
        What is known of its music; None to leave that out.
    offset
        What to add to its mels for them to be as loud as music; None where that is not known.
    """
    tensors = {MODEL + name: tensor for name, tensor in trained.model.state_dict().items()}
    if isinstance(trained.refine, Refiner):
        tensors |= {VOCODER + name: tensor for name, tensor in trained.refine.state_dict().items()}
    about = {
        "name": name,
        "step": trained.step,
        "epoch": trained.epoch,
        "fingerprint": fingerprint,
        "program": f"harmonic-vae {__version__}",
        "offset": offset,
    }
    metadata = {
        MARK: str(VERSION),
        "about": json.dumps(about),
        "features": json.dumps(feature_settings(trained.profile)),
        "profile": to_toml(shareable_profile(trained.profile)),
    }
    if latents is not None:
        tensors |= {LATENTS + "mu": latents.mu, LATENTS + "deviation": latents.deviation}
        known = {"labels": _without_names(latents), "estimated": sorted(latents.estimated)}
        metadata["latents"] = json.dumps(known)
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return Contents(ready, metadata)


def shareable_profile(profile: Profile) -> Profile:
    """The profile without any folder of the machine that it ran on, and for whatever device there is."""
    settled = without_place(profile)
    parts = {
        "data": settled.data.model_copy(update=_PLACES),
        "run": settled.run.model_copy(update={"device": "auto"}),
    }
    return settled.model_copy(update=parts)


def feature_settings(profile: Profile) -> dict[str, Any]:
    """How sound becomes what the encoder takes and the decoder gives, for programs that do not know this one."""
    audio = profile.audio
    return {
        "sample_rate": audio.sample_rate,
        "channels": 1,
        "segment_samples": profile.segment_samples,
        "frames": profile.segment_frames,
        "n_fft": audio.n_fft,
        "win_length": audio.n_fft,
        "window": "hann, periodic, times 2 / its sum: a full-scale sine peaks at a power of 1",
        "hop_length": audio.hop_length,
        "center": True,
        "pad_mode": "constant",
        "power": 2.0,
        "n_mels": audio.n_mels,
        "f_min": audio.f_min,
        "f_max": audio.f_max or audio.sample_rate / 2,
        "mel_scale": "slaney",
        "mel_norm": None,
        "top_db": audio.top_db,
        "dynamic_range_db": audio.dynamic_range_db,
        "scaling": "mel = clip((10 log10(power) - top_db) / dynamic_range_db + 1, 0, 1)",
        "latent_dim": profile.model.latent_dim,
    }


def _without_names(latents: Latents) -> dict[str, list[str]]:
    """Labels with numbers in place of the tracks' names, which are those of somebody's files."""
    titles = list(dict.fromkeys(latents.labels.get("track", [])))
    numbered = {title: f"track {number}" for number, title in enumerate(titles, 1)}
    return {
        label: [numbered[value] for value in values] if label == "track" else values
        for label, values in latents.labels.items()
    }


def expected(model: torch.nn.Module, prefix: str) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shape and type of every tensor of a network, under the names that they have in a document."""
    return {prefix + name: (tuple(each.shape), each.dtype) for name, each in model.state_dict().items()}
