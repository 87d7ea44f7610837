"""The figures of one pass over the validation segments, and the error that a model has to beat."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.tracks import Source
from harmonic_core.model.loss import kl_per_dim, vae_loss
from harmonic_core.model.vae import VAE, Posterior
from harmonic_core.profile.sections import Loss

ACTIVE_VARIANCE = 0.01
"""A dimension is active when the variance of mu over the data exceeds this (Burda, Grosse & Salakhutdinov 2016)."""
SPARSE_MU = 0.1
"""A dimension with |mu| below this says nothing of a segment."""

_NOISE_SEED = 20_130_613
_STATISTICS_SEGMENTS = 512


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

    @property
    def kl_nats(self) -> float:
        """KL of a segment in nats."""
        return math.fsum(self.kl_per_dim)


def mel_batches(segments: ValidationSegments, features: LogMel, batch_size: int) -> Iterator[Tensor]:
    """Mel spectrograms of all validation segments in order, (≤ batch_size, n_mels, frames) each."""
    device = features.window.device
    for first in range(0, len(segments), batch_size):
        yield features(torch.from_numpy(segments.batch(first, batch_size)).to(device))


@torch.no_grad()
def validate(
    model: VAE, features: LogMel, segments: ValidationSegments, loss: Loss, beta: float, batch_size: int
) -> Validation:
    """Measure a model on the validation segments, in evaluation mode; the same noise every time.

    The reconstruction is that of one draw from the posterior, so that error and KL belong to the same code.

    Raises
    ------
    ValueError
        If there are no segments.
    """
    if not len(segments):
        raise ValueError("there is nothing to validate on")
    noise = torch.Generator().manual_seed(_NOISE_SEED)
    sums = torch.zeros(3, dtype=torch.float64)
    kl_sum = torch.zeros(model.latent_dim, dtype=torch.float64)
    means: list[Tensor] = []
    errors: list[Tensor] = []
    model.eval()
    for mel in mel_batches(segments, features, batch_size):
        draw = torch.randn((len(mel), model.latent_dim), generator=noise).to(mel.device)
        reconstruction, posterior = model(mel, draw)
        terms = vae_loss(mel, reconstruction, posterior, beta, loss.reconstruction)
        sums += torch.stack((terms.loss, terms.recon, terms.mel_l1)).cpu().double() * len(mel)
        kl_sum += kl_per_dim(posterior).cpu().double() * len(mel)
        means.append(posterior.mu.cpu())
        errors.append((reconstruction - mel).abs().mean(dim=(1, 2)).cpu())
    model.train()
    total, recon, mel_l1 = (sums / len(segments)).tolist()
    by_dimension = (kl_sum / len(segments)).tolist()
    mu = torch.cat(means)
    return Validation(
        loss=total,
        recon=recon,
        recon_db=mel_l1 * features.dynamic_range_db,
        kl=math.fsum(by_dimension) / model.latent_dim,
        kl_per_dim=by_dimension,
        sparsity=sparsity(mu),
        active_units=active_units(mu),
        recon_db_by_source=_by_source(torch.cat(errors) * features.dynamic_range_db, segments),
    )


def _by_source(errors_db: Tensor, segments: ValidationSegments) -> dict[Source, float]:
    sources = [segments.source_of(index) for index in range(len(segments))]
    return {source: errors_db[[each == source for each in sources]].mean().item() for source in sorted(set(sources))}


def sparsity(mu: Tensor) -> float:
    """Share of the entries of mu, (segments, latent_dim), with |mu| < 0.1."""
    return (mu.abs() < SPARSE_MU).double().mean().item()


def active_units(mu: Tensor) -> int:
    """Dimensions of mu, (segments, latent_dim), whose variance over the segments exceeds 0.01; 0 for one segment."""
    return int((mu.var(dim=0, unbiased=False) > ACTIVE_VARIANCE).sum())


@torch.no_grad()
def band_statistics(segments: TrainingSegments, features: LogMel, batch_size: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every band over training segments, (n_mels,) each; at most 512 spread evenly."""
    device = features.window.device
    starts = segments.epoch_starts(0)
    chosen = segments.spread(_STATISTICS_SEGMENTS)
    count, total, squares = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for first in range(0, len(chosen), batch_size):
        samples = torch.from_numpy(segments.batch(chosen[first : first + batch_size], starts))
        mel = features(samples.to(device)).cpu().double()
        count += mel.shape[0] * mel.shape[2]
        total = total + mel.sum(dim=(0, 2))
        squares = squares + mel.square().sum(dim=(0, 2))
    mean = total / count
    return mean.float(), (squares / count - mean.square()).clamp_min(0.0).sqrt().float()


@torch.no_grad()
def mean_spectrum_db(segments: ValidationSegments, features: LogMel, band_mean: Tensor, batch_size: int) -> float:
    """Error in dB of always answering with the spectrum `band_mean`, (n_mels,): what a model has to beat."""
    answer = band_mean.to(features.window.device).unsqueeze(1)
    errors = [(mel - answer).abs().mean(dim=(1, 2)) for mel in mel_batches(segments, features, batch_size)]
    return torch.cat(errors).mean().item() * features.dynamic_range_db


@torch.no_grad()
def posterior_of(model: VAE, mel: Tensor) -> Posterior:
    """Posterior of mel spectrograms, in evaluation mode."""
    model.eval()
    posterior = model.encode(mel)
    model.train()
    return posterior
