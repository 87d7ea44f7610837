"""The figures of one pass over the validation segments, and the error that a model has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.segments import TrainingSegments, ValidationSegments, spread_evenly
from harmonic_core.data.tracks import Source
from harmonic_core.model.listening import Listening
from harmonic_core.model.loss import kl_per_dim, loss_of
from harmonic_core.model.vae import VAE, Posterior
from harmonic_core.profile.sections import Loss

ACTIVE_VARIANCE = 0.01
"""A dimension is active when the variance of mu over the data exceeds this (Burda, Grosse & Salakhutdinov 2016)."""
SPARSE_MU = 0.1
"""A dimension with |mu| below this says nothing of a segment."""

_NOISE_SEED = 20_130_613
_TYPICAL_SEGMENTS = 1024
_TYPICAL_FRAMES = 200_000
"""Of 128 bands 100 MB."""


@dataclass(frozen=True)
class Validation:
    """Means over the validation segments; units as in `harmonic_core.run.metrics`."""

    loss: float
    recon: float
    recon_db: float
    kl: float
    kl_per_dim: list[float]
    sparsity: float
    active_units: int
    recon_db_by_source: dict[Source, float]
    heard: dict[str, float]
    """Terms of `Listening` in use, without their weights."""

    @property
    def kl_nats(self) -> float:
        """KL of a segment in nats."""
        return math.fsum(self.kl_per_dim)


def mel_batches(segments: ValidationSegments, features: LogMel, batch_size: int) -> Iterator[Tensor]:
    """Mel spectrograms of all validation segments in order, (≤ batch_size, n_mels, frames) each."""
    device = features.window.device
    for first in range(0, len(segments), batch_size):
        yield features(torch.from_numpy(segments.batch(first, batch_size)).to(device))


class Tally(NamedTuple):
    """What a part of the validation segments adds to the figures of all; on the CPU."""

    sums: Tensor
    """(3 + terms,) float64: loss, recon, mel_l1 and the terms of `Listening`, summed over the segments."""
    kl: Tensor
    """(latent_dim,) float64: KL in nats, summed over the segments."""
    mu: Tensor
    """(segments, latent_dim)."""
    errors: Tensor
    """(segments,) mean absolute errors in normalised dB."""


def validate(
    model: VAE,
    features: LogMel,
    segments: ValidationSegments,
    loss: Loss,
    beta: float,
    batch_size: int,
    *,
    listening: Listening | None = None,
    part: slice = slice(None),
    collect: Callable[[Tally | None], list[Tally | None]] = lambda mine: [mine],
    stopped: Callable[[], bool] = lambda: False,
) -> Validation | None:
    """Measure a model on the validation segments, in evaluation mode; the same noise every time.

    The reconstruction is that of one draw from the posterior, so that error and KL belong to the same code.

    Parameters
    ----------
    listening
        Further terms of the loss.
    part, collect
        Where the segments are divided over several processes: those of this one, and what gathers everyone's tally in
        the order of the segments. Parts may differ in size; none is padded.
    stopped
        Asked between batches.

    Returns
    -------
    Validation
        None where it was stopped, here or in another process.

    Raises
    ------
    ValueError
        If there are no segments.
    """
    if not len(segments):
        raise ValueError("there is nothing to validate on")
    gathered = collect(_tally(model, features, segments, loss, beta, batch_size, listening, part, stopped))
    everyone = [tally for tally in gathered if tally is not None]
    if len(everyone) < len(gathered):
        return None
    sums = torch.stack([each.sums for each in everyone]).sum(dim=0)
    total, recon, mel_l1, *heard = (sums / len(segments)).tolist()
    by_dimension = (torch.stack([each.kl for each in everyone]).sum(dim=0) / len(segments)).tolist()
    mu, errors = (torch.cat([each[field] for each in everyone]) for field in (2, 3))
    return Validation(
        loss=total,
        recon=recon,
        recon_db=mel_l1 * features.dynamic_range_db,
        kl=math.fsum(by_dimension) / model.latent_dim,
        kl_per_dim=by_dimension,
        sparsity=sparsity(mu),
        active_units=active_units(mu),
        recon_db_by_source=_by_source(errors * features.dynamic_range_db, segments),
        heard=dict(zip(listening.weights if listening else (), heard, strict=True)),
    )


@torch.no_grad()
def _tally(
    model: VAE,
    features: LogMel,
    segments: ValidationSegments,
    loss: Loss,
    beta: float,
    batch_size: int,
    listening: Listening | None,
    part: slice,
    stopped: Callable[[], bool],
) -> Tally | None:
    # All of it at once: then the noise of a segment depends on nothing but its number.
    noise = torch.randn((len(segments), model.latent_dim), generator=torch.Generator().manual_seed(_NOISE_SEED))
    sums = torch.zeros(3 + (len(listening.weights) if listening else 0), dtype=torch.float64)
    kl_sum = torch.zeros(model.latent_dim, dtype=torch.float64)
    means, errors = [torch.zeros(0, model.latent_dim)], [torch.zeros(0)]
    first, end, _ = part.indices(len(segments))
    model.eval()
    try:
        while first < end:
            if stopped():
                return None
            count = min(batch_size, end - first)
            mel = features(torch.from_numpy(segments.batch(first, count)).to(features.window.device))
            reconstruction, posterior = model(mel, noise[first : first + count].to(mel.device))
            terms = loss_of(mel, reconstruction, posterior, beta, loss, listening)
            found = torch.cat((torch.stack((terms.loss, terms.recon, terms.mel_l1)), terms.heard))
            sums += found.cpu().double() * count
            kl_sum += kl_per_dim(posterior).cpu().double() * count
            means.append(posterior.mu.cpu())
            errors.append((reconstruction - mel).abs().mean(dim=(1, 2)).cpu())
            first += count
    finally:
        model.train()
    return Tally(sums, kl_sum, torch.cat(means), torch.cat(errors))


def _by_source(errors_db: Tensor, segments: ValidationSegments) -> dict[Source, float]:
    sources = [segments.source_of(index) for index in range(len(segments))]
    return {source: errors_db[[each == source for each in sources]].mean().item() for source in sorted(set(sources))}


def mean_deviation(posterior: Posterior) -> Tensor:
    """Root mean square over segments of the posterior's deviation in every dimension: (latent_dim,), above 0.

    The unit in which to measure how far latents lie apart: what the encoder is not sure of is no distance, and a
    dimension that says nothing counts for nothing, however its numbers are scaled.
    """
    deviation = posterior.logvar.cpu().double().exp().mean(dim=0).sqrt()
    return deviation.to(posterior.mu)


def sparsity(mu: Tensor) -> float:
    """Share of the entries of mu, (segments, latent_dim), with |mu| < 0.1."""
    return (mu.abs() < SPARSE_MU).double().mean().item()


def active_units(mu: Tensor) -> int:
    """Dimensions of mu, (segments, latent_dim), whose variance over the segments exceeds 0.01; 0 for one segment."""
    return int((mu.var(dim=0, unbiased=False) > ACTIVE_VARIANCE).sum())


def typical_segments(segments: TrainingSegments, most: int) -> NDArray[np.int64]:
    """Up to `most` indices of training segments, of which every beginning lies evenly spread over all: (count,)."""
    chosen = segments.spread(most)
    return chosen[spread_evenly(len(chosen))]


@torch.no_grad()
def typical_mels(segments: TrainingSegments, features: LogMel, batch_size: int) -> list[Tensor]:
    """Mel spectrograms of up to 1024 `typical_segments`, fewer long ones: (≤ batch_size, n_mels, frames) each."""
    frames = 1 + segments.segment_samples // features.hop_length
    chosen = typical_segments(segments, max(1, min(_TYPICAL_SEGMENTS, _TYPICAL_FRAMES // frames)))
    starts = segments.epoch_starts(0)
    mels = []
    for first in range(0, len(chosen), batch_size):
        samples = segments.batch(chosen[first : first + batch_size], starts)[:, : segments.segment_samples]
        mels.append(features(torch.from_numpy(samples).to(features.window.device)))
    return mels


@torch.no_grad()
def mean_spectrum_db(segments: ValidationSegments, features: LogMel, band_mean: Tensor, batch_size: int) -> float:
    """Error in dB of always answering with the spectrum `band_mean`, (n_mels, 1): what a model has to beat."""
    answer = band_mean.to(features.window.device)
    errors = [(mel - answer).abs().mean(dim=(1, 2)) for mel in mel_batches(segments, features, batch_size)]
    return torch.cat(errors).mean().item() * features.dynamic_range_db


@torch.no_grad()
def posterior_of(model: VAE, mel: Tensor) -> Posterior:
    """Posterior of mel spectrograms, in evaluation mode; the model is left in the mode that it was in."""
    was_training = model.training
    model.eval()
    posterior = model.encode(mel)
    model.train(was_training)
    return posterior
