"""What a run writes down of its music, and what a reader makes of it."""

from __future__ import annotations

import json

import pytest

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.music import Amount, Bin, Division, Group, Music, read_music, write_music

MUSIC = Music(
    written_at=1.0,
    sample_rate=22_050,
    segment_s=3.0,
    division=Division(training=Amount(tracks=8, seconds=80.0, segments=26), validation=Amount(tracks=2, seconds=20.0)),
    validated=6,
    epoch=26,
    genres=(Group(name="jazz", training=Amount(tracks=8, seconds=80.0, segments=26)), Group(name="")),
    durations=(Bin(from_s=0.0, tracks=0), Bin(from_s=3.0, tracks=10)),
    notes=("a sentence",),
)


def test_music_is_read_as_it_was_written(run: RunDirectory) -> None:
    write_music(run, MUSIC)
    assert read_music(run) == MUSIC


def test_the_whole_is_what_is_on_all_sides_together() -> None:
    assert MUSIC.division.whole == Amount(tracks=10, seconds=100.0, segments=26)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"version": 1}', b'{"written_at": 1}', b"\xff\x00"])
def test_what_is_not_there_or_no_music_is_none(run: RunDirectory, content: bytes | None) -> None:
    if content is not None:
        run.music.write_bytes(content)
    assert read_music(run) is None


def test_a_newer_version_with_unknown_fields_is_understood(run: RunDirectory) -> None:
    write_music(run, MUSIC)
    known = json.loads(run.music.read_text())
    known["genres"][0]["mood"] = "blue"
    run.music.write_text(json.dumps({**known, "version": 9, "more": [1]}))
    found = read_music(run)
    assert found is not None
    assert found.genres == MUSIC.genres
