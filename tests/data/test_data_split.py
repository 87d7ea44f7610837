"""Tracks are divided whole, with their group, reproducibly and across genres."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tracks import Ramp

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.split import split_tracks
from harmonic_core.data.tracks import Track


def cached(title: str, group: str = "", genre: str = "") -> CachedTrack:
    return CachedTrack(Track(title, Ramp(title, 1), group or title, {"genre": genre}), Path(title), 1)


def titles(tracks: list[CachedTrack]) -> list[str]:
    return [each.track.title for each in tracks]


groups = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=60)
shares = st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.9])


@settings(max_examples=200, deadline=None)
@given(members=groups, share=shares, seed=st.integers(0, 2**32 - 1))
def test_no_track_and_no_group_is_on_both_sides_and_none_is_lost(
    members: list[tuple[int, int]], share: float, seed: int
) -> None:
    tracks = [cached(f"track {i}", f"artist {group}", f"genre {genre}") for i, (group, genre) in enumerate(members)]
    training, validation = split_tracks(tracks, share, seed)
    assert sorted(titles(training) + titles(validation)) == sorted(titles(tracks))
    if len({each.track.group for each in tracks}) >= 4:
        assert not {each.track.group for each in training} & {each.track.group for each in validation}
    if len(tracks) >= 2:
        assert training
        assert validation


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6),
    share=st.sampled_from([0.125, 0.25, 0.5, 0.75]),
    seed=st.integers(0, 1000),
)
def test_every_genre_large_enough_is_on_both_sides(sizes: list[int], share: float, seed: int) -> None:
    tracks = [cached(f"{genre}-{i}", genre=f"genre {genre}") for genre, size in enumerate(sizes) for i in range(size)]
    training, validation = (
        Counter(each.track.metadata["genre"] for each in side) for side in split_tracks(tracks, share, seed)
    )
    for genre, size in enumerate(sizes):
        if size * share >= 1 and len(tracks) >= 4:
            assert validation[f"genre {genre}"] >= 1
        if size * (1 - share) >= 1 and len(tracks) >= 4:
            assert training[f"genre {genre}"] >= 1


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_the_share_held_out_is_the_one_asked_for(share: float) -> None:
    tracks = [cached(f"track {i}", genre=f"genre {i % 7}") for i in range(100)]
    assert len(split_tracks(tracks, share, 0)[1]) == pytest.approx(100 * share, abs=1)


def test_the_split_depends_on_the_seed_alone() -> None:
    tracks = [cached(f"track {i}") for i in range(40)]
    assert titles(split_tracks(tracks, 0.25, 1)[1]) == titles(split_tracks(tracks, 0.25, 1)[1])
    assert set(titles(split_tracks(tracks[::-1], 0.25, 1)[1])) == set(titles(split_tracks(tracks, 0.25, 1)[1]))
    assert titles(split_tracks(tracks, 0.25, 1)[1]) != titles(split_tracks(tracks, 0.25, 2)[1])


def test_nothing_is_held_out_where_nothing_was_asked_for_or_there_is_one_track() -> None:
    tracks = [cached(f"track {i}") for i in range(10)]
    assert split_tracks(tracks, 0.0, 0) == (tracks, [])
    assert split_tracks(tracks[:1], 0.5, 0) == (tracks[:1], [])


def test_two_albums_of_one_artist_are_divided_by_track_rather_than_not_at_all() -> None:
    tracks = [cached(f"track {i}", "the only artist") for i in range(10)]
    training, validation = split_tracks(tracks, 0.2, 0)
    assert (len(training), len(validation)) == (8, 2)


def test_a_name_that_is_no_text_can_be_divided() -> None:
    tracks = [cached(f"caf\udce9-{i}") for i in range(8)]
    assert len(split_tracks(tracks, 0.25, 0)[1]) == 2
