"""What the latent has learnt: of genres and composers, and how smoothly it leads from one music to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.evaluation.latent_map import vote_on_genres
from harmonic_core.model.vae import VAE

LABELS = ("genre", "composer", "artist", "source")
"""What the latent may tell apart, where the metadata knows it."""

PRINCIPAL = (1, 5, 10, 20)
"""Numbers of principal components whose share of the variance is told."""

_FOLDS = 5
_PATHS, _POINTS = 32, 9
_FEWEST = 10


class Telling(NamedTuple):
    """How well latents tell the values of one label apart; segments of one track never judge each other."""

    neighbours: float
    """Share of segments whose nearest neighbours from other tracks name the right value."""
    probe: float | None
    """The same by a linear classifier trained on other tracks; None where there are too few tracks."""
    chance: float
    """Share that always naming the commonest value would get right."""
    silhouette: float
    """Silhouette of the values as clusters, −1 to 1."""
    values: int
    segments: int


class Smoothness(NamedTuple):
    """Straight paths between latents of held-out segments, decoded."""

    evenness: float
    """Mean change of the mel from one point of a path to the next, as a share of the largest: 1 is perfectly even."""
    middle: float
    """Distance of the middles from the nearest real segment, as a multiple of that between real segments of different
    tracks: around 1 a middle is as near to real music as real music is."""


def tell_apart(
    mu: NDArray[np.float32], metadata: Mapping[str, NDArray[np.str_]], tracks: NDArray[np.str_]
) -> dict[str, Telling]:
    """Ask for every label that has at least two values with two tracks each.

    Parameters
    ----------
    mu : (segments, latent_dim)
        Posterior means.
    metadata
        For each label its value for every segment, (segments,); empty where it is not known.
    tracks : (segments,)
        Track of each segment.
    """
    told = {}
    for label, values in metadata.items():
        known = values != ""
        vote = vote_on_genres(mu, values, tracks)
        if vote is None or known.sum() < _FEWEST:
            continue
        from sklearn.metrics import silhouette_score  # type: ignore[import-untyped, unused-ignore]

        told[label] = Telling(
            neighbours=vote.accuracy,
            probe=_probe(mu[known], values[known], tracks[known]),
            chance=vote.commonest,
            silhouette=float(silhouette_score(mu[known], values[known])),
            values=len(np.unique(values[known])),
            segments=vote.segments,
        )
    return told


def _probe(mu: NDArray[np.float32], values: NDArray[np.str_], tracks: NDArray[np.str_]) -> float | None:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped, unused-ignore]
    from sklearn.model_selection import StratifiedGroupKFold  # type: ignore[import-untyped, unused-ignore]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped, unused-ignore]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped, unused-ignore]

    folds = min(_FOLDS, *(len(np.unique(tracks[values == value])) for value in np.unique(values)))
    if folds < 2:
        return None
    right, asked = 0, 0
    for train, test in StratifiedGroupKFold(folds).split(mu, values, tracks):
        if len(np.unique(values[train])) < 2:
            continue
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)).fit(mu[train], values[train])
        right += int((probe.predict(mu[test]) == values[test]).sum())
        asked += len(test)
    return right / asked if asked else None


def principal_shares(mu: NDArray[np.float32]) -> dict[int, float]:
    """Share of the variance of mu, (segments, latent_dim), that the first so many principal components have."""
    variances = np.square(np.linalg.svd(mu - mu.mean(axis=0), compute_uv=False).astype(np.float64))
    total = variances.sum()
    shares = np.cumsum(variances) / total if total > 0 else np.zeros_like(variances)
    return {count: float(shares[count - 1]) for count in PRINCIPAL if count <= len(shares)}


@torch.no_grad()
def smoothness(model: VAE, mu: Tensor, mel: Tensor, tracks: NDArray[np.str_], seed: int) -> Smoothness | None:
    """Walk between latents and see how evenly, and through what, the mel changes.

    Parameters
    ----------
    model
        Decodes; in evaluation mode.
    mu : (segments, latent_dim)
        Posterior means, on the model's device.
    mel : (segments, n_mels, frames)
        What they are the latents of.
    tracks : (segments,)
        Track of each.
    seed
        Decides which pairs.

    Returns
    -------
    Smoothness
        None where there are not two tracks.
    """
    if len(np.unique(tracks)) < 2:
        return None
    draw = np.random.default_rng(seed)
    pairs = [
        (one, int(draw.choice(np.flatnonzero(tracks != tracks[one])))) for one in draw.integers(len(mu), size=_PATHS)
    ]
    share = torch.linspace(0.0, 1.0, _POINTS, device=mu.device).unsqueeze(1)
    evenness, middles = [], []
    for one, other in pairs:
        path = model.decode(torch.lerp(mu[one], mu[other], share)).float()
        moved = (path[1:] - path[:-1]).abs().mean(dim=(1, 2))
        if moved.max() > 0:
            evenness.append((moved.mean() / moved.max()).item())
        middles.append(_nearest(path[_POINTS // 2], mel))
    real = [
        _nearest(mel[one], mel[torch.from_numpy(np.flatnonzero(tracks != tracks[one])).to(mel.device)])
        for one, _ in pairs
    ]
    return Smoothness(
        evenness=float(np.mean(evenness)) if evenness else 1.0,
        middle=float(np.mean(middles) / max(float(np.mean(real)), 1e-9)),
    )


def _nearest(mel: Tensor, others: Tensor) -> float:
    return float((others - mel).abs().mean(dim=(1, 2)).min())
