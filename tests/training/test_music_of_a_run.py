"""What a run writes down of the music that it trains on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.split import Split
from harmonic_core.data.tracks import AudioFile, Source, Track
from harmonic_core.profile.resolve import Resolved
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.music import read_music, write_music
from harmonic_core.training.inventory import take_stock

RATE = 8000


def track(title: str, seconds: float, genre: str = "", source: Source = "custom") -> CachedTrack:
    """A track that is decoded already."""
    metadata = {"genre": genre} if genre else {}
    about = Track(title, AudioFile(Path(title)), frozenset(), metadata, source)
    facts = SoundFacts.__new__(SoundFacts)
    return CachedTrack(about, Path("nowhere"), round(seconds * RATE), facts, title)


def test_a_run_writes_down_what_it_trains_on(finished: RunDirectory) -> None:
    music = read_music(finished)
    assert music is not None
    division = music.division
    assert division.training.tracks + division.validation.tracks == sum(each.tracks for each in music.durations) > 1
    assert division.whole.seconds == pytest.approx(30.0, rel=0.3)
    assert sum(group.training.segments for group in music.genres) == division.training.segments == music.epoch
    assert sum(group.whole.tracks for group in music.genres) == division.whole.tracks
    assert [group.name for group in music.sources] == ["demo"]
    assert (music.sample_rate, music.segment_s, music.validated) == (RATE, 1.0, division.validation.segments)


def test_stock_is_taken_by_side_genre_data_set_and_length(profile_of: Callable[..., Resolved]) -> None:
    split = Split(
        training=[track("a", 10.0, "Hip Hop"), track("b", 2.5, "hip hop"), track("c", 0.2)],
        validation=[track("d", 40.0, "jazz", "gtzan")],
        aside=[track("e", 4000.0, "jazz", "maestro")],
        notes=("one\x1b[31m note",),
    )
    music = take_stock(split, profile_of().profile, epoch=13, validated=7)
    assert [(group.name, group.whole.tracks) for group in music.genres] == [("jazz", 2), ("Hip Hop", 2), ("", 1)]
    assert music.genres[1].training.segments == 12
    assert music.genres[2].training.segments == 1
    assert [group.name for group in music.sources] == ["maestro", "gtzan", "custom"]
    assert {each.from_s: each.tracks for each in music.durations if each.tracks} == {0: 1, 1: 1, 10: 1, 30: 1, 3600: 1}
    assert (music.division.aside.tracks, music.epoch, music.validated) == (1, 13, 7)
    assert music.notes == ("one\\x1b[31m note",)


def test_names_that_are_no_valid_text_can_be_written(
    run_of_any: RunDirectory, profile_of: Callable[..., Resolved]
) -> None:
    split = Split([track("a", 10.0, "caf\udce9\x1b[2J [red]")], [], [])
    music = take_stock(split, profile_of().profile, epoch=10, validated=0)
    write_music(run_of_any, music)
    read = read_music(run_of_any)
    assert read is not None
    assert read.genres[0].name == "caf\\udce9\\x1b[2J [red]"


@pytest.fixture
def run_of_any(tmp_path: Path) -> RunDirectory:
    """An empty run directory."""
    return RunDirectory(tmp_path)
