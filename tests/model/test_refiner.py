"""The vocoder's network: nothing before it is trained, bounded ever after, and the same for loud and quiet frames."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import FIRST_STEPS, invert_mel, mel_to_sound
from harmonic_core.model.refiner import Refiner, refiner_losses
from harmonic_core.profile.sections import Audio

AUDIO = Audio(sample_rate=8_000, n_fft=512, hop_length=128, n_mels=32)
SAMPLES = 4_000


@pytest.fixture
def features() -> LogMel:
    return LogMel(AUDIO)


def fresh(features: LogMel) -> Refiner:
    torch.manual_seed(0)
    return Refiner(*features.filterbank.shape)


def with_an_opinion(features: LogMel, size: float = 0.1) -> Refiner:
    """A network whose last layer is no longer zero."""
    refiner = fresh(features)
    torch.nn.init.normal_(refiner.last.weight, std=size)
    return refiner


def spectra(features: LogMel, sound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """True powers of (batch, samples), their mel powers, and the inversion of those."""
    true = features.power(sound)
    mel_power = features.mel_power(features.from_power(true)).transpose(1, 2)
    return true, mel_power, invert_mel(mel_power, features.filterbank, FIRST_STEPS)


def tone() -> Tensor:
    time = torch.arange(SAMPLES) / AUDIO.sample_rate
    return (0.3 * torch.sin(2 * torch.pi * 440.0 * time) + 0.1 * torch.sin(2 * torch.pi * 1320.0 * time)).unsqueeze(0)


def extremes() -> Tensor:
    """Silence, a constant, a click, a square wave, noise beyond full scale: (5, samples)."""
    click = torch.zeros(SAMPLES)
    click[SAMPLES // 2] = 1.0
    square = torch.sign(torch.sin(torch.arange(SAMPLES) * 0.2))
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(1)) * 3.0
    return torch.stack((torch.zeros(SAMPLES), torch.full((SAMPLES,), 0.5), click, square, noise))


@pytest.mark.parametrize(
    "audio",
    [
        AUDIO,
        Audio(),
        Audio(sample_rate=4_000, n_fft=64, hop_length=16, n_mels=8),
        Audio(sample_rate=8_000, n_fft=256, n_mels=200),
    ],
)
def test_untrained_it_changes_nothing_whatever_the_settings(audio: Audio) -> None:
    features = LogMel(audio)
    refiner = fresh(features)
    samples = 4 * audio.n_fft
    noise = 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(2))
    _, mel_power, power = spectra(features, noise)
    assert torch.equal(refiner(mel_power, power), power)
    mel = features(noise)
    plain, refined = (mel_to_sound(mel, features, samples, 2, refine=each) for each in (None, refiner))
    assert torch.equal(plain, refined)


def test_a_correction_has_a_bound_and_nothing_stays_nothing(features: LogMel) -> None:
    _, mel_power, power = spectra(features, tone())
    power = power.clone()
    power[:, :, 40:50] = 0.0
    refined = with_an_opinion(features, 100.0)(mel_power, power)
    audible = power > 1e-20
    change = (refined[audible] / power[audible]).log().abs()
    assert 2.9 < change.max() <= 3.0 + 1e-3
    assert refined[:, :, 40:50].abs().max() == 0.0


def test_a_quieter_frame_is_corrected_as_a_louder_one(features: LogMel) -> None:
    # Noise, whose bands are all above the floor.
    noise = 0.3 * torch.randn(1, SAMPLES, generator=torch.Generator().manual_seed(3))
    _, mel_power, power = spectra(features, noise)
    mel_power, power = mel_power.clamp_min(1e-4), power.clamp_min(1e-4)
    refiner = with_an_opinion(features)
    loud, quiet = refiner(mel_power, power), refiner(1e-3 * mel_power, 1e-3 * power)
    torch.testing.assert_close(quiet, 1e-3 * loud, rtol=1e-3, atol=0.0)
    assert not torch.allclose(loud, power, rtol=1e-2)


def test_a_frame_is_corrected_without_a_look_at_its_neighbours(features: LogMel) -> None:
    _, mel_power, power = spectra(features, tone())
    refiner = with_an_opinion(features)
    whole = refiner(mel_power, power)
    torch.testing.assert_close(refiner(mel_power[:, 7:9], power[:, 7:9]), whole[:, 7:9], rtol=1e-4, atol=1e-9)


def test_extreme_sounds_have_finite_losses_and_gradients(features: LogMel) -> None:
    for sound in extremes().split(1):
        for refiner in (fresh(features), with_an_opinion(features, 10.0)):
            true, mel_power, power = spectra(features, sound)
            losses = refiner_losses(refiner, mel_power, power, true, features.filterbank)
            sum(losses).backward()  # type: ignore[union-attr]
            assert all(loss.isfinite() for loss in losses)
            assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in refiner.parameters())


def test_what_is_heard_of_extreme_sounds_is_finite_and_within_full_scale(features: LogMel) -> None:
    sound = mel_to_sound(features(extremes()), features, SAMPLES, 4, refine=with_an_opinion(features, 10.0))
    assert sound.isfinite().all()
    assert sound.abs().max() <= 1.0
    assert sound[0].abs().max() < 1e-6


def test_the_losses_are_what_they_say(features: LogMel) -> None:
    true, mel_power, power = spectra(features, tone())

    def perfect(mel_power: Tensor, power: Tensor) -> Tensor:
        return true

    level, convergence = refiner_losses(perfect, mel_power, power, true, features.filterbank)
    plain = refiner_losses(lambda _, power: power, mel_power, power, true, features.filterbank)
    assert level < 0.1 * plain[0]
    assert convergence < 0.1 * plain[1]
    agreed = invert_mel(mel_power, features.filterbank, 5, power)
    by_hand = (agreed.sqrt() - true.sqrt()).norm() / true.sqrt().norm()
    assert math.isclose(plain[1].item(), by_hand.item(), rel_tol=1e-3)
