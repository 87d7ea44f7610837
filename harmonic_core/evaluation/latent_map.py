"""Latents laid out on a plane, and how well they tell genres apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5
"""Neighbours that vote on the genre of a segment."""

_FEWEST_FOR_TSNE = 10
_LARGEST_PERPLEXITY = 30.0
# Below this spread of every dimension the posterior says the same of all segments, and a map would show rounding.
_NO_SPREAD = 1e-6


class LatentMap(NamedTuple):
    """Places of segments on a plane."""

    places: NDArray[np.float32]
    """(segments, 2)."""
    method: str
    """`t-SNE` or `PCA`."""


class GenreVote(NamedTuple):
    """How often the nearest neighbours name the right genre."""

    accuracy: float
    """Share of the segments, 0 to 1."""
    commonest: float
    """Share that always naming the commonest genre would get right."""
    segments: int
    """Segments that were asked about."""


def lay_out(mu: NDArray[np.float32]) -> LatentMap:
    """Places on a plane for posterior means, the same at every call.

    t-SNE (van der Maaten & Hinton 2008) started from the two principal components; these alone where there are fewer
    than ten segments or no spread.

    Parameters
    ----------
    mu : (segments, latent_dim)
        At least one segment.
    """
    components = _principal_components(mu)
    spread = float(components[:, 0].std())
    if len(mu) < _FEWEST_FOR_TSNE or spread < _NO_SPREAD:
        return LatentMap(components, "PCA")
    # Takes seconds to import, and small maps do without.
    from sklearn.manifold import TSNE  # type: ignore[import-untyped, unused-ignore]

    perplexity = min(_LARGEST_PERPLEXITY, (len(mu) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init=components / spread * 1e-4, random_state=0)
    return LatentMap(tsne.fit_transform(mu), "t-SNE")


def _principal_components(mu: NDArray[np.float32]) -> NDArray[np.float32]:
    left, sizes, _ = np.linalg.svd(mu - mu.mean(axis=0), full_matrices=False)
    components = (left * sizes)[:, :2]
    return np.pad(components, ((0, 0), (0, 2 - components.shape[1]))).astype(np.float32)


def vote_on_genres(
    mu: NDArray[np.float32],
    genres: NDArray[np.str_],
    tracks: NDArray[np.str_],
    asked_about: NDArray[np.bool_] | None = None,
) -> GenreVote | None:
    """Let the nearest neighbours from other tracks name the genre of each segment.

    Segments of the same track do not vote: they are alike whatever the latent has learnt of genre. Only segments are
    asked about whose genre another track has too.

    Parameters
    ----------
    mu : (segments, latent_dim)
        Posterior means; their Euclidean distance decides who is near.
    genres, tracks : (segments,)
        What each belongs to; segments of no genre neither vote nor are asked about.
    asked_about : (segments,)
        Which of them are held out, and so asked about; the others, that were trained on, only vote. Default: all.

    Returns
    -------
    GenreVote, or None where fewer than two genres are known or no genre has two tracks.
    """
    known = genres != ""
    mu, (kinds, genre), (_, track) = (
        mu[known].astype(np.float64),
        np.unique(genres[known], return_inverse=True),
        np.unique(tracks[known], return_inverse=True),
    )
    of_another_track = track[:, None] != track[None, :]
    asked = ((genre[:, None] == genre[None, :]) & of_another_track).any(axis=1)
    if asked_about is not None:
        asked &= asked_about[known]
    if len(kinds) < 2 or not asked.any():
        return None
    squares = np.square(mu).sum(axis=1)
    distances = np.where(of_another_track, squares[:, None] + squares[None, :] - 2.0 * mu @ mu.T, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]
    # The nearer ones decide where votes are equal.
    weight = 1.0 - 1e-3 * np.arange(nearest.shape[1])
    votes = (
        np.eye(len(kinds))[genre[nearest]]
        * (weight * np.isfinite(np.take_along_axis(distances, nearest, 1)))[..., None]
    )
    right = votes.sum(axis=1).argmax(axis=1) == genre
    return GenreVote(
        accuracy=float(right[asked].mean()),
        commonest=float(np.bincount(genre[asked]).max() / asked.sum()),
        segments=int(asked.sum()),
    )
