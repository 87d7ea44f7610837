"""The directions along which music differs most, as sliders of a latent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Directions:
    """Principal directions of latents, in which distances are counted in deviations of the posterior.

    What the encoder is not sure of is no distance; a dimension that says nothing counts for nothing.

    Attributes
    ----------
    mean : (latent_dim,)
        Of the latents, in those deviations, as the next.
    axes : (count, latent_dim)
        Unit vectors, the one along which there is most variance first.
    spread : (count,)
        Standard deviation of the latents along each.
    shares : (count,)
        Share of the variance along each.
    deviation : (latent_dim,)
        The unit.
    """

    mean: Tensor
    axes: Tensor
    spread: Tensor
    shares: Tensor
    deviation: Tensor

    def coordinates(self, latents: Tensor) -> Tensor:
        """Where latents, (n, latent_dim), lie, in standard deviations from the mean: (n, count)."""
        return ((latents / self.deviation - self.mean) @ self.axes.T) / self.spread

    def latent(self, coordinates: Tensor, base: Tensor | None = None) -> Tensor:
        """Latent with these `coordinates` on the first directions; in all others it is as `base`, or as the mean.

        Parameters
        ----------
        coordinates : (k,)
            In standard deviations; k may be less than there are directions.
        base : (latent_dim,)
            A latent.

        Returns
        -------
        (latent_dim,)
        """
        axes, spread = self.axes[: len(coordinates)], self.spread[: len(coordinates)]
        place = self.mean + (coordinates * spread) @ axes
        if base is not None:
            beside = base / self.deviation - self.mean
            place = place + beside - (axes @ beside) @ axes
        return place * self.deviation


def principal_directions(mu: Tensor, deviation: Tensor) -> Directions:
    """Principal directions of posterior means, the same at every call.

    Parameters
    ----------
    mu : (segments, latent_dim)
        At least one.
    deviation : (latent_dim,)
        As `mean_deviation` gives it.

    Returns
    -------
    Directions
        As many as there is spread in; none where all latents are the same.
    """
    scaled = (mu / deviation).double()
    mean = scaled.mean(dim=0)
    _, sizes, axes = torch.linalg.svd(scaled - mean, full_matrices=False)
    spread = sizes / len(mu) ** 0.5
    real = spread > max(_NO_SPREAD, 1e-6 * float(spread[0]))
    axes, spread = axes[real], spread[real]
    # A singular vector is one of two: that whose largest part is positive.
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    shares = spread.square() / spread.square().sum().clamp_min(_NO_SPREAD)
    return Directions(mean.float(), (axes * largest).float(), spread.float(), shares.float(), deviation)
