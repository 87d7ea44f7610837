"""A plain multilayer perceptron over the flattened mel spectrogram: the baseline to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from harmonic_core.model.vae import VAE, Posterior, clamped_posterior


def _perceptron(widths: Sequence[int]) -> nn.Sequential:
    layers = [layer for before, after in pairwise(widths) for layer in (nn.Linear(before, after), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class DenseVAE(VAE):
    """Encoder and decoder of fully connected layers with ReLU, the decoder mirroring the encoder.

    Parameters
    ----------
    hidden_dims
        Units of the encoder's layers from the input inwards.
    """

    def __init__(self, n_mels: int, frames: int, latent_dim: int, hidden_dims: Sequence[int]) -> None:
        super().__init__(n_mels, frames, latent_dim)
        self.encoder = _perceptron((n_mels * frames, *hidden_dims, 2 * latent_dim))
        self.decoder = _perceptron((latent_dim, *reversed(hidden_dims), n_mels * frames))

    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of each segment; see `VAE.encode`."""
        mu, logvar = self.encoder(mel.flatten(1)).chunk(2, dim=1)
        return clamped_posterior(mu, logvar)

    def decode(self, z: Tensor) -> Tensor:
        """Mel spectrograms of latents; see `VAE.decode`."""
        mel: Tensor = self.decoder(z).unflatten(1, (self.n_mels, self.frames))
        return mel
