"""The model that a profile asks for."""

from __future__ import annotations

from harmonic_core.model.convolutional import ConvolutionalVAE
from harmonic_core.model.dense import DenseVAE
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import DEFAULT_HIDDEN_DIMS, Model


def build_model(model: Model, n_mels: int, frames: int) -> VAE:
    """Make a model with fresh weights, drawn from torch's global random numbers.

    Parameters
    ----------
    model
        Architecture and sizes.
    n_mels, frames
        Shape of one segment's mel spectrogram.
    """
    hidden_dims = model.hidden_dims or DEFAULT_HIDDEN_DIMS[model.architecture]
    if model.architecture == "dense":
        return DenseVAE(n_mels, frames, model.latent_dim, hidden_dims)
    return ConvolutionalVAE(
        n_mels,
        frames,
        model.latent_dim,
        latent_frames=model.latent_frames,
        hidden_dims=hidden_dims,
        kernel_size=model.kernel_size,
        blocks_per_stage=model.blocks_per_stage,
    )
