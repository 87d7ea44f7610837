"""Latents by chance: from the prior, or from where music lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


def draw(count: int, latent_dim: int, seed: int, temperature: float = 1.0) -> Tensor:
    """Latents from the prior, standard normal and scaled by `temperature`: (count, latent_dim), the same for a seed."""
    return torch.randn((count, latent_dim), generator=torch.Generator().manual_seed(seed)) * temperature


def noise(size: int, seed: int, *place: int) -> Tensor:
    """Standard normal numbers, (size,), as a function of seed and place alone: the seventh needs no first six."""
    state = np.random.SeedSequence((seed, *place)).generate_state(1, np.uint64)[0]
    return torch.randn(size, generator=torch.Generator().manual_seed(int(state) >> 1))


@dataclass(frozen=True)
class Cloud:
    """A Gaussian of latents, made from standard normal noise.

    Attributes
    ----------
    mean : (latent_dim,)
    deviation : (latent_dim,)
        What every dimension has for itself.
    axes : (count, latent_dim)
        What dimensions have in common: each adds its outer product to the covariance.
    """

    mean: Tensor
    deviation: Tensor
    axes: Tensor

    @property
    def noise_size(self) -> int:
        """How many numbers of noise make a latent."""
        return len(self.deviation) + len(self.axes)

    def latents(self, noise: Tensor, temperature: float) -> Tensor:
        """Latents, (n, latent_dim), of noise, (n, noise_size), its deviation scaled by `temperature`."""
        own, common = noise[:, : len(self.deviation)], noise[:, len(self.deviation) :]
        return self.mean + temperature * (own * self.deviation + common @ self.axes)


def prior(latent_dim: int) -> Cloud:
    """The standard normal distribution that every VAE is trained towards."""
    return Cloud(torch.zeros(latent_dim), torch.ones(latent_dim), torch.zeros(0, latent_dim))


def cloud_of(mu: Tensor, deviation: Tensor) -> Cloud:
    """The Gaussian that music with these posteriors is drawn from, all of them together.

    Its covariance is that of the means, shrunk towards its diagonal as far as Ledoit & Wolf (2004) have it for so few
    of so many dimensions, and the posterior's own variance beside it.

    Parameters
    ----------
    mu : (segments, latent_dim)
        Posterior means; at least one.
    deviation : (latent_dim,)
        Typical standard deviation of a posterior.
    """
    mean = mu.mean(dim=0)
    beside = (mu - mean) / len(mu) ** 0.5
    variance = beside.square().sum(dim=0)
    shrunk = _shrinkage(beside, variance)
    return Cloud(mean, (shrunk * variance + deviation.square()).sqrt(), (1.0 - shrunk) ** 0.5 * beside)


def _shrinkage(beside: Tensor, variance: Tensor) -> float:
    """Share of the covariance's diagonal that estimates it best, 0 to 1; of one segment nothing else is known."""
    from sklearn.covariance import ledoit_wolf_shrinkage  # type: ignore[import-untyped, unused-ignore]

    varying = variance > 0.0
    if not varying.any():
        return 1.0
    scaled = beside[:, varying] / variance[varying].sqrt()
    return float(ledoit_wolf_shrinkage(scaled.double().numpy(), assume_centered=True))
