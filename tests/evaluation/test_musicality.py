"""Keys and beats by ear: what has them scores higher than what has not, and nothing is ever NaN."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.evaluation.musicality import estimate_keys, mean_chroma, musicality, onset_regularity
from harmonic_core.hearing.harmony import chroma_filterbank
from harmonic_core.profile.sections import Audio
from harmonic_core.run.evaluations import Musicality

AUDIO = Audio()
RATE = AUDIO.sample_rate
FEATURES = LogMel(AUDIO)
BANK = chroma_filterbank(torch.linspace(0.0, RATE / 2, AUDIO.n_fft // 2 + 1))

C, D, E, F, G, A, B = (60, 62, 64, 65, 67, 69, 71)
C_MAJOR = ((C, E, G), (F, A, C + 12), (G, B, D + 12), (C, E, G))
SCALE = ((C,), (D,), (E,), (F,), (G,), (A,), (B,), (C + 12,))


def notes(pitches: Sequence[int], seconds: float) -> Tensor:
    """Tones of MIDI numbers that fade, each with four harmonics."""
    time = torch.arange(round(seconds * RATE)) / RATE
    sound = torch.zeros_like(time)
    for pitch in pitches:
        hertz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
        for harmonic in range(1, 5):
            sound += 0.08 / harmonic * torch.sin(2.0 * torch.pi * harmonic * hertz * time)
    return sound * torch.exp(-2.0 * time)


def tune(chords: Sequence[Sequence[int]], beat_s: float = 0.5, shift: int = 0) -> Tensor:
    """Chords one after the other, (1, samples), so many semitones higher."""
    return torch.cat([notes([pitch + shift for pitch in chord], beat_s) for chord in chords]).unsqueeze(0)


def clicks(seconds: float, every_s: float) -> Tensor:
    sound = torch.zeros(1, round(seconds * RATE))
    sound[:, :: round(every_s * RATE)] = 0.9
    return sound


def noise(seconds: float = 4.0, number: int = 8) -> Tensor:
    return 0.1 * torch.randn((number, round(seconds * RATE)), generator=torch.Generator().manual_seed(0))


def measured(sounds: Tensor) -> Musicality:
    return musicality(sounds, FEATURES, BANK, RATE)


def keys_of(sounds: Sequence[Tensor], tracks: Sequence[str]) -> list[str]:
    chromas = torch.cat([mean_chroma(FEATURES.power(sound), BANK) for sound in sounds])
    return [str(key) for key in estimate_keys(chromas, np.array(tracks))]


@pytest.mark.parametrize(("shift", "key"), [(0, "C major"), (2, "D major"), (-3, "A major"), (6, "F# major")])
def test_a_progression_is_heard_in_its_key(shift: int, key: str) -> None:
    assert keys_of([tune(C_MAJOR, shift=shift)], ["one"]) == [key]


def test_a_minor_progression_is_heard_in_minor() -> None:
    chords = ((A, C + 12, E + 12), (D, F, A), (E, G + 1, B), (A, C + 12, E + 12))
    assert keys_of([tune(chords)], ["one"]) == ["A minor"]


def test_all_segments_of_a_track_have_the_key_of_the_whole() -> None:
    first, second = tune(C_MAJOR[:2]), tune(C_MAJOR[2:])
    other = tune(C_MAJOR[:2], shift=1)
    assert keys_of([first, other, second], ["one", "two", "one"])[::2] == ["C major", "C major"]


def test_what_has_no_clear_key_gets_none() -> None:
    everything = tune([range(C, C + 12)] * 4)
    unclear = [noise(2.0, 1), torch.zeros(1, 2 * RATE), clicks(2.0, 0.5), everything]
    assert keys_of(unclear, ["noise", "silence", "clicks", "cluster"]) == [""] * 4
    assert estimate_keys(torch.zeros(0, 12), np.array([], dtype=np.str_)).shape == (0,)


def test_the_key_of_a_scale_is_clearer_than_that_of_noise() -> None:
    assert measured(tune(SCALE)).key_clarity > 0.7
    assert measured(noise()).key_clarity < 0.4


def test_clicks_on_the_beat_are_more_regular_than_noise_and_than_clicks_anywhere() -> None:
    beats = measured(clicks(4.0, 0.5)).onset_regularity
    anywhere = torch.zeros(1, 4 * RATE)
    anywhere[:, (torch.tensor([0.31, 0.7, 1.63, 2.09, 2.48, 3.57]) * RATE).long()] = 0.9
    assert beats > 0.85
    assert measured(noise()).onset_regularity < 0.35
    assert measured(anywhere).onset_regularity < 0.6


@pytest.mark.parametrize("beat_s", [0.3, 0.43, 0.75, 1.2])
def test_the_tempo_does_not_matter(beat_s: float) -> None:
    assert measured(clicks(4.0, beat_s)).onset_regularity > 0.7


def test_the_means_are_those_of_each_sound_by_itself() -> None:
    sounds = [clicks(2.0, 0.4), tune(C_MAJOR), noise(2.0, 1), torch.zeros(1, 2 * RATE), tune(C_MAJOR, shift=3)]
    together, apart = measured(torch.cat(sounds)), [measured(sound) for sound in sounds]
    assert together.key_clarity == pytest.approx(np.mean([each.key_clarity for each in apart]), abs=1e-4)
    assert together.onset_regularity == pytest.approx(np.mean([each.onset_regularity for each in apart]), abs=1e-4)


@pytest.mark.parametrize(
    "sound",
    [
        torch.zeros(2, RATE),
        torch.full((2, RATE), 0.5),
        torch.cat([clicks(1.0, 2.0), torch.zeros(1, RATE)]),
        torch.full((1, RATE), 1e-7),
        notes([A], 1.0)[99:100].expand(1, 2 * RATE),
    ],
    ids=["silence", "DC", "a click", "next to nothing", "one sample for ever"],
)
def test_what_is_no_music_scores_nothing_or_little_and_never_nan(sound: Tensor) -> None:
    told = measured(sound)
    assert 0.0 <= told.key_clarity <= 0.6
    assert told.onset_regularity == 0.0


def test_sounds_too_short_for_a_beat_have_none() -> None:
    assert measured(clicks(0.2, 0.05)).onset_regularity == 0.0
    assert onset_regularity(torch.rand(3, 8, 4), 43.0).tolist() == [0.0] * 3
    # One frame a second: no lag is a beat.
    assert onset_regularity(torch.rand(1, 8, 100), 0.5).tolist() == [0.0]


@pytest.mark.parametrize(("n_fft", "hop"), [(512, 256), (4096, 1024), (1024, 1024)])
def test_any_analysis_will_do(n_fft: int, hop: int) -> None:
    audio = Audio(n_fft=n_fft, hop_length=hop, n_mels=32)
    bank = chroma_filterbank(torch.linspace(0.0, RATE / 2, n_fft // 2 + 1))
    features = LogMel(audio)
    tonal, noisy = (musicality(sound, features, bank, RATE) for sound in (tune(C_MAJOR), noise()))
    assert tonal.key_clarity > noisy.key_clarity
    beats = musicality(clicks(4.0, 0.5), features, bank, RATE)
    assert beats.onset_regularity > noisy.onset_regularity + 0.2
