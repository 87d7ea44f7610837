"""Making music with a trained model: draws, ways from one latent to another, directions, and the sound of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import Refine, mel_to_sound
from harmonic_core.evaluation.validation import posterior_of
from harmonic_core.model.vae import VAE, Posterior

Way = Literal["spherical", "linear"]
"""How to go from one latent to another."""

_AT_ONCE = 16
_OVERLAP = 1 / 3
_STRAIGHT = 1e-4
"""Sine of an angle, or length of a latent, below which a sphere tells no way."""
_NO_SPREAD = 1e-9


def draw(count: int, latent_dim: int, seed: int, temperature: float = 1.0) -> Tensor:
    """Latents from the prior, standard normal and scaled by `temperature`: (count, latent_dim), the same for a seed."""
    return torch.randn((count, latent_dim), generator=torch.Generator().manual_seed(seed)) * temperature


def walk(start: Tensor, end: Tensor, steps: int, way: Way = "spherical") -> Tensor:
    """Latents evenly spaced on the way from `start` to `end`, both included.

    The spherical way (Shoemake 1985) turns the direction evenly and takes the length over linearly: latents of a
    standard normal prior lie near a sphere, and the middle of a straight way between two of them lies well inside,
    where the model has seen nothing. Where the directions are the same or opposite, or one end is the origin, there is
    only the straight one.

    Parameters
    ----------
    start, end : (latent_dim,)
    steps
        At least two.
    way
        Which.

    Returns
    -------
    (steps, latent_dim)
    """
    share = torch.linspace(0.0, 1.0, steps, dtype=torch.float64).unsqueeze(1)
    one, other = start.double(), end.double()
    straight = torch.lerp(one, other, share)
    lengths = one.norm(), other.norm()
    if way == "linear" or min(lengths) < _STRAIGHT:
        return straight.float()
    angle = torch.dot(one / lengths[0], other / lengths[1]).clamp(-1.0, 1.0).arccos()
    if angle.sin() < _STRAIGHT:
        return straight.float()
    turned = ((1.0 - share) * angle).sin() * one / lengths[0] + (share * angle).sin() * other / lengths[1]
    path: Tensor = turned / angle.sin() * torch.lerp(*lengths, share)
    return path.float()


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


@dataclass(frozen=True)
class Voice:
    """A model with ears and a mouth: latents become sound, and mels become latents.

    Attributes
    ----------
    model
        Any.
    features
        Its analysis, on its device.
    refine
        A part of the vocoder; see `mel_to_sound`.
    offset
        What to add to its mels for them to be as loud as music; see `level_offset`.
    samples
        Length of a segment.
    steps
        Griffin-Lim iterations.
    seed
        Decides the vocoder's first phase.
    """

    model: VAE
    features: LogMel
    refine: Refine | None
    offset: float
    samples: int
    steps: int
    seed: int

    @torch.no_grad()
    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of normalised log-mels, (n, n_mels, frames), on the CPU."""
        found = [posterior_of(self.model, part.to(self._device)) for part in torch.split(mel, _AT_ONCE)]
        mu, logvar = (torch.cat([each[place].float().cpu() for each in found]) for place in (0, 1))
        return Posterior(mu, logvar)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Mels of latents, (n, latent_dim), as loud as music: (n, n_mels, frames), on the device of the model."""
        was_training = self.model.training
        self.model.eval()
        mels = [self.model.decode(part.to(self._device)).float() for part in torch.split(latents, _AT_ONCE)]
        self.model.train(was_training)
        return torch.cat(mels) + self.offset

    def sound(self, latent: Tensor) -> NDArray[np.float32]:
        """One segment of sound, (samples,) in [−1, 1], of one latent, (latent_dim,)."""
        return self._render(self.decode(latent.unsqueeze(0)))

    def sound_of_mel(self, mel: Tensor) -> NDArray[np.float32]:
        """Sound, (samples,) in [−1, 1], of a normalised log-mel, (n_mels, frames)."""
        return self._render(mel.unsqueeze(0).to(self._device))

    def continuous(self, latents: Tensor, overlap: float = _OVERLAP) -> tuple[NDArray[np.float32], list[float]]:
        """One sound in which segments of latents, (n, latent_dim), follow each other, the next faded into the last.

        They are faded before there is any sound, as powers of mel bands, and rendered as one: no phases that cancel,
        no clicks, and of what is not alike the loudness stays.

        Parameters
        ----------
        latents : (n, latent_dim)
            At least one.
        overlap
            Share of a segment in which the next begins, 0 to ½.

        Returns
        -------
        (samples,)
            In [−1, 1].
        starts
            Where in it each segment begins, as a share of the whole.
        """
        power = self.features.mel_power(self.decode(latents))
        frames = power.shape[2]
        faded = min(round(frames * overlap), frames // 2)
        hop = frames - faded
        rise = (torch.arange(faded, device=power.device) + 1.0) / (faded + 1.0)
        total = power.new_zeros((power.shape[1], hop * (len(power) - 1) + frames))
        for index, segment in enumerate(power):
            weight = power.new_ones(frames)
            if index:
                weight[:faded] = rise
            if index < len(power) - 1:
                weight[frames - faded :] = rise.flip(0)
            total[:, index * hop : index * hop + frames] += segment * weight
        sound = self._render(self.features.from_bands(total.T.unsqueeze(0)))
        return sound, [index * hop / total.shape[1] for index in range(len(power))]

    def _render(self, mel: Tensor) -> NDArray[np.float32]:
        hop = self.features.hop_length
        # A segment's samples are seldom whole hops; of several joined there are as many as frames say.
        whole = mel.shape[2] == 1 + self.samples // hop
        samples = self.samples if whole else (mel.shape[2] - 1) * hop
        sound = mel_to_sound(mel, self.features, samples, self.steps, self.seed, self.refine)
        rendered: NDArray[np.float32] = sound[0].cpu().numpy()
        return rendered

    @property
    def _device(self) -> torch.device:
        return self.features.window.device
