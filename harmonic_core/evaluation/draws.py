"""Draws from the prior against real music: alike as a whole, different from each other, and no copies."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.run.evaluations import Draws

_RIDGE = 1e-6
_COMPARED = 64
"""Held-out segments that are compared one by one, the first ones."""


def judge_draws(
    samples: Tensor, held_out: Tensor, training: Tensor | None, dynamic_range_db: float, seed: int
) -> Draws:
    """Compare draws from the prior with music.

    Parameters
    ----------
    samples, held_out, training : (items, n_mels, frames)
        Normalised log-mels; at least two of the first two, one of the last. Where the training music is not at hand
        the held-out music says what is usual.
    dynamic_range_db
        What one unit of them is.
    seed
        Decides the noise to compare with.
    """
    samples, held_out = (each.float().cpu().clamp(0.0, 1.0) for each in (samples, held_out))
    learnt = None if training is None else training.float().cpu().clamp(0.0, 1.0)
    usual = held_out if learnt is None else learnt
    mean, deviation = usual.mean(dim=(0, 2)), usual.std(dim=(0, 2))
    generator = torch.Generator().manual_seed(seed)
    noise = mean[:, None] + deviation[:, None] * torch.randn(samples.shape, generator=generator)
    real = _statistics(held_out)
    flat = mean[:, None].expand_as(samples)

    few = held_out[:_COMPARED]
    nearest = None if learnt is None else _to_nearest(samples, learnt) / max(_to_nearest(few, learnt), 1e-9)

    def distance(mels: Tensor) -> float:
        return frechet_distance(_statistics(mels), real) * dynamic_range_db**2

    return Draws(
        mel_fd=distance(samples),
        mel_fd_mean=distance(flat),
        mel_fd_noise=distance(noise.clamp(0.0, 1.0)),
        diversity=_mean_distance(samples) / max(_mean_distance(few), 1e-9),
        nearest_training=nearest,
    )


def frechet_distance(
    one: tuple[NDArray[np.float64], NDArray[np.float64]], other: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> float:
    """Fréchet distance of two Gaussians given by mean, (n,), and covariance, (n, n) (Dowson & Landau 1982)."""
    (mean, covariance), (other_mean, other_covariance) = one, other
    root = _root(covariance)
    cross = np.linalg.eigvalsh(root @ other_covariance @ root)
    overlap = np.sqrt(np.clip(cross, 0.0, None)).sum()
    apart = np.square(mean - other_mean).sum() + np.trace(covariance) + np.trace(other_covariance)
    return float(max(0.0, apart - 2.0 * overlap))


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    return root


def _statistics(mels: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    frames = mels.transpose(1, 2).flatten(0, 1).double().numpy()
    return frames.mean(axis=0), np.cov(frames, rowvar=False) + _RIDGE * np.eye(frames.shape[1])


def _mean_distance(mels: Tensor) -> float:
    total = sum((mels - mels.roll(shift, dims=0)).abs().mean().item() for shift in range(1, len(mels)))
    return total / max(1, len(mels) - 1)


def _to_nearest(mels: Tensor, others: Tensor) -> float:
    return float(np.mean([(others - mel).abs().mean(dim=(1, 2)).min().item() for mel in mels]))
