"""A studio with a small model that nobody trained, and music for it: what is tested here needs no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from harmonic_core.audio.features import LogMel
from harmonic_core.creating.studio import Studio
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Profile
from harmonic_core.sharing.latents import Latents
from harmonic_core.sharing.opened import Opened, fingerprint
from harmonic_core.training.trained import Trained

PROFILE = Profile.model_validate(
    {
        "data": {"segment_length": 1.0},
        "audio": {"n_mels": 32, "n_fft": 512, "hop_length": 256, "sample_rate": 8000},
        "model": {"hidden_dims": [16, 16], "latent_dim": 8},
        "evaluation": {"griffin_lim_steps": 4},
    }
)
RATE = PROFILE.audio.sample_rate
GENRES = ["jazz"] * 10 + ["metal"] * 10


def studio(seed: int = 0) -> Studio:
    """The studio. Its music lies in two places, one a genre."""
    torch.manual_seed(0)
    model = build_model(PROFILE.model, PROFILE.audio, PROFILE.segment_frames).eval()
    trained = Trained(PROFILE, model, LogMel(PROFILE.audio), None, "weights", 7, 2)
    mu = torch.randn((20, 8), generator=torch.Generator().manual_seed(1)) * 0.1
    mu[:10] += 2.0
    mu[10:] -= 2.0
    latents = Latents(mu, torch.full((8,), 0.1), {"genre": GENRES}, frozenset(), 0.0)
    return Studio(Opened(trained, None, "small", fingerprint(trained), latents), seed)


def write_tune(path: Path, seconds: float, rate: int = RATE) -> Path:
    """A few notes that change every second, and become softer towards the end."""
    time = np.arange(round(seconds * rate)) / rate
    hertz = np.array([220.0, 330.0, 247.0, 294.0])[time.astype(int) % 4]
    sound = 0.5 * np.sin(2 * np.pi * np.cumsum(hertz) / rate) * np.linspace(1.0, 0.1, len(time))
    soundfile.write(path, sound, rate)
    return path
