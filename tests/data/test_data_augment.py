"""Augmentation: what is done to the sound, by how much, and that nothing but the draws decides."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import (
    DRAWS,
    FASTEST,
    SEMITONES,
    SLOWEST,
    Augmentation,
    stretch,
)
from harmonic_core.data.demo import plan, render
from harmonic_core.profile.sections import Audio

AUDIO = Audio()
RATE = AUDIO.sample_rate
FRAMES = 1 + 3 * RATE // AUDIO.hop_length
FEATURES = LogMel(AUDIO)
SAMPLES = round(3 * RATE * stretch(1.0)) + 1
SAME_PITCH, SAME_TEMPO = 0.5, float(np.log(1.0 / SLOWEST) / np.log(FASTEST / SLOWEST))


def augmented(samples: Tensor, *draws: float, strength: float = 1.0) -> Tensor:
    """Mels of one segment with the given draws."""
    return Augmentation(AUDIO, FEATURES, strength, FRAMES)(samples, torch.tensor([draws]).expand(len(samples), -1))


def pcm(sound: NDArray[np.floating]) -> Tensor:
    """One segment of sound in [-1, 1] as int16."""
    return torch.from_numpy(np.int16(np.clip(sound, -1, 1) * 32767.0)).unsqueeze(0)


def sine(hz: float) -> Tensor:
    """A tone long enough for every speed."""
    return pcm(0.5 * np.sin(2 * np.pi * hz * np.arange(SAMPLES) / RATE))


def music() -> NDArray[np.floating]:
    """Some bars of the demo's music, long enough for every speed."""
    return render(plan(1.0, 3)[0], RATE)[RATE : RATE + SAMPLES]


def loudest_band(mel: Tensor) -> int:
    """Band in which most of the energy lies, over all frames but the edges."""
    return int(mel[0, :, 4:-4].mean(dim=1).argmax())


def test_strength_zero_changes_nothing_bit_for_bit() -> None:
    samples = torch.randint(-9_000, 9_000, (6, 3 * RATE), dtype=torch.int16)
    changed = Augmentation(AUDIO, FEATURES, 0.0, FRAMES)(samples, torch.rand(6, DRAWS))
    assert torch.equal(changed, FEATURES(samples))


def test_draws_in_the_middle_change_next_to_nothing() -> None:
    samples = pcm(music())
    plain = FEATURES(samples)[..., :FRAMES]
    assert FEATURES.error_db(augmented(samples, SAME_PITCH, SAME_TEMPO, 0.0, 0.0), plain) < 0.01


@pytest.mark.parametrize(("draw", "semitones"), [(0.0, -SEMITONES), (0.999, SEMITONES)])
@pytest.mark.parametrize("hz", [220.0, 880.0, 3_000.0])
def test_a_tone_is_moved_by_the_right_ratio(hz: float, draw: float, semitones: float) -> None:
    shifted = loudest_band(augmented(sine(hz), draw, SAME_TEMPO, 0.0, 0.0))
    meant = loudest_band(FEATURES(sine(hz * 2 ** (semitones / 12))))
    assert abs(shifted - meant) <= 1


@pytest.mark.parametrize(("draw", "speed"), [(0.0, SLOWEST), (SAME_TEMPO, 1.0), (1.0, FASTEST)])
def test_clicks_come_closer_or_move_apart_by_the_right_ratio(draw: float, speed: float) -> None:
    clicks = np.zeros(SAMPLES)
    clicks[RATE // 4 :: RATE // 2] = 0.9
    loudness = augmented(pcm(clicks), SAME_PITCH, draw, 0.0, 0.0)[0].mean(dim=0).numpy()
    frames = librosa.util.peak_pick(loudness, pre_max=3, post_max=3, pre_avg=3, post_avg=3, delta=0.05, wait=3)
    assert np.median(np.diff(frames)) == pytest.approx(RATE / 2 / AUDIO.hop_length / speed, abs=1.0)


def test_noise_at_full_strength_lies_ten_db_below_the_music() -> None:
    augmentation = Augmentation(AUDIO, FEATURES, 1.0, FRAMES)
    samples = pcm(music()).float() / 32768.0
    noise = augmentation._add_noise(samples, torch.tensor([1.0]), torch.tensor([0.3])) - samples
    assert 20 * torch.log10(noise.std() / samples.square().mean().sqrt()) == pytest.approx(-10.0, abs=0.1)


@given(strength=st.floats(0.01, 1.0), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_what_a_segment_gets_depends_on_its_own_draws_alone(strength: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    samples = torch.randint(-20_000, 20_000, (7, SAMPLES), generator=generator, dtype=torch.int16)
    draws = torch.rand(7, DRAWS, generator=generator)
    augmentation = Augmentation(AUDIO, FEATURES, strength, FRAMES)
    together = augmentation(samples, draws)
    assert together.shape == (7, AUDIO.n_mels, FRAMES)
    assert float(together.min()) >= 0.0
    assert float(together.max()) <= 1.0
    alone = augmentation(samples[3:4], draws[3:4])
    assert FEATURES.error_db(together[3:4], alone) < 1e-3


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_a_weaker_strength_stays_within_its_limits(strength: float) -> None:
    augmentation = Augmentation(AUDIO, FEATURES, strength, FRAMES)
    centres = augmentation._centres(torch.tensor([0.0, 1.0]))
    hops = centres[:, -1] / (FRAMES - 1) / AUDIO.hop_length
    assert hops.tolist() == pytest.approx([SLOWEST**strength, FASTEST**strength], rel=1e-3)
    assert int(centres.max()) <= 3 * RATE * stretch(strength) + 1


@pytest.mark.parametrize("semitones", [-4.0, 2.0])
def test_shifted_music_is_close_to_what_a_phase_vocoder_makes_of_it(semitones: float) -> None:
    sound = music().astype(np.float32)
    theirs = librosa.effects.pitch_shift(sound, sr=RATE, n_steps=semitones)
    draw = (semitones + SEMITONES) / (2 * SEMITONES) * 0.97 + 0.015
    assert_closer(augmented(pcm(sound), draw, SAME_TEMPO, 0.0, 0.0), sound, theirs)


@pytest.mark.parametrize("speed", [0.75, 1.3])
def test_stretched_music_is_close_to_what_a_phase_vocoder_makes_of_it(speed: float) -> None:
    sound = music().astype(np.float32)
    theirs = librosa.effects.time_stretch(sound, rate=speed)
    draw = float(np.log(speed / SLOWEST) / np.log(FASTEST / SLOWEST))
    assert_closer(augmented(pcm(sound), SAME_PITCH, draw, 0.0, 0.0), sound, theirs)


def assert_closer(ours: Tensor, before: NDArray[np.float32], theirs: NDArray[np.float32]) -> None:
    """What is left between ours and theirs is a small part of the change itself."""
    inside = slice(4, min(FRAMES, len(theirs) // AUDIO.hop_length) - 4)
    reference = FEATURES(pcm(theirs))[..., inside]
    left = FEATURES.error_db(ours[..., inside], reference)
    change = FEATURES.error_db(FEATURES(pcm(before))[..., inside], reference)
    assert left < 0.5 * change
    assert left < 5.0
