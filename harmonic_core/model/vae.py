"""What every architecture shares: encode, draw, decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

LOGVAR_LIMITS = (-12.0, 6.0)
"""Range to which the log variance of the posterior is held, so that neither it nor its exponential overflows."""

_LEAST_DEVIATION = 0.02


class Posterior(NamedTuple):
    """Diagonal Gaussian over the latent of each segment."""

    mu: Tensor
    """(batch, latent_dim) means."""
    logvar: Tensor
    """(batch, latent_dim) logarithms of the variances, within `LOGVAR_LIMITS`."""

    def draw(self, noise: Tensor) -> Tensor:
        """One latent a segment, by reparameterisation (Kingma & Welling 2014): (batch, latent_dim), as `noise`."""
        return self.mu + noise * torch.exp(0.5 * self.logvar)


class VAE(nn.Module, ABC):
    """A variational autoencoder of normalised log-mel spectrograms.

    Parameters
    ----------
    n_mels
        Mel bands.
    frames
        Frames of a segment.
    latent_dim
        Numbers in the latent of one segment.
    """

    band_mean: Tensor
    band_std: Tensor

    def __init__(self, n_mels: int, frames: int, latent_dim: int) -> None:
        super().__init__()
        self.n_mels = n_mels
        self.frames = frames
        self.latent_dim = latent_dim
        self.register_buffer("band_mean", torch.full((n_mels, 1), 0.5))
        self.register_buffer("band_std", torch.full((n_mels, 1), 0.25))

    @torch.no_grad()
    def begin_with(self, mels: Sequence[Tensor]) -> None:
        """Begin with what the music is like: mean and deviation of every band, and what else an architecture takes.

        Parameters
        ----------
        mels : (segments, n_mels, frames) each
            Normalised log-mels of training segments; at least one segment.
        """
        count, total, squares = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for mel in mels:
            exact = mel.cpu().double()
            count += mel.shape[0] * mel.shape[2]
            total = total + exact.sum(dim=(0, 2))
            squares = squares + exact.square().sum(dim=(0, 2))
        mean = total / count
        deviation = (squares / count - mean.square()).clamp_min(0.0).sqrt()
        self.band_mean.copy_(mean.float().unsqueeze(1))
        self.band_std.copy_(deviation.float().clamp_min(_LEAST_DEVIATION).unsqueeze(1))

    @abstractmethod
    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of each segment.

        Parameters
        ----------
        mel : (batch, n_mels, frames)
            Normalised log-mel.
        """

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Mel spectrograms of latents.

        Parameters
        ----------
        z : (batch, latent_dim)

        Returns
        -------
        mel : (batch, n_mels, frames)
            Normalised log-mel; about [0, 1], not clamped.
        """

    def forward(self, mel: Tensor, noise: Tensor) -> tuple[Tensor, Posterior]:
        """Reconstruct from one draw of the posterior.

        Parameters
        ----------
        mel : (batch, n_mels, frames)
            Normalised log-mel.
        noise : (batch, latent_dim)
            Standard normal.

        Returns
        -------
        reconstruction : (batch, n_mels, frames)
        posterior
        """
        posterior = self.encode(mel)
        return self.decode(posterior.draw(noise)), posterior

    def sample(self, noise: Tensor, temperature: float = 1.0) -> Tensor:
        """Decode draws from the prior, standard normal `noise` scaled by `temperature`: (batch, n_mels, frames)."""
        return self.decode(noise * temperature)


def clamped_posterior(mu: Tensor, logvar: Tensor) -> Posterior:
    """Posterior of an encoder's two outputs, (batch, latent_dim) each: in float32, the log variances clamped."""
    return Posterior(mu.float(), logvar.float().clamp(*LOGVAR_LIMITS))
