"""Frequency scales, against librosa and against published points."""

from __future__ import annotations

import librosa
import pytest
import torch

from harmonic_core.hearing.scales import (
    bark_from_hz,
    erb_rate_from_hz,
    erb_width,
    hz_from_bark,
    hz_from_erb_rate,
    mel_band_centres,
)

FREQUENCIES = torch.tensor([20.0, 100.0, 440.0, 1000.0, 4000.0, 11025.0], dtype=torch.float64)


def test_mel_bands_peak_where_librosas_filters_do() -> None:
    theirs = librosa.mel_frequencies(n_mels=130, fmin=20.0, fmax=11025.0)[1:-1]
    torch.testing.assert_close(mel_band_centres(128, 20.0, 11025.0), torch.tensor(theirs, dtype=torch.float32))


def test_scales_and_their_inverses_agree() -> None:
    torch.testing.assert_close(hz_from_bark(bark_from_hz(FREQUENCIES)), FREQUENCIES)
    torch.testing.assert_close(hz_from_erb_rate(erb_rate_from_hz(FREQUENCIES)), FREQUENCIES)


@pytest.mark.parametrize(("hz", "bark"), [(100, 1.0), (510, 4.6), (1000, 7.7), (4400, 16.2), (9500, 20.7)])
def test_barks_are_about_those_of_zwickers_critical_bands(hz: float, bark: float) -> None:
    assert bark_from_hz(torch.tensor(float(hz))).item() == pytest.approx(bark, abs=0.2)


def test_an_auditory_filter_at_1_khz_is_133_hz_wide_and_the_rate_is_the_integral_of_one_over_the_width() -> None:
    assert erb_width(torch.tensor(1000.0)).item() == pytest.approx(132.6, abs=0.1)
    hz = torch.linspace(0.0, 8000.0, 80_001, dtype=torch.float64)
    counted = torch.trapezoid(1.0 / erb_width(hz), hz)
    assert erb_rate_from_hz(torch.tensor(8000.0)).item() == pytest.approx(counted.item(), rel=5e-3)  # 21.4 is rounded
