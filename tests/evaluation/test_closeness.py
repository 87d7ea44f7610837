"""How near a sound is to another, told in figures that mean something."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from harmonic_core.evaluation.closeness import Ears
from harmonic_core.profile.sections import Audio
from harmonic_core.run.evaluations import Closeness

AUDIO = Audio()
RATE = AUDIO.sample_rate


@pytest.fixture(scope="module")
def ears() -> Ears:
    return Ears(AUDIO)


def chord(*notes: int, level: float = 0.2, seconds: float = 1.0) -> Tensor:
    """Notes (MIDI) of six partials each: (1, samples)."""
    time = np.arange(round(seconds * RATE)) / RATE
    partials = [(440.0 * 2 ** ((note - 69) / 12) * number, 0.6**number) for note in notes for number in range(1, 7)]
    sound = sum(weight * np.sin(2 * np.pi * hz * time) for hz, weight in partials)
    return torch.from_numpy(level * np.asarray(sound)).float().unsqueeze(0)


def figures_of(found: Closeness) -> list[float]:
    return [float("nan") if value is None else value for _, value in found]


def test_a_sound_is_next_to_itself(ears: Ears) -> None:
    sound = chord(60, 64, 67)
    same = ears.compare_sounds(sound, sound)
    assert figures_of(same) == pytest.approx([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0], abs=1e-4)


def test_half_the_amplitude_is_six_decibels_softer_and_the_same_harmony(ears: Ears) -> None:
    sound = chord(60, 64, 67)
    softer = ears.compare_sounds(sound, 0.5 * sound)
    assert softer.loudness_db == pytest.approx(6.02, abs=0.05)
    assert softer.chroma == pytest.approx(1.0, abs=1e-3)


def test_another_chord_is_told_by_chroma_and_a_nearer_one_by_less(ears: Ears) -> None:
    major = chord(60, 64, 67)
    near, far = (ears.compare_sounds(major, other) for other in (chord(60, 64, 69), chord(61, 66, 70)))
    assert near.chroma is not None
    assert far.chroma is not None
    assert near.chroma > far.chroma + 0.1
    assert near.tonnetz is not None
    assert far.tonnetz is not None
    assert near.tonnetz > far.tonnetz


def test_noise_that_is_masked_is_a_small_perceptual_error_and_a_larger_plain_one(ears: Ears) -> None:
    loud = chord(57, level=0.6)
    noise = torch.randn(loud.shape, generator=torch.Generator().manual_seed(1))
    figures = ears.compare_sounds(loud, loud + 3e-4 * noise)
    assert figures.perceptual_db < 0.5 * figures.mel_db


def test_figures_of_a_batch_are_the_means_of_its_items(ears: Ears) -> None:
    originals = torch.cat([chord(60 + step) for step in range(5)])
    others = torch.cat([chord(60 + 2 * step, level=0.1) for step in range(5)])
    one_by_one = [ears.compare_sounds(originals[[n]], others[[n]]) for n in range(5)]
    means = np.mean(np.array([figures_of(one) for one in one_by_one]), axis=0)
    assert figures_of(ears.compare_sounds(originals, others)) == pytest.approx(means.tolist(), rel=1e-4)


def test_mels_alone_have_the_figures_that_mels_can_have(ears: Ears) -> None:
    mel, other = (ears.features(chord(note)) for note in (60, 62))
    figures = ears.compare_mels(mel, other)
    assert figures.mel_db == pytest.approx((mel - other).abs().mean().item() * AUDIO.dynamic_range_db, rel=1e-5)
    assert figures.model_fields_set == {"mel_db", "perceptual_db"}
    assert figures.loudness_db is None


def extremes() -> dict[str, Tensor]:
    click = torch.zeros(1, RATE)
    click[0, RATE // 2] = 1.0
    return {
        "silence": torch.zeros(1, RATE),
        "click": click,
        "square": torch.sign(chord(57)),
        "DC": torch.ones(1, RATE),
        "short": torch.zeros(1, 700),
    }


@pytest.mark.parametrize("name", extremes())
def test_extreme_sounds_give_numbers(ears: Ears, name: str) -> None:
    sound = extremes()[name]
    for other in (sound, torch.zeros_like(sound), 0.1 + 0 * sound):
        assert np.isfinite(figures_of(ears.compare_sounds(sound, other))).all()
