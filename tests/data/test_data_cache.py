"""Decoded audio is kept, found again, and never half-written."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from made_tracks import Ramp, on_disk, track

from harmonic_core.data.cache import CachedTrack, decode_tracks
from harmonic_core.data.tracks import AudioFile, RefusedTrack, Track
from harmonic_core.errors import DiskError

RATE = 8_000


def decode(
    tracks: Sequence[Track], cache: Path, seconds: float = 0.1, rate: int = RATE
) -> tuple[list[CachedTrack], list[RefusedTrack]]:
    return decode_tracks(tracks, rate, seconds, cache, lambda done, total, label: None)


def played(tracks: Sequence[Track]) -> int:
    return sum(len(each.sound.played) for each in tracks if isinstance(each.sound, Ramp))


def test_decoded_samples_are_read_back_as_they_were(tmp_path: Path) -> None:
    (cached,), refused = decode([track("a", 5_000)], tmp_path)
    assert refused == []
    assert cached.samples == 5_000
    np.testing.assert_array_equal(cached.read(1_200, 300), np.arange(1_201, 1_501))


def test_reading_past_the_end_is_silence(tmp_path: Path) -> None:
    got = on_disk(tmp_path, "a", 1_000).read(900, 300)
    np.testing.assert_array_equal(got, [*range(901, 1_001), *[0] * 200])


def test_a_second_run_decodes_nothing(tmp_path: Path) -> None:
    tracks = [track(name) for name in "abc"]
    first = decode(tracks, tmp_path)
    assert played(tracks) == 3
    assert decode(tracks, tmp_path) == first
    assert played(tracks) == 3


def test_another_sample_rate_is_another_entry(tmp_path: Path) -> None:
    tracks = [track("a")]
    (low,), (high,) = (decode(tracks, tmp_path, 0.01, rate)[0] for rate in (8_000, 16_000))
    assert low.path != high.path
    assert played(tracks) == 2


def test_a_changed_file_is_decoded_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    music = Track("a.wav", AudioFile(path), "a.wav")
    soundfile.write(path, np.full(RATE, 0.25), RATE)
    (before,), _ = decode([music], tmp_path / "cache")
    soundfile.write(path, np.full(RATE, 0.5), RATE)
    os.utime(path, ns=(1, 1))
    (after,), _ = decode([music], tmp_path / "cache")
    assert before.path != after.path
    assert abs(int(after.read(4_000, 1)[0]) - 2 * int(before.read(4_000, 1)[0])) <= 2


def test_a_file_that_is_gone_or_broken_is_refused_with_its_name_and_the_others_stay(tmp_path: Path) -> None:
    gone = Track("gone.wav", AudioFile(tmp_path / "gone.wav"), "gone.wav")
    cached, refused = decode([track("a"), gone, track("bad", fault="holds a surprise"), track("b")], tmp_path / "cache")
    assert [each.track.title for each in cached] == ["a", "b"]
    assert [str(each) for each in refused] == ["gone.wav: No such file or directory", "bad: holds a surprise"]


def test_a_fault_half_way_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    decode([track("bad", fault="torn")], tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_decoder_left_is_not_taken_for_a_track(tmp_path: Path) -> None:
    music = track("a")
    key = music.cache_key(RATE)
    (tmp_path / str(RATE)).mkdir()
    (tmp_path / str(RATE) / f".{key}.s16.deadbeef.tmp").write_bytes(b"half")
    (cached,), _ = decode([music], tmp_path)
    assert cached.samples == 1_000


def test_a_clip_that_is_too_short_is_refused_with_its_length(tmp_path: Path) -> None:
    cached, refused = decode([track("short", 4_000), track("long", 8_000)], tmp_path, seconds=1.0)
    assert [each.track.title for each in cached] == ["long"]
    assert "short: 0.50 s long" in str(refused[0])
    assert "min_clip_length (1 s)" in str(refused[0])


def test_a_hostile_name_is_shown_without_its_escape_codes(tmp_path: Path) -> None:
    _, (refused,) = decode([track("\x1b[2Jevil\udce9", fault="no")], tmp_path)
    assert "\x1b" not in str(refused)
    assert str(refused).encode()


@pytest.mark.parametrize("where", ["write", "fsync"])
def test_a_full_disk_is_the_disks_fault_not_the_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*arguments: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "fsync":
        monkeypatch.setattr("os.fsync", full)
    else:
        opened = Path.open

        def open_full(path: Path, mode: str = "r", **rest: Any) -> Any:
            file = opened(path, mode, **rest)
            return _Full(file) if "w" in mode else file

        monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(DiskError, match="No space left"):
        decode([track("a")], tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))


class _Full:
    """A file on a disk that has no room."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> _Full:
        return self

    def __exit__(self, *details: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_cache_that_cannot_be_made_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskError, match="audio cache"):
        decode([track("a")], tmp_path / "file")


def test_stopping_leaves_the_rest_undecoded(tmp_path: Path) -> None:
    tracks = [track(name) for name in "abc"]
    cached, refused = decode_tracks(tracks, RATE, 0.1, tmp_path, lambda done, total, label: None, lambda: True)
    assert (cached, refused, played(tracks)) == ([], [], 0)


def test_progress_tells_every_track_in_order(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    decode_tracks([track("a"), track("\x1bb")], RATE, 0.1, tmp_path, lambda *each: told.append(each))
    assert told == [(1, 2, "a"), (2, 2, "\\x1bb")]
