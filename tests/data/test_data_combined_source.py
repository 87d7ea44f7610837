"""Several folders as one collection: titles, sources, each part's own division, and nothing twice."""

from __future__ import annotations

import os
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_sets import Performance, performances, write_list

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.split import split_tracks
from harmonic_core.data.tracks import AudioFile
from harmonic_core.errors import DataError, ProfileError
from harmonic_core.profile.sections import Data


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode(errors="surrogateescape"))
    return folder


@pytest.fixture
def all_kinds(tmp_path: Path) -> Data:
    gtzan = lay(
        tmp_path / "g", *(f"genres/{genre}/{genre}.{i:05d}.wav" for genre in ("jazz", "pop") for i in range(100))
    )
    recordings = performances(12, 3, 3)
    maestro = lay(tmp_path / "m", *(each.audio for each in recordings))
    write_list(maestro, recordings)
    mine = lay(tmp_path / "mine", *(f"folk/artist {i // 2}/{i}.mp3" for i in range(40)))
    return Data(dataset="combined", gtzan_dir=(gtzan,), maestro_dir=(maestro,), custom_dir=(mine,))


def test_every_track_knows_its_source_and_where_it_comes_from(all_kinds: Data) -> None:
    tracks = find_tracks(all_kinds, 0).tracks
    assert Counter(each.source for each in tracks) == {"gtzan": 200, "maestro": 18, "custom": 40}
    assert len({each.title for each in tracks}) == len(tracks)
    assert {each.title.split("/")[0]: each.source for each in tracks} == {
        "g": "gtzan",
        "m": "maestro",
        "mine": "custom",
    }


@pytest.mark.parametrize(
    ("split", "sizes"),
    [("auto", (18, 4, 2)), ("official", (18, 4, 2)), ("fault_filtered", (-1, 4, 2)), ("random", None)],
)
def test_each_part_is_divided_by_its_own_rule(all_kinds: Data, split: str, sizes: tuple[int, ...] | None) -> None:
    data = all_kinds.model_copy(update={"split": split})
    music = find_tracks(data, 0)
    result = split_tracks([CachedTrack(each, Path("x"), 1, None, each.title) for each in music.tracks], data, 0)
    sides = {
        name: Counter(each.track.source for each in getattr(result, name))
        for name in ("training", "validation", "aside")
    }
    assert sides["validation"]["custom"] == 4
    if sizes is None:
        assert sides["aside"] == {}
        assert 1 <= sides["validation"]["maestro"] <= 3
    else:
        assert (sides["training"]["maestro"], sides["validation"]["maestro"], sides["aside"]["maestro"]) == (12, 3, 3)
    if split == "fault_filtered":
        assert (sides["training"]["gtzan"], sides["validation"]["gtzan"], sides["aside"]["gtzan"]) == (84, 30, 57)
    else:
        assert sides["validation"]["gtzan"] == 20


def test_several_folders_of_one_kind_keep_apart_titles_that_are_the_same(tmp_path: Path) -> None:
    folders = tuple(lay(tmp_path / name, "jazz/Monk/a.wav") for name in ("one/music", "two/music", "three/music-2"))
    tracks = find_tracks(Data(dataset="custom", custom_dir=folders), 0).tracks
    assert [each.title.split("/")[0] for each in tracks] == ["music", "music-3", "music-2"]
    assert len({each.sound for each in tracks}) == 3
    assert {frozenset(each.keys) for each in tracks} == {frozenset({"artist:monk"})}


clips = st.lists(
    st.tuples(st.sampled_from(["jazz", "pop", "rock"]), st.integers(0, 12), st.sampled_from(["wav", "au"])),
    max_size=30,
    unique=True,
)
recordings = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from(["train", "train", "validation", "test"])), max_size=20
)
songs = st.lists(
    st.tuples(st.sampled_from(["", "jazz/", "jazz/a/", "pop/A /x/", "pop/CD 1/", "pop/b/", "pop/c/y/"])), max_size=20
)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), clips=clips, recordings=recordings, songs=songs, seed=st.integers(0, 99))
def test_no_track_of_any_source_is_on_two_sides(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    clips: list[tuple[str, int, str]],
    recordings: list[tuple[int, str]],
    songs: list[tuple[str]],
    seed: int,
) -> None:
    """Whatever is there, alone or together, however it is divided, with the same sound in several places."""
    place = tmp_path_factory.mktemp("sets")
    lay(place / "g", *(f"{genre}/{genre}.{number:05d}.{suffix}" for genre, number, suffix in clips))
    listed = [
        Performance("Liszt", f"Piece Op. {piece}", part, 2004, str(i)) for i, (piece, part) in enumerate(recordings)
    ]
    lay(place / "m", *(each.audio for each in listed))
    if listed:
        write_list(place / "m", listed)
    lay(place / "c", *(f"{folder}{i}.mp3" for i, (folder,) in enumerate(songs)))
    folders = {"gtzan_dir": clips, "maestro_dir": recordings, "custom_dir": songs}
    chosen: dict[str, Any] = {name: (place / name[0],) for name, there in folders.items() if there}
    assume(chosen)
    split = data.draw(st.sampled_from(["auto", "official", "random", "fault_filtered"]))
    profile = Data(dataset="combined", split=split, validation_split=data.draw(st.floats(0.05, 0.9)), **chosen)
    try:
        music = find_tracks(profile, seed)
    except DataError:
        assume(False)
    contents = st.integers(0, 2 * len(music.tracks))
    tracks = [CachedTrack(each, Path("x"), 1, None, str(data.draw(contents))) for each in music.tracks]
    try:
        result = split_tracks(tracks, profile, seed)
    except DataError:
        assert all(each.side for each in music.tracks) or any(
            each.side in {"test", "validation"} for each in music.tracks
        )
        return
    sides = (result.training, result.validation, result.aside)
    assert sorted(each.track.title for side in sides for each in side) == sorted(each.title for each in music.tracks)
    one_by_one = any("one by one" in note for note in result.notes)
    for one, other in combinations(sides, 2):
        assert not {each.content for each in one} & {each.content for each in other}
        assert one_by_one or not {key for each in one for key in each.track.keys} & {
            key for each in other for key in each.track.keys
        }
    assert not [each for each in result.training if each.track.side in {"validation", "test"}]
    assert not [each for each in result.validation if each.track.side == "test"]


def test_what_lies_in_two_of_the_folders_is_taken_once(tmp_path: Path) -> None:
    lay(tmp_path / "music", "a.wav", "jazz/b.wav", "jazz/c.wav")
    (tmp_path / "link").symlink_to("music")
    data = Data(dataset="custom", custom_dir=(tmp_path / "music", tmp_path / "music" / "jazz", tmp_path / "link"))
    music = find_tracks(data, 0)
    assert [each.title for each in music.tracks] == ["music/a.wav", "music/jazz/b.wav", "music/jazz/c.wav"]
    assert music.notes == (
        "jazz: 2 files taken from another of the folders already",
        "link: 3 files taken from another of the folders already",
    )


def test_the_division_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    names = [f"jazz/artist {i}/a.wav" for i in range(40)]
    held_out = []
    for place in ("here", "elsewhere/there"):
        data = Data(dataset="custom", custom_dir=(lay(tmp_path / place, *names),))
        tracks = [CachedTrack(each, Path("x"), 1, None, each.title) for each in find_tracks(data, 0).tracks]
        held_out.append([each.track.title for each in split_tracks(tracks, data, 3).validation])
    assert held_out[0] == held_out[1] != []


def test_a_missing_folder_and_an_empty_one_are_named(tmp_path: Path) -> None:
    mine = lay(tmp_path / "mine", "a.wav")
    with pytest.raises(ProfileError, match=r"nowhere: no such folder.*harmonic data download gtzan"):
        find_tracks(Data(dataset="combined", custom_dir=(mine,), gtzan_dir=(tmp_path / "nowhere",)), 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"No valid audio files in .*empty"):
        find_tracks(Data(dataset="combined", custom_dir=(mine, tmp_path / "empty")), 0)


def test_ten_thousand_files_are_looked_through_without_opening_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for artist in range(100):
        folder = tmp_path / "music" / f"genre {artist % 10}" / f"artist {artist}"
        folder.mkdir(parents=True)
        for number in range(100):
            os.link(tmp_path / "file", f"{folder}/{number}.wav")

    def refuse(*arguments: object, **rest: object) -> None:
        raise AssertionError("opens a file")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    tracks = find_tracks(Data(dataset="custom", custom_dir=(tmp_path / "music",)), 0).tracks
    assert len(tracks) == 10_000
    assert all(isinstance(each.sound, AudioFile) for each in tracks)
