"""The model that a profile asks for."""

from __future__ import annotations

import torch

from harmonic_core.hearing.scales import mel_band_centres
from harmonic_core.model.convolutional import ConvolutionalVAE
from harmonic_core.model.dense import DenseVAE
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import DEFAULT_HIDDEN_DIMS, Audio, Model


def build_model(model: Model, audio: Audio, frames: int) -> VAE:
    """Make a model with fresh weights, drawn from torch's global random numbers.

    Parameters
    ----------
    model
        Architecture and sizes.
    audio
        Whose mel spectrograms.
    frames
        Length of a segment.
    """
    hidden_dims = DEFAULT_HIDDEN_DIMS[model.architecture] if model.hidden_dims is None else model.hidden_dims
    if model.architecture == "dense":
        return DenseVAE(audio.n_mels, frames, model.latent_dim, hidden_dims)
    return ConvolutionalVAE(
        audio.n_mels,
        frames,
        model.latent_dim,
        latent_frames=model.latent_frames,
        hidden_dims=hidden_dims,
        kernel_size=model.kernel_size,
        blocks_per_stage=model.blocks_per_stage,
        refining_blocks=model.refining_blocks,
        principal=model.principal_components,
        harmonics=_band_centres(audio) if model.harmonic_stacking else None,
    )


def _band_centres(audio: Audio) -> list[float]:
    # Also where a model is only to be looked at, on the device "meta", these are needed.
    with torch.device("cpu"):
        centres = mel_band_centres(audio.n_mels, audio.f_min, audio.f_max or audio.sample_rate / 2)
        return [float(centre) for centre in centres]
