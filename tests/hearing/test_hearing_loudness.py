"""Loudness against the published table of ISO 226:2003 and against librosa."""

from __future__ import annotations

import librosa
import pytest
import torch

from harmonic_core.hearing.loudness import (
    a_weighting_db,
    loudness_level,
    sound_pressure_level,
    threshold_in_quiet_db,
)

HZ = (
    20, 25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150,
    4000, 5000, 6300, 8000, 10000, 12500,
)  # fmt: skip
# Contours of ISO 226:2003 as they stand, to two digits, in public implementations of the standard; dB SPL by phon.
PUBLISHED = {
    20: (
        89.58, 82.65, 75.98, 69.62, 64.02, 58.55, 53.19, 48.38, 43.94, 39.37, 35.51, 31.99, 28.69, 25.67, 23.43, 21.48,
        20.10, 20.01, 21.46, 21.40, 18.15, 15.38, 14.26, 15.14, 18.63, 25.02, 31.52, 34.43, 33.04,
    ),
    40: (
        99.85, 93.94, 88.17, 82.63, 77.78, 73.08, 68.48, 64.37, 60.59, 56.70, 53.41, 50.40, 47.58, 44.98, 43.05, 41.34,
        40.06, 40.01, 41.82, 42.51, 39.23, 36.51, 35.61, 36.65, 40.01, 45.83, 51.80, 54.28, 51.49,
    ),
    60: (
        109.51, 104.23, 99.08, 94.18, 89.96, 85.94, 82.05, 78.65, 75.56, 72.47, 69.86, 67.53, 65.39, 63.45, 62.05,
        60.81, 59.89, 60.01, 62.15, 63.19, 59.96, 57.26, 56.42, 57.57, 60.89, 66.36, 71.66, 73.16, 68.63,
    ),
}  # fmt: skip


def double(value: float) -> torch.Tensor:
    return torch.tensor(float(value), dtype=torch.float64)


@pytest.mark.parametrize("phon", PUBLISHED)
def test_contours_are_those_of_the_standard(phon: int) -> None:
    ours = sound_pressure_level(double(phon), torch.tensor(HZ, dtype=torch.float64))
    torch.testing.assert_close(ours, torch.tensor(PUBLISHED[phon], dtype=torch.float64), atol=0.006, rtol=0)


@pytest.mark.parametrize("phon", [20, 30, 40, 50, 60, 70, 80, 90])
def test_at_1_khz_phon_are_decibels(phon: float) -> None:
    assert sound_pressure_level(double(phon), double(1000)).item() == pytest.approx(phon, abs=0.1)


def test_the_loudness_of_a_level_is_that_whose_contour_goes_through_it() -> None:
    phon = torch.arange(20.0, 91.0, 5.0, dtype=torch.float64).unsqueeze(1)
    hz = torch.tensor([20.0, 77.0, 440.0, 1000.0, 5000.0, 12500.0, 16000.0], dtype=torch.float64)
    level = sound_pressure_level(phon, hz)
    torch.testing.assert_close(loudness_level(level, hz), phon.expand_as(level), atol=1e-6, rtol=0)


def test_loudness_is_finite_for_levels_and_frequencies_beyond_all_hearing() -> None:
    level = torch.tensor([-300.0, 0.0, 300.0], requires_grad=True)
    phon = loudness_level(level.unsqueeze(1), torch.tensor([1.0, 1000.0, 96000.0]))
    assert phon.isfinite().all()
    assert 20.0 - 1e-3 <= phon.min() <= phon.max() <= 90.0
    phon.sum().backward()
    assert level.grad is not None
    assert level.grad.isfinite().all()


def test_gradients_of_the_contours_are_right() -> None:
    hz = torch.tensor([50.0, 1000.0, 9000.0], dtype=torch.float64)
    phon = torch.tensor([33.0, 55.0, 77.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: sound_pressure_level(p, hz), (phon,))
    level = torch.tensor([80.0, 50.0, 70.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: loudness_level(v, hz), (level,))


def test_a_weighting_is_librosas_and_nothing_at_1_khz() -> None:
    hz = torch.logspace(1, 4.3, 60, dtype=torch.float64)
    theirs = torch.from_numpy(librosa.A_weighting(hz.numpy(), min_db=None))
    torch.testing.assert_close(a_weighting_db(hz), theirs, atol=0.02, rtol=0)
    assert a_weighting_db(double(1000)).item() == pytest.approx(0.0, abs=1e-9)


def test_we_hear_best_between_3_and_4_khz_and_little_at_the_ends() -> None:
    hz = torch.logspace(1.3, 4.3, 400)
    quiet = threshold_in_quiet_db(hz)
    assert 3000 < hz[quiet.argmin()] < 4000
    assert quiet.min() < 0
    assert min(quiet[0], quiet[-1]) > 60
    # 3.64 - 6.5 exp(-0.6 · 2.3²) + 0.001 at 1 kHz.
    assert threshold_in_quiet_db(double(1000)).item() == pytest.approx(3.369, abs=1e-3)
    assert threshold_in_quiet_db(torch.tensor([0.0, 1e6])).isfinite().all()
