"""Files cut into segments that overlap, and what cannot be cut."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from harmonic_core.creating.listening import Cuts, sound_of, typical
from harmonic_core.errors import DataError
from harmonic_core.training.signals import StoppedError


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=8),
    st.integers(1, 40),
    st.integers(1, 7),
    st.integers(1, 8),
)
def test_segments_cover_the_sound_whatever_blocks_it_comes_in(
    blocks: list[int], segment: int, hop: int, advance: int
) -> None:
    frames = 1 + segment // hop
    advance = min(advance, frames)
    sound = np.arange(1, sum(blocks) + 1, dtype=np.int16)
    parts = np.split(sound, np.cumsum(blocks)[:-1])
    cuts = Cuts(parts, segment, hop, advance)
    found = list(cuts)
    assert cuts.samples == len(sound)
    covered = 0
    for start, samples in found:
        assert start <= covered
        assert len(samples) == segment
        there = sound[start * hop :][:segment]
        assert np.array_equal(samples[: len(there)], there)
        assert not samples[len(there) :].any()
        covered = start + frames
    if len(sound):
        assert covered >= 1 + len(sound) // hop
        # Only what is shorter than a segment is followed by more than a frame of silence.
        assert len(found) == 1 or covered == 1 + len(sound) // hop
    else:
        assert not found


def test_the_length_is_not_known_before_the_end() -> None:
    cuts = Cuts(iter([np.ones(50, np.int16)] * 4), 40, 5, 4)
    each = iter(cuts)
    next(each)
    assert cuts.samples is None
    list(each)
    assert cuts.samples == 200


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"RIFF nothing of the kind" * 40, "")])
def test_what_is_no_music_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "strange\x1b[31m.wav"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(sound_of(path, 8000))
    message = str(caught.value)
    assert r"strange\x1b[31m.wav: " in message
    assert reason in message
    assert "\n" not in message


def test_a_folder_is_no_music(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; name a file in it"):
        list(sound_of(tmp_path, 8000))


def test_what_is_not_whole_or_no_sample_at_this_rate_is_refused(tmp_path: Path) -> None:
    whole, torn, short = (tmp_path / f"{name}.wav" for name in ("whole", "torn", "short"))
    soundfile.write(whole, np.zeros(8000 * 9), 8000)
    torn.write_bytes(whole.read_bytes()[:50_000])
    with pytest.raises(DataError, match=r"torn\.wav: truncated: .*; make or fetch the file again"):
        list(sound_of(torn, 8000))
    soundfile.write(short, np.zeros(1), 96_000)
    with pytest.raises(DataError, match=r"short\.wav: too short"):
        list(sound_of(short, 8000))


def test_reading_is_given_up_when_it_should_stop(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 60), 8000)
    asked: Iterator[bool] = iter([False, False, True])
    with pytest.raises(StoppedError):
        list(sound_of(tmp_path / "long.wav", 8000, lambda: next(asked)))


def test_the_typical_segment_is_one_of_them_near_the_mean_by_what_the_model_is_sure_of() -> None:
    mu = torch.tensor([[0.0, 9.0], [1.0, -9.0], [5.0, 0.0]])
    assert typical(mu, torch.tensor([1.0, 100.0])) == 1
    assert typical(mu, torch.tensor([100.0, 1.0])) == 2
