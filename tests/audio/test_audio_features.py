"""Log-mel spectrograms: levels that mean what they say, and agreement with librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from audio_files import chord, sine
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.profile.sections import Audio

AUDIO = Audio(sample_rate=22_050, n_fft=1024, hop_length=256, n_mels=48)


def noise(seconds: float = 1.0, rate: int = 22_050) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return 0.3 * torch.rand((1, round(seconds * rate)), generator=generator) - 0.15


@pytest.fixture(scope="module")
def features() -> LogMel:
    return LogMel(AUDIO)


@pytest.mark.parametrize("f_max", [None, 8_000.0])
def test_band_powers_agree_with_librosa(f_max: float | None) -> None:
    audio = AUDIO.model_copy(update={"f_max": f_max})
    ours = LogMel(audio)
    sound = noise()
    window = np.hanning(audio.n_fft + 1)[:-1]
    expected = librosa.feature.melspectrogram(
        y=sound[0].numpy() * 2.0 / window.sum(),
        sr=audio.sample_rate,
        n_fft=audio.n_fft,
        hop_length=audio.hop_length,
        n_mels=audio.n_mels,
        fmin=audio.f_min,
        fmax=f_max or audio.sample_rate / 2,
        pad_mode="constant",
        power=2.0,
        htk=False,
        norm=None,
    )
    bands = ours.filterbank @ ours.power(sound)[0].T
    assert bands.shape == expected.shape
    np.testing.assert_allclose(bands.numpy(), expected, rtol=2e-3, atol=1e-9)


@pytest.mark.parametrize("band", [5, 20, 40])
def test_a_sine_reads_its_level_in_db_below_full_scale(features: LogMel, band: int) -> None:
    """A wide band also holds the two neighbours of the peak, a Hann window's 1.76 dB more."""
    frequency = int(features.filterbank[band].argmax()) * AUDIO.sample_rate / AUDIO.n_fft
    tones = [torch.from_numpy(sine(frequency, 1.0, AUDIO.sample_rate, amplitude)) for amplitude in (1.0, 0.1, 0.01)]
    full, tenth, hundredth = ((features(torch.stack(tones)) - 1.0) * AUDIO.dynamic_range_db)[:, band, 20].tolist()
    assert -1.0 < full <= 0.0
    assert -21.0 < tenth < -18.2
    assert hundredth - tenth == pytest.approx(-20.0, abs=0.05)


def test_all_values_lie_between_0_and_1(features: LogMel) -> None:
    square = torch.sign(torch.from_numpy(sine(440.0, 1.0, 22_050))).unsqueeze(0)
    click = torch.zeros(1, 22_050)
    click[0, 9_000] = 1.0
    for sound in (square, click, noise(), torch.zeros(1, 22_050), 1e-9 * noise()):
        mel = features(sound)
        assert mel.min() >= 0.0
        assert mel.max() <= 1.0


def test_silence_is_0_everywhere(features: LogMel) -> None:
    assert features(torch.zeros(2, 22_050, dtype=torch.int16)).abs().max() == 0.0


def test_int16_gives_what_the_same_floats_give(features: LogMel) -> None:
    pcm = (chord(1.0, 22_050) * 32_768).astype(np.int16)
    from_pcm = features(torch.from_numpy(pcm).unsqueeze(0))
    from_float = features(torch.from_numpy(pcm.astype(np.float32) / 32_768).unsqueeze(0))
    torch.testing.assert_close(from_pcm, from_float)


@pytest.mark.parametrize("samples", [22_050, 22_016, 22_015, 5_000])
def test_there_is_a_frame_every_hop_and_one_at_each_edge(features: LogMel, samples: int) -> None:
    assert features(torch.zeros(3, samples)).shape == (3, AUDIO.n_mels, 1 + samples // AUDIO.hop_length)


def test_the_window_of_levels_follows_the_profile() -> None:
    lower = LogMel(AUDIO.model_copy(update={"top_db": -20.0, "dynamic_range_db": 100.0}))
    mel, reference = lower(noise()), LogMel(AUDIO)(noise())
    level_db = (mel - 1.0) * 100.0 - 20.0
    expected_db = (reference - 1.0) * 80.0
    inside = (reference > 0.01) & (mel < 0.999)
    assert inside.float().mean() > 0.5
    torch.testing.assert_close(level_db[inside], expected_db[inside], atol=1e-3, rtol=0)


def test_mel_power_undoes_the_scaling(features: LogMel) -> None:
    bands = features.filterbank @ features.power(noise())[0].T
    back = features.mel_power(features(noise()))[0]
    above = bands > 1e-7
    torch.testing.assert_close(back[above], bands[above], rtol=1e-3, atol=0)
    assert features.mel_power(torch.zeros(1, AUDIO.n_mels, 4)).abs().max() == 0.0
    assert features.mel_power(torch.full((1, AUDIO.n_mels, 4), 7.0)).max() == pytest.approx(1.0)


def test_an_error_of_a_tenth_of_the_range_is_8_db(features: LogMel) -> None:
    mel = torch.rand(2, AUDIO.n_mels, 10)
    assert features.error_db(mel + 0.1, mel).item() == pytest.approx(8.0, rel=1e-4)
