"""Where new music is drawn from: the prior, the music that a model knows, a class of it, or one piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from harmonic_core.creating.listening import whole_posterior
from harmonic_core.creating.studio import Studio
from harmonic_core.generation import Cloud, cloud_of, noise, prior, wander
from harmonic_core.model.vae import Posterior


class Drawn(Protocol):
    """Something to draw latents from. The same number gives the same latents, whatever else is drawn."""

    def latent(self, number: int) -> Tensor:
        """The latent of one segment, (latent_dim,)."""
        ...

    def course(self, number: int) -> Iterator[Tensor]:
        """Latents, (latent_dim,) each, of segments that follow each other, for ever."""
        ...


@dataclass(frozen=True)
class FromCloud:
    """Draws from a Gaussian; on a course they change smoothly from one to another.

    Attributes
    ----------
    cloud
        The Gaussian.
    seed
        Decides what is drawn.
    temperature
        Scales its deviation.
    between
        Segments from one draw to the next on a course.
    """

    cloud: Cloud
    seed: int
    temperature: float
    between: int

    def latent(self, number: int) -> Tensor:
        """See `Drawn`."""
        return next(self.course(number))

    def course(self, number: int) -> Iterator[Tensor]:
        """See `Drawn`."""
        for found in wander(lambda step: noise(self.cloud.noise_size, self.seed, number, step), self.between):
            yield self.cloud.latents(found.unsqueeze(0), self.temperature)[0]


@dataclass(frozen=True)
class FromPiece:
    """Draws near the segments of a piece; a course follows the piece, and begins again after its end.

    Attributes
    ----------
    posterior
        Of its segments, in order.
    seed, temperature, between
        As for `FromCloud`: the deviation is what the model leaves open about a segment.
    """

    posterior: Posterior
    seed: int
    temperature: float
    between: int

    def latent(self, number: int) -> Tensor:
        """See `Drawn`; near a segment anywhere in the piece."""
        count = len(self.posterior.mu)
        chosen = int(np.random.default_rng((self.seed, number)).integers(count))
        return self._near(chosen, noise(self.posterior.mu.shape[1], self.seed, number, 0))

    def course(self, number: int) -> Iterator[Tensor]:
        """See `Drawn`."""
        count, size = self.posterior.mu.shape
        for place, found in enumerate(wander(lambda step: noise(size, self.seed, number, step), self.between)):
            yield self._near(place % count, found)

    def _near(self, segment: int, noise: Tensor) -> Tensor:
        mu, logvar = self.posterior.mu[segment], self.posterior.logvar[segment]
        return mu + self.temperature * noise * torch.exp(0.5 * logvar)


_SECONDS_BETWEEN = 16.0
"""From one draw to the next on a course."""


def drawn(
    studio: Studio,
    temperature: float,
    *,
    like: Path | None = None,
    label: tuple[str, str] | None = None,
    music: bool = False,
) -> Drawn:
    """What to draw from.

    Parameters
    ----------
    studio
        The model, and the seed.
    temperature
        Scales deviations, at least 0.
    like
        A piece.
    label
        Name and value of a label: music of which that is known.
    music
        Whether to draw from where all of the model's music lies. Default of all three: from the prior.

    Raises
    ------
    HarmonicError
        If the piece cannot be read, there is no such label, or the music is not known.
    """
    hop_s = (studio.voice.frames - studio.apart) * studio.voice.features.hop_length / studio.sample_rate
    between = max(1, round(_SECONDS_BETWEEN / hop_s))
    if like is not None:
        _, posterior = whole_posterior(studio.voice, studio.listen(like, studio.apart))
        return FromPiece(posterior, studio.seed, temperature, between)
    if label is None and not music:
        return FromCloud(prior(studio.latent_dim), studio.seed, temperature, between)
    latents = studio.latents()
    cloud = cloud_of(latents.of(*label) if label else latents.mu, latents.deviation)
    return FromCloud(cloud, studio.seed, temperature, between)
