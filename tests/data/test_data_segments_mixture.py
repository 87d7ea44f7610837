"""Several sources in one epoch: each gets its share, and all music of each is heard equally often in the long run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tracks import cached, on_disk

from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.mixture import quotas
from harmonic_core.data.segments import TrainingSegments
from harmonic_core.data.tracks import Source

SEGMENT = 100
SOURCES: tuple[Source, ...] = ("gtzan", "maestro", "custom")


def mixed(sizes: dict[Source, int], weights: dict[Source, float], seed: int = 0) -> TrainingSegments:
    """Tracks of one to three segments each, so many segments of each source."""
    tracks = []
    for source, size in sizes.items():
        lengths = [3] * (size // 3) + ([size % 3] if size % 3 else [])
        tracks += [cached(f"{source}-{i}", length * SEGMENT, source=source) for i, length in enumerate(lengths)]
    return TrainingSegments(tracks, SEGMENT, seed, weights=weights)


def shares(segments: TrainingSegments, epoch: int) -> Counter[str]:
    return Counter(segments.source_of(index) for index in segments.epoch_order(epoch))


def test_199_hours_of_piano_do_not_drown_8_hours_of_everything_else() -> None:
    segments = mixed({"maestro": 1990, "gtzan": 80}, {"maestro": 1.0, "gtzan": 1.0})
    assert len(segments) == 2070
    assert shares(segments, 3) == {"maestro": 1035, "gtzan": 1035}


def test_shares_follow_the_weights_and_a_source_without_a_weight_counts_as_one() -> None:
    segments = mixed({"maestro": 300, "gtzan": 60, "custom": 40}, {"maestro": 2.0, "gtzan": 1.0})
    assert shares(segments, 0) == shares(segments, 9) == {"maestro": 200, "gtzan": 100, "custom": 100}


def test_a_source_of_little_weight_is_still_heard() -> None:
    assert shares(mixed({"maestro": 30, "gtzan": 6}, {"gtzan": 1e-6}), 0) == {"maestro": 35, "gtzan": 1}


@given(total=st.integers(1, 10_000), weights=st.lists(st.floats(0.001, 1_000), min_size=1, max_size=4))
def test_quotas_add_up_and_leave_nobody_out(total: int, weights: list[float]) -> None:
    given_out = quotas(total, weights)
    assert sum(given_out) == total
    assert min(given_out) >= 1 or total < len(weights)
    for quota, weight in zip(given_out, weights, strict=True):
        assert abs(quota - total * weight / sum(weights)) < len(weights) + 1


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    weights=st.lists(st.sampled_from([0.1, 0.5, 1.0, 3.0, 20.0]), min_size=3, max_size=3),
    seed=st.integers(0, 99),
)
def test_no_segment_of_a_source_comes_again_before_all_of_it_have_come(
    sizes: list[int], weights: list[float], seed: int
) -> None:
    segments = mixed(dict(zip(SOURCES, sizes, strict=False)), dict(zip(SOURCES, weights, strict=True)), seed)
    tracks = segments.tracks
    heard: dict[str, Counter[tuple[str, int]]] = {source: Counter() for source in SOURCES}
    for epoch in range(12):
        order = segments.epoch_order(epoch)
        assert len(order) == len(set(order.tolist())) == len(segments)
        for index in order:
            track = tracks[segments._track[index]].track
            heard[track.source][track.title, int(segments._slot[index])] += 1
        for source, size in zip(SOURCES, sizes, strict=False):
            times = heard[source]
            assert max(times.values()) - (min(times.values()) if len(times) == size else 0) <= 1


def test_a_segment_that_comes_often_in_one_epoch_is_cut_anew_each_time() -> None:
    tracks = [cached("long", 100 * SEGMENT, source="maestro"), cached("short", 20 * SEGMENT, source="gtzan")]
    segments = TrainingSegments(tracks, SEGMENT, 0, weights={"maestro": 1.0, "gtzan": 1.0})
    starts = segments.epoch_starts(0)
    of_short = [int(starts[index]) for index in segments.epoch_order(0) if segments.source_of(index) == "gtzan"]
    assert len(of_short) == 60
    assert len(set(of_short)) >= 55
    assert max(of_short) <= 19 * SEGMENT


def test_an_epoch_is_a_function_of_seed_and_epoch_alone() -> None:
    sizes, weights = {"maestro": 90, "gtzan": 12}, {"gtzan": 2.0}

    def of(seed: int, epoch: int) -> list[int]:
        segments = mixed(sizes, weights, seed)  # type: ignore[arg-type]
        return segments.epoch_order(epoch).tolist()

    straight = mixed(sizes, weights, 1)  # type: ignore[arg-type]
    for epoch in range(6):
        last = straight.epoch_order(epoch).tolist()
    assert of(1, 5) == last
    assert of(1, 5) != of(1, 4)
    assert of(1, 5) != of(2, 5)


def test_batches_of_a_mixture_resume_at_any_step(tmp_path: Path) -> None:
    tracks = [on_disk(tmp_path, "piano", 3_000, "maestro"), on_disk(tmp_path, "rock", 400, "gtzan")]
    segments = TrainingSegments(tracks, SEGMENT, 7, weights={"gtzan": 3.0})
    with (
        BatchLoader(segments, 4, torch.device("cpu")) as at_once,
        BatchLoader(segments, 4, torch.device("cpu")) as turn,
    ):
        assert at_once.steps_per_epoch == 34 // 4
        straight, chance = at_once.batch(29), at_once.chance(29, 3)
        for step in range(29):
            turn.batch(step)
        assert torch.equal(straight, turn.batch(29))
        assert torch.equal(chance, turn.chance(29, 3))
        assert chance.shape == (4, 3)


@pytest.mark.parametrize("weights", [None, {"maestro": 1.0, "gtzan": 5.0}])
def test_a_spread_over_the_segments_has_every_source_as_an_epoch_has(weights: dict[Source, float] | None) -> None:
    tracks = [cached("piano", 90 * SEGMENT, source="maestro"), cached("rock", 10 * SEGMENT, source="gtzan")]
    segments = TrainingSegments(tracks, SEGMENT, 0, weights=weights)
    spread = Counter(segments.source_of(index) for index in segments.spread(50))
    share = 10 / 100 if weights is None else 5 / 6
    assert spread["gtzan"] == pytest.approx(50 * share, abs=2)
    assert len(segments.spread(1_000)) == 100
    if weights is None:
        np.testing.assert_array_equal(segments.spread(50), np.arange(0, 100, 2))
