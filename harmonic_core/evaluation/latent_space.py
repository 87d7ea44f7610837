"""What the latent has learnt: of genres and composers, and how smoothly it leads from one music to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.evaluation.latent_map import vote_on_genres
from harmonic_core.model.vae import VAE
from harmonic_core.run.evaluations import Smoothness, Telling

LABELS = ("genre", "composer", "artist", "key")
"""What the latent may tell apart, where the metadata knows it."""

PRINCIPAL = (1, 5, 10, 20)
"""Numbers of principal components whose share of the variance is told."""

_FOLDS = 5
_PATHS, _POINTS = 32, 9
_FEWEST = 10
_RIDGE = 1.0
"""Penalty of the linear probe a dimension: solved at once, where logistic regression took a minute for 24 keys."""


def tell_apart(
    mu: NDArray[np.float32],
    metadata: Mapping[str, NDArray[np.str_]],
    tracks: NDArray[np.str_],
    asked_about: NDArray[np.bool_] | None = None,
) -> dict[str, Telling]:
    """Ask for every label that has at least two values, and tracks of a value to judge by.

    Parameters
    ----------
    mu : (segments, latent_dim)
        Posterior means.
    metadata
        For each label its value for every segment, (segments,); empty where it is not known.
    tracks : (segments,)
        Track of each segment.
    asked_about : (segments,)
        Which of them are held out, and so asked about; by the others, that were trained on, they are judged, and by
        other tracks among them. Default: all, by those of other tracks.
    """
    asked = np.ones(len(mu), dtype=np.bool_) if asked_about is None else asked_about
    told = {}
    for label, values in metadata.items():
        known = values != ""
        vote = vote_on_genres(mu, values, tracks, asked)
        # Where only one value is asked about there is nothing to mistake it for.
        if vote is None or vote.commonest == 1.0 or (known & asked).sum() < _FEWEST:
            continue
        told[label] = Telling(
            neighbours=vote.accuracy,
            probe=_probe(mu[known], values[known], tracks[known], asked[known]),
            chance=vote.commonest,
            silhouette=_silhouette(mu, values, known & asked),
            values=len(np.unique(values[known & asked])),
            segments=vote.segments,
        )
    return told


def _silhouette(mu: NDArray[np.float32], values: NDArray[np.str_], judged: NDArray[np.bool_]) -> float:
    from sklearn.metrics import silhouette_score  # type: ignore[import-untyped, unused-ignore]

    return float(silhouette_score(mu[judged], values[judged]))


def _probe(
    mu: NDArray[np.float32], values: NDArray[np.str_], tracks: NDArray[np.str_], asked: NDArray[np.bool_]
) -> float | None:
    from sklearn.linear_model import RidgeClassifier  # type: ignore[import-untyped, unused-ignore]
    from sklearn.model_selection import StratifiedGroupKFold  # type: ignore[import-untyped, unused-ignore]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped, unused-ignore]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped, unused-ignore]

    def classifier() -> Any:
        return make_pipeline(StandardScaler(), RidgeClassifier(_RIDGE * mu.shape[1]))

    if len(np.unique(values[~asked])) >= 2:
        return float((classifier().fit(mu[~asked], values[~asked]).predict(mu[asked]) == values[asked]).mean())
    folds = min(_FOLDS, *(len(np.unique(tracks[values == value])) for value in np.unique(values)))
    if folds < 2:
        return None
    right, judged = 0, 0
    for train, test in StratifiedGroupKFold(folds).split(mu, values, tracks):
        if len(np.unique(values[train])) < 2:
            continue
        right += int((classifier().fit(mu[train], values[train]).predict(mu[test]) == values[test]).sum())
        judged += len(test)
    return right / judged if judged else None


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
