"""From mels back to sound: near in level and spectrum, safe for any input, the same every time."""

from __future__ import annotations

import pytest
import torch
from audio_files import chord, sine
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import griffin_lim, invert_mel, limit, mel_to_sound, phase_of_peaks, soften_edges
from harmonic_core.profile.sections import Audio

AUDIO = Audio(sample_rate=16_000, n_fft=1024, hop_length=256, n_mels=64)
SAMPLES = 24_000


@pytest.fixture(scope="module")
def features() -> LogMel:
    return LogMel(AUDIO)


@pytest.fixture(scope="module")
def music() -> Tensor:
    """Struck chords over noise like a brushed drum: (1, samples)."""
    brush = 0.01 * torch.randn(SAMPLES, generator=torch.Generator().manual_seed(3))
    return (torch.from_numpy(chord(1.5, 16_000)) + brush).unsqueeze(0)


def error_db(features: LogMel, sound: Tensor, mel: Tensor) -> float:
    return features.error_db(features(sound), mel).item()


def test_music_through_mel_and_back_is_within_a_decibel_and_a_half(features: LogMel, music: Tensor) -> None:
    mel = features(music)
    sound = mel_to_sound(mel, features, SAMPLES, steps=32)
    assert error_db(features, sound, mel) < 1.5


def test_iterating_is_clearly_better_than_a_random_phase(features: LogMel, music: Tensor) -> None:
    mel = features(music)
    once, often = (error_db(features, mel_to_sound(mel, features, SAMPLES, steps), mel) for steps in (1, 32))
    assert often < 0.6 * once


def test_the_inverted_spectrum_has_the_mels_it_came_from(features: LogMel, music: Tensor) -> None:
    mel = features(music)
    power = invert_mel(features.mel_power(mel).transpose(1, 2), features.filterbank)
    assert power.min() >= 0.0
    assert features.error_db(features.from_power(power), mel).item() < 0.2


def test_the_level_is_that_of_the_original(features: LogMel, music: Tensor) -> None:
    sound = mel_to_sound(features(music), features, SAMPLES, steps=32)
    ratio_db = 10 * torch.log10(sound.square().mean() / music.square().mean())
    assert abs(ratio_db.item()) < 1.5


def test_the_same_seed_gives_the_same_sound_and_another_seed_another(features: LogMel, music: Tensor) -> None:
    mel = features(music)
    first, again, other = (mel_to_sound(mel, features, SAMPLES, 4, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("samples", [SAMPLES, SAMPLES + 100, SAMPLES - 100])
def test_the_length_is_exactly_the_one_asked_for(features: LogMel, samples: int) -> None:
    mel = torch.rand(2, AUDIO.n_mels, 1 + samples // AUDIO.hop_length)
    assert mel_to_sound(mel, features, samples, steps=2).shape == (2, samples)


def test_extreme_input_gives_finite_sound_within_full_scale(features: LogMel) -> None:
    frames = 1 + SAMPLES // AUDIO.hop_length
    click = torch.zeros(1, SAMPLES)
    click[0, 11_000] = 1.0
    square = torch.sign(torch.from_numpy(sine(200.0, 1.5, 16_000))).unsqueeze(0)
    everything = torch.ones(1, AUDIO.n_mels, frames)
    for mel in (features(click), features(square), everything, 50.0 * everything, -everything):
        sound = mel_to_sound(mel, features, SAMPLES, steps=8)
        assert sound.isfinite().all()
        assert sound.abs().max() <= 1.0


def test_silence_stays_silent(features: LogMel) -> None:
    frames = 1 + SAMPLES // AUDIO.hop_length
    assert mel_to_sound(torch.zeros(1, AUDIO.n_mels, frames), features, SAMPLES, steps=4).abs().max() < 1e-6


def test_a_phase_that_follows_the_peaks_is_worth_iterations(features: LogMel, music: Tensor) -> None:
    magnitude = features.power(music).sqrt()
    phase = phase_of_peaks(magnitude, AUDIO.hop_length, AUDIO.n_fft, torch.zeros(magnitude.shape[-1]))
    assert phase.shape == magnitude.shape
    assert 0.0 <= phase.min() <= phase.max() <= 2 * torch.pi + 1e-6
    mel = features(music)
    random = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(1)) * 2 * torch.pi
    by_chance = torch.istft(
        torch.polar(magnitude, random).transpose(1, 2) * features.window.sum() / 2,
        AUDIO.n_fft,
        AUDIO.hop_length,
        window=features.window,
        length=SAMPLES,
    )
    ours = griffin_lim(magnitude, features, SAMPLES, 0, torch.Generator().manual_seed(1))
    assert error_db(features, ours, mel) < 0.8 * error_db(features, by_chance, mel)


def test_what_is_too_loud_is_turned_down_around_its_peak_and_nowhere_else() -> None:
    quiet = 0.5 * torch.from_numpy(sine(300.0, 1.0, 16_000)).float()
    loud = quiet.clone()
    loud[8_000:8_020] *= 4.0
    limited = limit(loud.unsqueeze(0), 80)[0]
    assert limited.abs().max() <= 1.0
    assert torch.equal(limited[:7_800], quiet[:7_800])
    torch.testing.assert_close(limited[8_200:], quiet[8_200:])
    # No flat tops, as clipping would leave.
    assert (limited.abs() > 0.999).sum() < 3
    assert torch.equal(limit(quiet.unsqueeze(0), 80)[0], quiet)


def test_a_steady_tone_comes_back_as_one_without_clicks(features: LogMel) -> None:
    tone = torch.from_numpy(sine(440.0, 1.5, 16_000)).float().unsqueeze(0)
    sound = mel_to_sound(features(tone), features, SAMPLES, steps=16)
    middle = sound[0, 4_000:-4_000]
    # A sine of that amplitude moves by so much from one sample to the next; a click would jump.
    steepest = 2 * torch.pi * 440.0 / 16_000 * middle.abs().max()
    assert middle.diff().abs().max() < 2.5 * steepest


def test_frames_that_do_not_belong_to_the_length_are_refused(features: LogMel) -> None:
    with pytest.raises(ValueError, match="frames for 24000 samples"):
        mel_to_sound(torch.zeros(1, AUDIO.n_mels, 7), features, SAMPLES, steps=1)


@pytest.mark.parametrize("hop_length", [100, 256, 700, 1500])
def test_any_hop_length_can_be_inverted(hop_length: int) -> None:
    features = LogMel(AUDIO.model_copy(update={"hop_length": hop_length}))
    tone = torch.from_numpy(sine(440.0, 1.5, 16_000)).float().unsqueeze(0)
    sound = mel_to_sound(features(tone), features, SAMPLES, steps=8)
    assert sound.shape == (1, SAMPLES)
    assert sound.isfinite().all()


@pytest.mark.parametrize("audio", [AUDIO, Audio(), Audio(n_fft=256, n_mels=96), Audio(n_fft=2048, n_mels=8)])
def test_the_inversion_that_leaves_zeros_out_is_the_inversion(audio: Audio) -> None:
    bank = LogMel(audio).filterbank
    mel_power = torch.rand(2, 9, audio.n_mels, generator=torch.Generator().manual_seed(5)).square()
    inverted = invert_mel(mel_power, bank, 4)
    slowly = mel_power @ (bank / bank.sum(dim=1, keepdim=True).clamp_min(1e-8))
    for _ in range(4):
        ratio = mel_power / (slowly @ bank.T).clamp_min(1e-37)
        slowly = slowly * (ratio @ bank) / bank.sum(dim=0).clamp_min(1e-8)
    torch.testing.assert_close(inverted, slowly, rtol=1e-4, atol=1e-7)


def test_an_inversion_goes_on_from_where_it_is_told_to(features: LogMel, music: Tensor) -> None:
    mel_power = features.mel_power(features(music)).transpose(1, 2)
    half_way = invert_mel(mel_power, features.filterbank, 15)
    assert torch.equal(
        invert_mel(mel_power, features.filterbank, 5, half_way), invert_mel(mel_power, features.filterbank, 20)
    )


def test_what_changes_nothing_between_inversion_and_phase_changes_no_sample(features: LogMel, music: Tensor) -> None:
    mel = features(music)
    untouched = mel_to_sound(mel, features, SAMPLES, 4, refine=lambda _, power: power)
    assert torch.equal(untouched, mel_to_sound(mel, features, SAMPLES, 4))


def test_what_betters_a_spectrum_cannot_take_it_away_from_its_mels(features: LogMel, music: Tensor) -> None:
    mel = features(music)
    wild = torch.rand(features.filterbank.shape[1], generator=torch.Generator().manual_seed(6)) * 10.0
    sound = mel_to_sound(mel, features, SAMPLES, 32, refine=lambda _, power: power * wild)
    assert error_db(features, sound, mel) < 2.0
    assert sound.abs().max() <= 1.0


def test_segments_that_follow_each_other_do_not_click_where_they_meet(features: LogMel) -> None:
    long = torch.from_numpy(chord(4.5, 16_000)) + torch.from_numpy(sine(150.0, 4.5, 16_000, 0.3))
    segments = long.reshape(3, SAMPLES)
    played = mel_to_sound(features(segments), features, SAMPLES, steps=16).flatten()
    steps = played.diff().abs()
    for border in (SAMPLES, 2 * SAMPLES):
        assert steps[border - 40 : border + 40].max() <= steps.quantile(0.99)


def test_edges_are_softened_and_the_rest_is_left_alone() -> None:
    softened = soften_edges(torch.ones(2, 100), 10)
    assert softened[:, 0].tolist() == softened[:, -1].tolist() == [0.0, 0.0]
    assert torch.equal(softened[:, 10:-10], torch.ones(2, 80))
    assert softened.diff(dim=1)[:, :10].min() > 0.0
    assert soften_edges(torch.ones(1, 3), 10).isfinite().all()
    assert torch.equal(soften_edges(torch.ones(1, 8), 0), torch.ones(1, 8))


def test_what_is_rendered_is_as_loud_as_the_original_within_a_decibel(features: LogMel) -> None:
    noise = 0.05 * torch.randn(SAMPLES, generator=torch.Generator().manual_seed(8))
    struck, tone = (torch.from_numpy(each) for each in (chord(1.5, 16_000), sine(330.0, 1.5, 16_000, 0.2)))
    originals = torch.stack((struck, struck + noise, tone + 0.2 * noise, 0.05 * struck, 0.5 * noise))
    sounds = mel_to_sound(features(originals), features, SAMPLES, steps=32)
    ratio_db = 10 * torch.log10(sounds.square().mean(dim=1) / originals.square().mean(dim=1))
    assert ratio_db.abs().max() < 1.0, ratio_db
