"""Masking: what is inaudible beside something louder, and audible alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.hearing.masking import FULL_SCALE_DB_SPL, Masking
from harmonic_core.hearing.scales import bark_from_hz, hz_from_bark, mel_band_centres
from harmonic_core.profile.sections import Audio

AUDIO = Audio()
BINS = torch.linspace(0.0, AUDIO.sample_rate / 2, AUDIO.n_fft // 2 + 1)


@pytest.fixture(scope="module")
def masking() -> Masking:
    return Masking(BINS)


def spectrum(*tones: tuple[float, float], noise_db: float | None = None, seed: int = 1) -> Tensor:
    """Power of one frame of tones of Hz and dB SPL, over white noise of dB SPL in all."""
    time = torch.arange(2 * AUDIO.n_fft) / AUDIO.sample_rate
    sound = torch.zeros_like(time)
    for hz, level in tones:
        sound += 10 ** ((level - FULL_SCALE_DB_SPL) / 20) * torch.sin(2 * math.pi * hz * time + 0.3)
    if noise_db is not None:
        noise = torch.randn(time.shape, generator=torch.Generator().manual_seed(seed))
        sound += 10 ** ((noise_db - FULL_SCALE_DB_SPL) / 20) / math.sqrt(2) * noise
    return LogMel(AUDIO).power(sound.unsqueeze(0))[0, 2]


def bin_of(hz: float) -> int:
    return round(hz * AUDIO.n_fft / AUDIO.sample_rate)


def audible(masking: Masking, hz: float, level: float, beside: Tensor) -> bool:
    place = bin_of(hz)
    return bool(spectrum((hz, level))[place] > masking(beside)[place])


def test_a_faint_tone_beside_a_loud_one_is_inaudible_and_alone_it_is_heard(masking: Masking) -> None:
    loud = spectrum((1000.0, 80.0))
    silence = torch.zeros_like(loud)
    assert not audible(masking, 1100.0, 35.0, loud)
    assert audible(masking, 1100.0, 35.0, silence)
    assert audible(masking, 1100.0, 70.0, loud)


def test_a_tone_far_from_the_loud_one_is_heard(masking: Masking) -> None:
    loud = spectrum((500.0, 80.0))
    assert audible(masking, 8000.0, 40.0, loud)


def test_masking_reaches_further_upwards_than_downwards(masking: Masking) -> None:
    loud = spectrum((1500.0, 80.0))
    threshold = masking(loud)
    centre = bark_from_hz(torch.tensor(1500.0))
    above, below = (threshold[bin_of(hz_from_bark(centre + step).item())] for step in (2.0, -2.0))
    assert above > 10 * below


def test_noise_masks_better_than_a_tone_of_the_same_power(masking: Masking) -> None:
    noise = spectrum(noise_db=80.0)
    band = slice(bin_of(920.0), bin_of(1080.0))
    level = 10 * torch.log10(noise[band].sum()).item() + FULL_SCALE_DB_SPL
    tone = spectrum((1000.0, level - 10 * math.log10(1.5)))  # a Hann window spreads a tone over 1.5 bins
    place = bin_of(1000.0)
    assert masking(noise)[place] > 3 * masking(tone)[place]


def test_noise_is_no_tone_and_a_tone_is(masking: Masking) -> None:
    band = masking.band_of[bin_of(2000.0)]
    assert masking.tonality(spectrum((2000.0, 70.0)))[band] > 0.9
    assert masking.tonality(torch.stack([spectrum(noise_db=70.0, seed=n) for n in range(20)])).mean() < 0.15


def test_two_maskers_mask_more_than_either(masking: Masking) -> None:
    one, other = spectrum((900.0, 70.0)), spectrum((1200.0, 70.0))
    both = masking(one + other)
    place = bin_of(1050.0)
    assert both[place] > masking(one)[place]
    assert both[place] > masking(other)[place]


def test_in_silence_the_threshold_is_that_in_quiet(masking: Masking) -> None:
    torch.testing.assert_close(masking(torch.zeros(len(BINS))), masking.quiet)


def test_it_works_on_mel_bands_in_batches_as_one_by_one() -> None:
    masking = Masking(mel_band_centres(128, 20.0, 11025.0))
    power = torch.rand((3, 5, 128), generator=torch.Generator().manual_seed(2)).pow(6)
    whole = masking(power)
    assert whole.shape == power.shape
    torch.testing.assert_close(whole[1, 2], masking(power[1, 2]))


def test_gradients_are_right_and_finite_for_silence() -> None:
    masking = Masking(mel_band_centres(16, 50.0, 4000.0)).double()
    power = torch.rand((2, 16), generator=torch.Generator().manual_seed(4), dtype=torch.float64) * 1e-2 + 1e-4
    assert torch.autograd.gradcheck(masking, (power.requires_grad_(),))
    silence = torch.zeros((1, 16), dtype=torch.float64, requires_grad=True)
    masking(silence).sum().backward()
    assert silence.grad is not None
    assert silence.grad.isfinite().all()
