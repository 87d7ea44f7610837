"""Decoded audio is kept, found again by what it is made of, and never half-written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scripted_sounds import RATE, Ramp, played, ramps

from harmonic_core.data import cache as cache_module
from harmonic_core.data.cache import Cache, CachedTrack
from harmonic_core.data.prepare import Outcome, prepare
from harmonic_core.data.tracks import AudioFile, Track


def ready(tracks: Sequence[Track], cache: Path, rate: int = RATE) -> list[Outcome]:
    return prepare(tracks, rate, Cache(cache), lambda told: None, workers=1)


def cached(outcome: Outcome) -> CachedTrack:
    assert outcome.cached is not None, outcome.reason
    return outcome.cached


def tone(path: Path, level: float = 0.25, seconds: float = 1.0) -> Track:
    soundfile.write(path, np.full(round(seconds * RATE), level), RATE)
    return Track(path.name, AudioFile(path))


def test_decoded_samples_are_read_back_as_they_were(tmp_path: Path) -> None:
    (outcome,) = ready(ramps(tmp_path / "log", "a", length=5_000), tmp_path / "cache")
    assert cached(outcome).samples == 5_000
    np.testing.assert_array_equal(cached(outcome).read(1_200, 300), np.arange(1_201, 1_501))


def test_reading_past_the_end_is_silence(tmp_path: Path) -> None:
    (outcome,) = ready(ramps(tmp_path / "log", "a", length=1_000), tmp_path / "cache")
    np.testing.assert_array_equal(cached(outcome).read(900, 300), [*range(901, 1_001), *[0] * 200])
    np.testing.assert_array_equal(cached(outcome).read(2_000, 3), [0, 0, 0])


def test_a_second_run_decodes_nothing_and_says_so(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    first = ready(ramps(log, *"abc"), cache)
    second = ready(ramps(log, *"abc"), cache)
    assert sorted(played(log)) == ["a", "b", "c"]
    assert [each.cached for each in first] == [each.cached for each in second]
    assert [each.facts for each in first] == [each.facts for each in second]
    assert [each.from_cache for each in (*first, *second)] == [False] * 3 + [True] * 3


def test_another_sample_rate_is_another_entry(tmp_path: Path) -> None:
    tracks = ramps(tmp_path / "log", "a")
    paths = {cached(ready(tracks, tmp_path / "cache", rate)[0]).path for rate in (8_000, 16_000)}
    assert len(paths) == 2
    assert len(played(tmp_path / "log")) == 2


def test_added_files_are_the_only_ones_that_are_decoded(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    ready(ramps(log, *"abcdef"), cache)
    log.unlink()
    outcomes = ready(ramps(log, *"abcdefxyz"), cache)
    assert sorted(played(log)) == ["x", "y", "z"]
    assert sum(each.from_cache for each in outcomes) == 6


def test_a_changed_file_is_decoded_anew_even_if_its_time_and_size_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    (before,) = ready([tone(path)], tmp_path / "cache")
    stat = path.stat()
    path.rename(tmp_path / "kept.wav")
    track = tone(path, 0.5)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    (after,) = ready([track], tmp_path / "cache")
    assert abs(int(cached(after).read(4_000, 1)[0]) - 2 * int(cached(before).read(4_000, 1)[0])) <= 2


def test_a_file_that_was_touched_moved_or_copied_is_not_decoded_again(tmp_path: Path) -> None:
    track = tone(tmp_path / "a.wav")
    (first,) = ready([track], tmp_path / "cache")
    os.utime(tmp_path / "a.wav", ns=(1, 1))
    shutil.copy(tmp_path / "a.wav", tmp_path / "copy.wav")
    (touched, copied) = ready([track, Track("copy", AudioFile(tmp_path / "copy.wav"))], tmp_path / "cache")
    (tmp_path / "a.wav").rename(tmp_path / "b\udce9.wav")
    (moved,) = ready([Track("moved", AudioFile(tmp_path / "b\udce9.wav"))], tmp_path / "cache")
    assert all(each.from_cache for each in (touched, copied, moved))
    assert {cached(each).path for each in (touched, copied, moved)} == {cached(first).path}


def test_the_same_file_twice_in_one_run_is_decoded_once(tmp_path: Path) -> None:
    track = tone(tmp_path / "a.wav")
    shutil.copy(tmp_path / "a.wav", tmp_path / "b.wav")
    outcomes = prepare(
        [track, Track("b", AudioFile(tmp_path / "b.wav"))],
        RATE,
        Cache(tmp_path / "cache"),
        lambda told: None,
        workers=2,
    )
    assert sorted(each.from_cache for each in outcomes) == [False, True]
    assert len({cached(each).path for each in outcomes}) == 1


@pytest.mark.parametrize("harm", ["cut", "gone", "no record", "torn record", "record of another kind"])
def test_an_entry_that_is_not_whole_counts_as_absent(tmp_path: Path, harm: str) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    (outcome,) = ready(ramps(log, "a"), cache)
    path = cached(outcome).path
    record = path.with_suffix(".json")
    match harm:
        case "cut":
            os.truncate(path, 100)
        case "gone":
            path.unlink()
        case "no record":
            record.unlink()
        case "torn record":
            record.write_text(record.read_text()[:40])
        case _:
            record.write_text('{"samples": "many"}')
    (again,) = ready(ramps(log, "a"), cache)
    assert not again.from_cache
    assert cached(again).samples == 2 * RATE
    assert played(log) == ["a", "a"]


def test_a_refusal_is_remembered_until_the_decoders_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    first, second = (ready(ramps(log, "a", deed="refuse"), cache)[0] for _ in range(2))
    assert (first.reason, first.cached, first.facts) == ("ramp: torn", None, None)
    assert (second.reason, second.from_cache) == ("ramp: torn", True)
    assert played(log) == ["a"]
    versions = dict(cache_module.decoders(), av="0.0")
    monkeypatch.setattr(cache_module, "decoders", lambda: versions)
    assert cache_module.Cache(cache).entry(Ramp(log, "a", deed="refuse").content(), RATE) is None


def test_a_refusal_leaves_no_samples_in_the_cache(tmp_path: Path) -> None:
    ready(ramps(tmp_path / "log", "a", deed="refuse"), tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.s16"))


def test_looking_without_writing_leaves_no_trace_but_uses_what_is_there(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    (looked,) = prepare(ramps(log, "a"), RATE, Cache(cache), lambda told: None, write=False)
    assert looked.facts is not None
    assert looked.cached is None
    assert not cache.exists()
    (kept,) = ready(ramps(log, "a"), cache)
    assert kept.content == looked.content
    (again,) = prepare(ramps(log, "a"), RATE, Cache(cache), lambda told: None, write=False)
    assert (again.from_cache, again.facts, again.content) == (True, looked.facts, looked.content)
    assert len(played(log)) == 2


def test_what_is_written_holds_no_time_and_no_chance(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "two"):
        ready(ramps(tmp_path / "log", *"abc"), tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        trees.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert trees[0] == trees[1]
    assert [json.loads(text)["samples"] for path, text in trees[0].items() if "pcm" in path and "json" in path]
