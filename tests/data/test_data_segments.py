"""Crops and batches are functions of seed, epoch and step, lie inside their tracks and leave nothing out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tracks import cached, on_disk

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.segments import TrainingSegments, ValidationSegments

SEGMENT = 100
CPU = torch.device("cpu")


def unread(length: int, name: str = "a") -> CachedTrack:
    return cached(name, length)


@pytest.fixture
def tracks(tmp_path: Path) -> list[CachedTrack]:
    return [on_disk(tmp_path, name, length) for name, length in (("a", 730), ("b", 1_000), ("c", 60), ("d", 250))]


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5_000), min_size=1, max_size=8), seed=st.integers(0, 99), epoch=st.integers(0, 99)
)
def test_every_crop_lies_inside_its_track(lengths: list[int], seed: int, epoch: int) -> None:
    segments = TrainingSegments([unread(length) for length in lengths], SEGMENT, seed)
    starts = segments.epoch_starts(epoch)
    last = np.repeat([max(0, n - SEGMENT) for n in lengths], [max(1, n // SEGMENT) for n in lengths])
    assert len(starts) == len(segments) == len(last)
    assert (starts >= 0).all()
    assert (starts <= last).all()


def test_over_some_epochs_every_sample_of_a_track_is_heard() -> None:
    segments = TrainingSegments([unread(730)], SEGMENT, 0)
    heard = np.zeros(730, bool)
    for epoch in range(400):
        for start in segments.epoch_starts(epoch):
            heard[start : start + SEGMENT] = True
    # The very first and last samples are in one crop only, the outermost, whose turn may not have come.
    assert heard[2:-2].all()


def test_in_one_epoch_a_long_track_is_cropped_all_along_its_length() -> None:
    segments = TrainingSegments([unread(10_000)], SEGMENT, 0)
    parts = np.histogram(segments.epoch_starts(3), bins=10, range=(0, 9_900))[0]
    assert parts.tolist() == [10] * 10


def test_crops_and_order_are_the_same_for_the_same_seed_and_epoch_and_new_for_another() -> None:
    def of(seed: int, epoch: int) -> tuple[list[int], list[int]]:
        segments = TrainingSegments([unread(5_000)], SEGMENT, seed)
        return segments.epoch_order(epoch).tolist(), segments.epoch_starts(epoch).tolist()

    assert of(1, 2) == of(1, 2)
    assert of(1, 2)[0] != of(1, 3)[0]
    assert of(1, 2)[1] != of(1, 3)[1]
    assert of(1, 2)[1] != of(2, 2)[1]


def test_order_crops_and_draws_are_those_of_every_version_so_far() -> None:
    """So that a run that was begun with an earlier one goes on with the same batches."""
    segments = TrainingSegments([unread(length) for length in (430, 60, 250, 1_000)], SEGMENT, 7, 1.2)
    digest = hashlib.sha256()
    for epoch in range(5):
        for numbers in (segments.epoch_order(epoch), segments.epoch_starts(epoch), segments.epoch_chance(epoch, 4)):
            digest.update(numbers.tobytes())
    assert segments.epoch_order(0).tolist() == [15, 10, 2, 8, 9, 1, 7, 0, 4, 12, 11, 6, 3, 13, 5, 16, 14]
    assert digest.hexdigest() == "9edae0c17a3fe3df22e6d8cf08271585bfe99caec57ac017e926cdb70487a4ee"


def test_the_order_of_an_epoch_has_every_segment_once() -> None:
    segments = TrainingSegments([unread(5_000), unread(50)], SEGMENT, 0)
    assert sorted(segments.epoch_order(5)) == list(range(51))


def test_a_batch_holds_the_samples_at_the_starts_and_pads_a_short_clip(tracks: list[CachedTrack]) -> None:
    segments = TrainingSegments(tracks, SEGMENT, 0)
    starts = segments.epoch_starts(0)
    batch = segments.batch(np.arange(len(segments)), starts)
    assert batch.shape == (7 + 10 + 1 + 2, SEGMENT)
    for row, start in zip(batch[:17], starts[:17], strict=True):
        np.testing.assert_array_equal(row, np.arange(start + 1, start + 1 + SEGMENT))
    np.testing.assert_array_equal(batch[17], [*range(1, 61), *[0] * 40])


def test_a_batch_by_step_does_not_depend_on_what_was_asked_before(tracks: list[CachedTrack]) -> None:
    segments = TrainingSegments(tracks, SEGMENT, 7)
    with BatchLoader(segments, 3, CPU) as at_once, BatchLoader(segments, 3, CPU) as in_turn:
        straight = at_once.batch(17)
        for step in range(17):
            in_turn.batch(step)
        assert torch.equal(straight, in_turn.batch(17))
        assert torch.equal(at_once.batch(2), in_turn.batch(2))


def test_an_epoch_of_batches_repeats_no_segment(tracks: list[CachedTrack]) -> None:
    segments = TrainingSegments(tracks, SEGMENT, 7)
    with BatchLoader(segments, 4, CPU) as loader:
        assert loader.steps_per_epoch == 5
        rows = torch.cat([loader.batch(step) for step in range(5, 10)])
    expected = segments.batch(np.arange(len(segments)), segments.epoch_starts(1))
    assert sorted(rows.tolist()) == sorted(expected.tolist())


def test_a_batch_larger_than_the_data_is_all_of_it(tracks: list[CachedTrack]) -> None:
    with BatchLoader(TrainingSegments(tracks, SEGMENT, 0), 500, CPU) as loader:
        assert (loader.batch_size, loader.steps_per_epoch) == (20, 1)
        assert loader.batch(3).shape == (20, SEGMENT)


def test_validation_cuts_are_fixed_and_follow_one_another(tracks: list[CachedTrack]) -> None:
    segments = ValidationSegments(tracks, SEGMENT, 1_000)
    assert [(cached.track.title, start) for cached, start in segments.places] == [
        *(("a", 100 * i) for i in range(7)),
        *(("b", 100 * i) for i in range(10)),
        ("c", 0),
        ("d", 0),
        ("d", 100),
    ]
    np.testing.assert_array_equal(segments.batch(8, 1)[0], np.arange(101, 201))
    assert segments.batch(18, 5).shape == (2, SEGMENT)


def test_too_many_validation_cuts_are_thinned_evenly(tracks: list[CachedTrack]) -> None:
    chosen = ValidationSegments(tracks, SEGMENT, 5).places
    assert len(chosen) == 5
    assert {cached.track.title for cached, _ in chosen} >= {"a", "b"}
    assert chosen == ValidationSegments(tracks, SEGMENT, 5).places


def test_no_validation_tracks_are_no_segments() -> None:
    assert len(ValidationSegments([], SEGMENT, 5)) == 0
