"""Pieces of music: drawn, gone through by a model, changed on the way, or led from one to another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from harmonic_core.audio.decode import Samples
from harmonic_core.creating.listening import posteriors, typical, whole_posterior
from harmonic_core.creating.sources import Drawn
from harmonic_core.creating.studio import Placed, Studio
from harmonic_core.errors import DataError
from harmonic_core.evaluation.validation import mean_deviation
from harmonic_core.generation import noise, prior
from harmonic_core.text import plain

_AT_ONCE = 16


def long_piece(studio: Studio, source: Drawn, number: int, seconds: float) -> Samples:
    """A piece of so many seconds that wanders through the latent space: (samples,)."""
    samples = max(1, round(seconds * studio.sample_rate))
    advance = studio.voice.frames - studio.apart
    # One segment more than is heard: the last one is faded into as all others are.
    count = 2 + samples // studio.voice.features.hop_length // advance
    latents = islice(source.course(number), count)
    return studio.perform(_in_order(latents, advance), studio.apart, lambda: samples)


def joined(studio: Studio, latents: Tensor) -> Samples:
    """Segments of latents, (n, latent_dim), one after the other, each faded into the next: (samples,)."""
    advance = studio.voice.frames - studio.apart
    samples = (len(latents) - 1) * advance * studio.voice.features.hop_length + studio.voice.samples
    return studio.perform(_in_order(iter(latents), advance), studio.apart, lambda: samples)


def _in_order(latents: Iterator[Tensor], advance: int) -> Placed:
    number = 0
    while some := list(islice(latents, _AT_ONCE)):
        yield [advance * (number + index) for index in range(len(some))], torch.stack(some)
        number += len(some)


def through_the_model(studio: Studio, path: Path, shift: Tensor | None = None) -> Samples:
    """A whole file as the model gives it back: (samples,), as long as the file is at the model's sample rate.

    Parameters
    ----------
    studio
        The model.
    path
        The file.
    shift : (latent_dim,)
        What is added to the latent of every segment.

    Raises
    ------
    DataError
        If it is no music.
    """
    cuts = studio.listen(path, studio.close)
    move = torch.zeros(studio.latent_dim) if shift is None else shift
    placed = ((starts, posterior.mu + move) for starts, posterior in posteriors(studio.voice, cuts))
    return studio.perform(placed, studio.close, lambda: cuts.samples, alike=True)


def between_classes(studio: Studio, label: str, one: str, other: str, amount: float) -> Tensor:
    """What leads from the mean latent of one class to that of another, so many times: (latent_dim,)."""
    latents = studio.latents()
    return amount * (latents.of(label, other).mean(dim=0) - latents.of(label, one).mean(dim=0))


def place_of(studio: Studio, name: str, temperature: float) -> tuple[Tensor, str]:
    """The latent, (latent_dim,), that a name stands for, and in a few words what it is.

    Parameters
    ----------
    studio
        The model.
    name
        A file; LABEL:VALUE as `genre:jazz`; or `seed:3`. Of files and labels it is the most typical segment.
    temperature
        Of a draw.

    Raises
    ------
    HarmonicError
        If it stands for nothing.
    """
    path = Path(name)
    label, colon, value = name.partition(":")
    if colon and not path.exists():
        if label == "seed":
            return _drawn(studio, value, temperature), f"the draw of seed {value}"
        latents = studio.latents()
        if label not in latents.labels:
            known = ", ".join(f"{plain(each, 40)}:" for each in ("seed", *latents.labels))
            raise DataError(f"{plain(name)}: no such file and no such label; there are {known}")
        mu = latents.of(label, value)
        return mu[typical(mu, latents.deviation)], f"typical of {plain(label, 40)} {plain(value, 60)}"
    if not path.exists():
        raise DataError(f"{plain(name)}: no such file; name music, LABEL:VALUE as genre:jazz, or seed:NUMBER")
    starts, posterior = whole_posterior(studio.voice, studio.listen(path, studio.close))
    chosen = typical(posterior.mu, mean_deviation(posterior))
    at_s = starts[chosen] * studio.voice.features.hop_length / studio.sample_rate
    return posterior.mu[chosen], f"{plain(path.name)} at {at_s:.1f} s"


def _drawn(studio: Studio, value: str, temperature: float) -> Tensor:
    if not value.isdecimal() or int(value) >= 2**63:
        raise DataError(f"seed:{plain(value, 40)}: a seed is a whole number from 0 to 2⁶³ − 1")
    cloud = prior(studio.latent_dim)
    return cloud.latents(noise(cloud.noise_size, int(value), 0, 0).unsqueeze(0), temperature)[0]
