"""Settings that contradict each other are refused with the way out."""

import re

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonic_core.errors import ProfileError
from harmonic_core.profile.mel_bands import empty_bands
from harmonic_core.profile.resolve import resolve


def refusal(**flags: object) -> str:
    """The message with which these settings are refused."""
    with pytest.raises(ProfileError) as refused:
        resolve(None, flags=flags, environ={})
    return str(refused.value)


@pytest.mark.parametrize(
    ("flags", "key", "way_out"),
    [
        ({"segment_length": 0.09, "min_clip_length": 0.1}, "data.segment_length", "at least 0.093 or a smaller n_fft"),
        ({"hop_length": 1024, "n_fft": 512, "n_mels": 16}, "audio.hop_length", "usually a quarter of it: 128"),
        ({"f_max": 12000}, "audio.f_max", "at most 11025"),
        ({"f_min": 5000, "f_max": 4000}, "audio.f_min", "an f_min below f_max"),
        ({"f_min": 11025}, "audio.f_min", "an f_min below f_max"),
        ({"beta_end": 1e-5}, "loss.beta_end", "swap the two"),
        ({"kernel_size": 8}, "model.kernel_size", "such as 9"),
        ({"latent_frames": 3}, "model.latent_frames", "such as 129"),
        ({"latent_frames": 16, "hidden_dims": "8,8,8,8"}, "model.latent_frames", "at most 9"),
        ({"latent_frames": 2, "architecture": "dense"}, "model.latent_frames", "or the architecture `harmonic`"),
        ({"hidden_dims": "8,8,8,8,8,8,8,8"}, "model.hidden_dims", "at most 7 hidden_dims"),
        ({"grad_accum_steps": 64}, "train.grad_accum_steps", "such as 32"),
        ({"grad_accum_steps": 5}, "train.grad_accum_steps", "such as 4"),
        ({"dataset": "custom"}, "data.dataset", "--custom-dir path/to/audio"),
        ({"dataset": "combined"}, "data.dataset", "--gtzan-dir"),
        ({"segment_length": 0.5}, "data.segment_length", "min_clip_length smaller"),
        ({"custom_dir": "a\0b"}, "data.custom_dir", "NUL"),
    ],
)
def test_a_contradiction_is_refused_at_the_setting_somebody_made(
    flags: dict[str, object], key: str, way_out: str
) -> None:
    message = refusal(**flags)
    assert way_out in message
    assert key in message
    assert "default" not in message


def test_a_contradiction_is_not_judged_by_a_value_that_is_invalid_itself() -> None:
    message = refusal(beta_end=-1, beta_start=5)
    assert "one problem" in message
    assert "would fall" not in message


def test_a_folder_of_the_data_set_may_serve_as_the_custom_one() -> None:
    assert resolve(None, flags={"dataset": "custom", "dataset_dir": "music"}, environ={}).profile


@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_too_many_mel_bands_are_refused_with_figures_that_work() -> None:
    message = refusal(n_mels=128, n_fft=256)
    found = re.search(r"(\d+) of 128 mel bands .* n_mels of at most (\d+) or an n_fft of at least (\d+)", message)
    assert found is not None
    empty, fewer, longer = map(int, found.groups())
    assert empty == int((librosa.filters.mel(sr=22050, n_fft=256, n_mels=128, fmin=20).max(axis=1) == 0).sum())
    assert resolve(None, flags={"n_mels": fewer, "n_fft": 256, "hop_length": 64}, environ={})
    assert resolve(None, flags={"n_mels": 128, "n_fft": longer, "hop_length": 64}, environ={})
    refusal(n_mels=fewer + 1, n_fft=256, hop_length=64)
    refusal(n_mels=128, n_fft=longer // 2, hop_length=64)


@given(
    sample_rate=st.sampled_from([8000, 16000, 22050, 44100]),
    n_fft=st.sampled_from([128, 256, 512, 1000, 2048]),
    n_mels=st.integers(8, 256),
    f_min=st.floats(0, 500),
    f_max=st.floats(1000, 4000),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Empty filters detected")
def test_the_number_of_empty_bands_is_librosas(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float
) -> None:
    filters = librosa.filters.mel(
        sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max, norm=None, dtype=np.float64
    )
    assert empty_bands(sample_rate, n_fft, n_mels, f_min, f_max) == int((filters.max(axis=1) < 1e-9).sum())
