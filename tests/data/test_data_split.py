"""Tracks are divided whole, with all that belongs to them, reproducibly and across genres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tracks import cached

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.split import FEWEST_GROUPS, Split, split_tracks
from harmonic_core.data.tracks import Side
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data

SHARES = st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.9])


def divide(tracks: Sequence[CachedTrack], share: float = 0.1, seed: int = 0) -> Split:
    return split_tracks(tracks, Data(validation_split=share), seed)


def titles(tracks: Sequence[CachedTrack]) -> list[str]:
    return [each.track.title for each in tracks]


def ties(each: CachedTrack) -> set[str]:
    return {*each.track.keys, f"content:{each.content}"}


@st.composite
def collections(draw: st.DrawFn) -> list[CachedTrack]:
    """Tracks of all sources, some with one key, some with several, some alike in sound, some placed officially."""
    sides: st.SearchStrategy[Side | None] = st.sampled_from([None, None, "train", "validation", "test"])
    return [
        cached(
            f"track {i}",
            keys=[f"key:{key}" for key in draw(st.sets(st.integers(0, 30), max_size=2))],
            content=str(draw(st.integers(0, 40))),
            genre=f"genre {draw(st.integers(0, 3))}",
            source=draw(st.sampled_from(["custom", "gtzan", "maestro", "demo"])),
            side=draw(sides),
        )
        for i in range(draw(st.integers(1, 50)))
    ]


@settings(max_examples=150, deadline=None)
@given(tracks=collections(), share=SHARES, seed=st.integers(0, 2**32 - 1))
def test_nothing_that_belongs_together_is_on_two_sides_and_nothing_is_lost(
    tracks: list[CachedTrack], share: float, seed: int
) -> None:
    try:
        split = divide(tracks, share, seed)
    except DataError:
        assert any(each.track.side in {"validation", "test"} for each in tracks)
        return
    sides = (split.training, split.validation, split.aside)
    assert sorted(title for side in sides for title in titles(side)) == sorted(titles(tracks))
    one_by_one = any("one by one" in note for note in split.notes)
    for here, there in ((0, 1), (0, 2), (1, 2)):
        assert not {each.content for each in sides[here]} & {each.content for each in sides[there]}
        if not one_by_one:
            assert not set().union(*map(ties, sides[here])) & set().union(*map(ties, sides[there]))
    assert all(each in split.aside for each in tracks if each.track.side == "test")
    assert not any(each in split.training for each in tracks if each.track.side == "validation")


@settings(max_examples=200, deadline=None)
@given(
    members=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=60),
    share=SHARES,
    seed=st.integers(0, 2**32 - 1),
)
def test_where_nothing_is_official_both_sides_get_something(
    members: list[tuple[int, int]], share: float, seed: int
) -> None:
    tracks = [
        cached(f"track {i}", keys=[f"artist:{artist}"], genre=f"genre {genre}")
        for i, (artist, genre) in enumerate(members)
    ]
    split = divide(tracks, share, seed)
    assert sorted(titles(split.training) + titles(split.validation)) == sorted(titles(tracks))
    if len({key for each in tracks for key in each.track.keys}) >= FEWEST_GROUPS:
        assert not {each.track.keys for each in split.training} & {each.track.keys for each in split.validation}
    if len(tracks) >= 2:
        assert split.training
        assert split.validation


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6),
    share=st.sampled_from([0.125, 0.25, 0.5, 0.75]),
    seed=st.integers(0, 1000),
)
def test_every_genre_large_enough_is_on_both_sides(sizes: list[int], share: float, seed: int) -> None:
    tracks = [cached(f"{genre}-{i}", genre=f"genre {genre}") for genre, size in enumerate(sizes) for i in range(size)]
    split = divide(tracks, share, seed)
    training, validation = (
        Counter(each.track.metadata["genre"] for each in side) for side in (split.training, split.validation)
    )
    for genre, size in enumerate(sizes):
        if size * share >= 1 and len(tracks) >= 4:
            assert validation[f"genre {genre}"] >= 1
        if size * (1 - share) >= 1 and len(tracks) >= 4:
            assert training[f"genre {genre}"] >= 1


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_the_share_held_out_is_the_one_asked_for(share: float) -> None:
    tracks = [cached(f"track {i}", genre=f"genre {i % 7}") for i in range(100)]
    assert len(divide(tracks, share).validation) == pytest.approx(100 * share, abs=1)


def test_every_source_of_a_mixture_is_held_out_in_proportion() -> None:
    tracks = [cached(f"a/{i}", source="gtzan") for i in range(200)] + [cached(f"b/{i}") for i in range(20)]
    assert Counter(each.track.source for each in divide(tracks).validation) == {"gtzan": 20, "custom": 2}


def test_the_split_depends_on_the_seed_and_not_on_the_order() -> None:
    tracks = [cached(f"track {i}") for i in range(40)]
    assert titles(divide(tracks, 0.25, 1).validation) == titles(divide(tracks, 0.25, 1).validation)
    assert set(titles(divide(tracks[::-1], 0.25, 1).validation)) == set(titles(divide(tracks, 0.25, 1).validation))
    assert titles(divide(tracks, 0.25, 1).validation) != titles(divide(tracks, 0.25, 2).validation)


def test_ten_new_files_change_the_side_of_few_old_ones() -> None:
    old = [cached(f"track {i}", genre=f"genre {i % 5}") for i in range(200)]
    new = [cached(f"addition {i}", genre=f"genre {i % 5}") for i in range(10)]
    before, after = set(titles(divide(old).validation)), set(titles(divide(old + new).validation))
    assert len(before - after) <= 3
    assert len(after - before - set(titles(new))) <= 3


def test_another_song_of_a_known_artist_stays_on_the_artists_side() -> None:
    old = [cached(f"track {i}", keys=[f"artist:{i // 2}"]) for i in range(40)]
    more = [cached(f"more {i}", keys=[f"artist:{i}"]) for i in range(20)]
    before, after = divide(old, 0.25), divide(old + more, 0.25)
    assert titles(before.validation) == [title for title in titles(after.validation) if title.startswith("track")]


def test_nothing_is_held_out_where_nothing_was_asked_for_or_there_is_one_track() -> None:
    tracks = [cached(f"track {i}") for i in range(10)]
    assert divide(tracks, 0.0) == Split(tracks, [], [])
    assert divide(tracks[:1], 0.5) == Split(tracks[:1], [], [])


def test_the_same_recording_under_two_names_is_on_one_side() -> None:
    tracks = [cached(f"track {i}", content=str(i // 2)) for i in range(40)]
    for seed in range(20):
        split = divide(tracks, 0.3, seed)
        assert not {each.content for each in split.training} & {each.content for each in split.validation}


def test_two_artists_tied_by_a_third_track_are_on_one_side() -> None:
    others = [cached(f"other {i}") for i in range(20)]
    tied = [
        cached("a", keys=["artist:a"]),
        cached("duet", keys=["artist:a", "artist:b"]),
        cached("b", keys=["artist:b"]),
    ]
    for seed in range(20):
        validation = set(titles(divide(tied + others, 0.5, seed).validation))
        assert {"a", "duet", "b"} <= validation or not {"a", "duet", "b"} & validation


def test_two_albums_of_one_artist_are_divided_by_track_rather_than_not_at_all_and_it_is_said() -> None:
    tracks = [cached(f"track {i}", keys=["artist:only"]) for i in range(10)]
    split = divide(tracks, 0.2)
    assert (len(split.training), len(split.validation)) == (8, 2)
    assert "fewer than four artists" in split.notes[0]


def test_even_then_the_same_recording_is_on_one_side() -> None:
    tracks = [cached(f"track {i}", keys=["artist:only"], content=str(i % 5)) for i in range(10)]
    split = divide(tracks, 0.4)
    assert len(split.validation) == 4
    assert not {each.content for each in split.training} & {each.content for each in split.validation}


def test_an_official_division_is_kept_to_and_its_test_part_is_neither_trained_nor_validated_on() -> None:
    tracks = [
        *(cached(f"train {i}", side="train") for i in range(5)),
        *(cached(f"validation {i}", side="validation") for i in range(3)),
        *(cached(f"test {i}", side="test") for i in range(2)),
    ]
    split = divide(tracks, 0.5)
    assert (split.training, split.validation, split.aside) == (tracks[:5], tracks[5:8], tracks[8:])
    assert split.notes == ()


def test_a_track_tied_to_one_that_is_officially_held_out_is_held_out_with_it_and_named() -> None:
    tracks = [
        cached("a.wav", side="train", content="same"),
        cached("b.wav", side="validation", content="same"),
        cached("c.wav", side="train", keys=["piece:1"]),
        cached("d.wav", side="test", keys=["piece:1"]),
        cached("mine.wav", content="same"),
        *(cached(f"{i}.wav", side="train") for i in range(5)),
    ]
    split = divide(tracks, 0.5)
    assert titles(split.validation) == ["a.wav", "b.wav", "mine.wav"]
    assert titles(split.aside) == ["c.wav", "d.wav"]
    assert "held out against the official division" in split.notes[0]
    assert "(2): a.wav, c.wav" in split.notes[0]
    assert "mine.wav" in split.notes[1]


def test_a_track_tied_to_one_that_is_officially_trained_on_is_trained_on() -> None:
    tracks = [cached("official", side="train", content="same"), cached("mine", content="same")]
    others = [cached(f"other {i}") for i in range(8)]
    for seed in range(10):
        assert "mine" in titles(divide(tracks + others, 0.5, seed).training)


def test_a_division_that_leaves_nothing_to_train_on_says_so_and_names_the_way_out() -> None:
    with pytest.raises(DataError, match=r"nothing to train on.*--split random"):
        divide([cached("a", side="test"), cached("b", side="validation")])


def test_a_name_that_is_no_text_can_be_divided() -> None:
    tracks = [cached(f"caf\udce9-{i}", keys=[f"artist:caf\udce9-{i}"]) for i in range(8)]
    assert len(divide(tracks, 0.25).validation) == 2


def test_one_clip_in_two_formats_stays_together_even_where_tracks_are_divided_one_by_one() -> None:
    tracks = [
        cached(f"{number}.{ending}", keys=[f"clip:{number}"], content=f"{number}{ending}", source="gtzan")
        for number in range(3)
        for ending in ("wav", "mp3")
    ]
    for seed in range(20):
        held_out = {title.split(".")[0] for title in titles(divide(tracks, 0.2, seed).validation)}
        assert not held_out & {title.split(".")[0] for title in titles(divide(tracks, 0.2, seed).training)}


@pytest.mark.parametrize("count", range(80, 110, 3))
def test_no_data_set_is_held_out_as_a_whole(count: int) -> None:
    tracks = [cached(f"clip {i}", content=str(i), source="gtzan") for i in range(count)]
    tracks += [cached(f"piano {i}", keys=["artist:one"], content=f"p{i}", source="maestro") for i in range(9)]
    split = divide(tracks, 0.1)
    assert {each.track.source for each in split.training} == {"gtzan", "maestro"}
    assert split.validation


def test_two_single_recordings_of_two_data_sets_are_still_divided() -> None:
    tracks = [cached("a", content="a", source="gtzan"), cached("b", content="b", source="maestro")]
    split = divide(tracks, 0.1)
    assert len(split.training) == len(split.validation) == 1
