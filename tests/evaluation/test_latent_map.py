"""Latents on a plane, and the vote of neighbours on genres."""

from __future__ import annotations

import numpy as np
import pytest

from harmonic_core.evaluation.latent_map import lay_out, vote_on_genres

GENRES = np.repeat(["folk", "jazz"], 12)
TRACKS = np.repeat([f"{index}" for index in range(4)], 6)


def around(places: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Six latents about each place on the first of three dimensions."""
    latents = 0.01 * np.random.default_rng(0).standard_normal((6 * len(places), 3))
    latents[:, 0] += np.repeat(places, 6)
    return latents.astype(np.float32)


def test_neighbours_name_the_genre_where_the_latent_knows_it() -> None:
    vote = vote_on_genres(around([0, 0.1, 5, 5.1]), GENRES, TRACKS)
    assert vote is not None
    assert vote == (1.0, 0.5, 24)


def test_segments_of_the_same_track_do_not_vote() -> None:
    # Every track is a cluster of its own, and the nearest other one is always of the other genre.
    vote = vote_on_genres(around([0, 10, 1, 11]), GENRES, TRACKS)
    assert vote is not None
    assert vote.accuracy == 0.0


def test_segments_without_a_genre_or_without_another_track_of_it_are_not_asked_about() -> None:
    genres = np.repeat(["folk", "folk", "", "jazz"], 6)
    vote = vote_on_genres(around([0, 0.1, 0.05, 5]), genres, TRACKS)
    assert vote is not None
    assert vote == (1.0, 1.0, 12)


@pytest.mark.parametrize("genres", [np.repeat("folk", 24), np.repeat("", 24), TRACKS])
def test_there_is_no_vote_where_it_would_mean_nothing(genres: np.ndarray[tuple[int], np.dtype[np.str_]]) -> None:
    assert vote_on_genres(around([0, 1, 2, 3]), genres, TRACKS) is None


def test_a_map_keeps_clusters_apart_and_is_the_same_every_time() -> None:
    mu = around([0, 0, 9, 9])
    first, second = lay_out(mu), lay_out(mu)
    assert first.method == "t-SNE"
    assert np.array_equal(first.places, second.places)
    one, other = first.places[:12], first.places[12:]
    gap = np.linalg.norm(one[:, None] - other[None], axis=-1).min()
    assert gap > np.linalg.norm(one - one.mean(axis=0), axis=-1).mean()


@pytest.mark.parametrize(("segments", "latent_dim"), [(1, 1), (1, 8), (2, 8), (9, 1), (9, 8)])
def test_few_segments_are_laid_out_by_their_principal_components(segments: int, latent_dim: int) -> None:
    mu = np.random.default_rng(0).standard_normal((segments, latent_dim)).astype(np.float32)
    places, method = lay_out(mu)
    assert method == "PCA"
    assert places.shape == (segments, 2)
    assert np.isfinite(places).all()
    assert np.square(places).sum() <= np.square(mu - mu.mean(axis=0)).sum() + 1e-4


def test_a_latent_that_says_nothing_is_one_spot_on_the_map() -> None:
    places, method = lay_out(np.full((50, 8), 0.3, np.float32))
    assert method == "PCA"
    assert np.ptp(places) < 1e-4
