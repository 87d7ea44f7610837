"""Overlapping segments as one stream, and a stream as overlapping stretches."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harmonic_core.generation.fading import cut_off, fade, stretches


def joined(blocks: object) -> torch.Tensor:
    return torch.cat(list(blocks), dim=1)  # type: ignore[call-overload, no-any-return]


@given(st.integers(2, 12), st.lists(st.integers(1, 12), max_size=8), st.integers(0, 6), st.integers(0, 4))
def test_segments_of_one_stream_are_that_stream_again(frames: int, steps: list[int], faded: int, edge: int) -> None:
    starts = [0]
    for step in steps:
        starts.append(starts[-1] + min(step, frames))
    stream = torch.arange(2.0 * (starts[-1] + frames)).reshape(2, -1)
    segments = [(start, stream[:, start : start + frames]) for start in starts]
    assert torch.allclose(joined(fade(segments, min(faded, frames // 2), edge)), stream, rtol=1e-4)


def test_one_segment_becomes_the_next_evenly() -> None:
    made = joined(fade([(0, torch.zeros(1, 10)), (6, torch.ones(1, 10))], 4))[0]
    assert torch.allclose(made, torch.tensor([0.0] * 6 + [0.2, 0.4, 0.6, 0.8] + [1.0] * 6))


def test_edges_that_saw_silence_count_for_next_to_nothing_but_where_there_is_nothing_else() -> None:
    one, other = torch.full((1, 12), 1.0), torch.full((1, 12), 2.0)
    one[0, :2] = one[0, -2:] = other[0, :2] = other[0, -2:] = 1000.0
    made = joined(fade([(0, one), (6, other)], 6, 2))[0]
    assert (made[2:-2] < 2.01).all()
    assert (made[2:-2].diff() >= -1e-2).all()
    assert torch.allclose(made[:2], one[0, :2])
    assert torch.allclose(made[-2:], other[0, -2:])


def test_a_stream_comes_as_soon_as_nothing_overlaps_it_any_more() -> None:
    asked = []

    def segments() -> object:
        for number in range(100):
            asked.append(number)
            yield 5 * number, torch.ones(1, 10)

    stream = fade(segments(), 5)  # type: ignore[arg-type]
    next(stream)
    assert asked == [0, 1]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(2, 30), st.integers(1, 29))
def test_stretches_cover_a_stream(blocks: list[int], length: int, advance: int) -> None:
    advance = min(advance, length - 1)
    stream = torch.arange(float(sum(blocks))).unsqueeze(0)
    found = list(stretches(torch.split(stream, blocks, dim=1), length, advance))
    assert [is_last for _, is_last in found] == [False] * (len(found) - 1) + [True]
    for number, (stretch, _) in enumerate(found):
        start = number * advance
        assert torch.equal(stretch, stream[:, start : start + length])
    assert found[-1][0][0, -1] == stream[0, -1]


@pytest.mark.parametrize("most", [0, 1, 7, 8, 100])
def test_a_stream_is_cut_off_where_it_should_end(most: int) -> None:
    stream = torch.arange(12.0).unsqueeze(0)
    blocks = list(cut_off(torch.split(stream, 4, dim=1), lambda: most))
    assert torch.equal(torch.cat([torch.zeros(1, 0), *blocks], dim=1), stream[:, :most])
