"""Chroma, Tonnetz, keys, roughness and harmonics, against librosa and against what every musician knows."""

from __future__ import annotations

import itertools

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from harmonic_core.hearing.harmony import (
    HARMONICS,
    KEYS,
    chroma,
    chroma_filterbank,
    cosine,
    harmonic_places,
    key_correlation,
    roughness,
    stack_harmonics,
    tonnetz,
)
from harmonic_core.hearing.scales import mel_band_centres

RATE, N_FFT = 22_050, 4096
BINS = torch.linspace(0.0, RATE / 2, N_FFT // 2 + 1, dtype=torch.float64)
NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


def hz_of(note: float) -> float:
    """Frequency of a MIDI note."""
    return 440.0 * 2.0 ** ((note - 69) / 12)


def played(*notes: float, seconds: float = 1.0) -> np.ndarray:
    """Notes with six partials each, together."""
    time = np.arange(round(seconds * RATE)) / RATE
    partials = [(hz_of(note) * number, 0.6**number) for note in notes for number in range(1, 7)]
    return sum(level * np.sin(2 * np.pi * hz * time) for hz, level in partials) / len(notes)


def magnitude(sound: np.ndarray) -> Tensor:
    return torch.from_numpy(np.abs(librosa.stft(sound, n_fft=N_FFT, hop_length=1024)).astype(np.float64))


def chroma_of(sound: np.ndarray) -> Tensor:
    return chroma(magnitude(sound), chroma_filterbank(BINS))


def test_chroma_is_librosas() -> None:
    sound = magnitude(played(60, 64, 67) + 0.1 * np.random.default_rng(1).standard_normal(RATE))
    theirs = librosa.feature.chroma_stft(S=sound.numpy(), sr=RATE, n_fft=N_FFT, tuning=0.0)
    torch.testing.assert_close(chroma(sound, chroma_filterbank(BINS)), torch.from_numpy(theirs), atol=2e-3, rtol=0)


def test_tonnetz_is_librosas() -> None:
    folded = torch.rand((12, 40), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    theirs = librosa.feature.tonnetz(chroma=folded.numpy())
    torch.testing.assert_close(tonnetz(folded), torch.from_numpy(theirs), atol=1e-6, rtol=0)


@pytest.mark.parametrize("note", [48, 57, 61, 66, 71, 76])
def test_a_note_belongs_to_its_pitch_class(note: int) -> None:
    assert chroma_of(played(note)).mean(dim=1).argmax().item() == note % 12


@pytest.mark.parametrize("tonic", range(12))
def test_every_major_and_minor_key_is_found_in_its_scale_and_chords(tonic: int) -> None:
    for mode, steps in (("major", (0, 2, 4, 5, 7, 9, 11, 0, 4, 7, 0)), ("minor", (0, 2, 3, 5, 7, 8, 11, 0, 3, 7, 0))):
        melody = np.concatenate([played(60 + tonic + step, seconds=0.25) for step in steps])
        found = key_correlation(chroma_of(melody).mean(dim=1))
        assert KEYS[found.argmax()] == f"{NAMES[tonic]} {mode}"
        assert found.max() > 0.7


def test_fifths_and_thirds_are_nearer_than_a_tritone_and_a_semitone_on_the_tonnetz() -> None:
    places = tonnetz(torch.eye(12, dtype=torch.float64).unsqueeze(-1)).squeeze(-1)
    away = (places - places[0]).norm(dim=1)
    assert max(away[[7, 5, 4, 8, 3, 9]]) < min(away[[6, 1, 11]])


def dyad(semitones: float) -> float:
    partials = [(hz_of(60 + note) * number, 0.88**number) for note in (0, semitones) for number in range(1, 7)]
    hz, level = zip(*partials, strict=True)
    return roughness(torch.tensor(hz), torch.tensor(level)).item()


def test_a_tritone_is_rougher_than_a_fifth_and_a_semitone_roughest() -> None:
    assert dyad(6) > dyad(7) > dyad(12)
    assert max(range(1, 13), key=dyad) == 1


def test_roughness_of_pairs_is_sethares_formula_and_adds_up() -> None:
    hz, level = torch.tensor([400.0, 430.0, 800.0]), torch.tensor([1.0, 0.5, 0.25])

    def pair(one: int, other: int) -> float:
        low, far = min(hz[one], hz[other]).item(), abs(hz[one] - hz[other]).item()
        s = 0.24 / (0.0207 * low + 18.96)
        return min(level[one], level[other]).item() * 5 * (np.exp(-3.51 * s * far) - np.exp(-5.75 * s * far))

    together = sum(pair(*each) for each in itertools.combinations(range(3), 2))
    assert roughness(hz, level).item() == pytest.approx(together, rel=1e-5)
    assert roughness(hz[:1], level[:1]).item() == 0.0
    assert roughness(hz.expand(4, 3), level.expand(4, 3)).shape == (4,)


def test_harmonics_of_a_band_are_looked_up_where_they_lie() -> None:
    centres = mel_band_centres(128, 20.0, 11025.0)
    stacked = stack_harmonics(centres.unsqueeze(1).expand(128, 3), harmonic_places(centres.tolist()))
    assert stacked.shape == (len(HARMONICS), 128, 3)
    for row, ratio in zip(stacked, HARMONICS, strict=True):
        wanted = ratio * centres
        inside = (wanted >= centres[0]) & (wanted <= centres[-1])
        torch.testing.assert_close(row[inside, 0], wanted[inside], rtol=1e-4, atol=1e-2)
        assert (row[~inside] == 0.0).all()


def test_a_band_is_its_own_first_harmonic() -> None:
    mel = torch.randn((2, 64, 9), generator=torch.Generator().manual_seed(5))
    places = harmonic_places(mel_band_centres(64, 20.0, 8000.0).tolist())
    torch.testing.assert_close(stack_harmonics(mel, places)[:, HARMONICS.index(1.0)], mel, atol=1e-5, rtol=0)


def test_gradients_are_right() -> None:
    made = torch.Generator().manual_seed(6)
    spectrum = torch.rand((2, len(BINS), 2), generator=made, dtype=torch.float64)[:, ::64].requires_grad_()
    bank = chroma_filterbank(BINS[::64])
    assert torch.autograd.gradcheck(lambda s: tonnetz(chroma(s, bank)), (spectrum,))
    hz = torch.tensor([300.0, 341.0, 520.0], dtype=torch.float64, requires_grad=True)
    level = torch.tensor([1.0, 0.7, 0.4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(roughness, (hz, level))
    places = harmonic_places(mel_band_centres(12, 50.0, 4000.0).tolist())
    mel = torch.rand((2, 12, 3), generator=made, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: stack_harmonics(m, places), (mel,))
    other = torch.rand((2, 12, 3), generator=made, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda m: cosine(m, other), (mel,))
    assert torch.autograd.gradcheck(lambda m: key_correlation(m.transpose(1, 2)), (mel,))


@pytest.mark.parametrize("level", [0.0, 1e-30, 1.0])
def test_silence_and_flat_spectra_give_numbers_and_finite_gradients(level: float) -> None:
    spectrum = torch.full((1, len(BINS), 4), level, requires_grad=True)
    folded = chroma(spectrum, chroma_filterbank(BINS.float()))
    figures = [
        tonnetz(folded).sum(),
        key_correlation(folded.mean(dim=-1)).sum(),
        cosine(folded, torch.zeros_like(folded)).sum(),
        cosine(folded, folded).sum(),
    ]
    torch.stack(figures).sum().backward()
    assert all(each.isfinite() for each in figures)
    assert spectrum.grad is not None
    assert spectrum.grad.isfinite().all()


def test_the_same_music_agrees_with_itself_and_silence_with_silence() -> None:
    folded = chroma_of(played(60, 64, 67))
    torch.testing.assert_close(cosine(folded, folded).mean().item(), 1.0, atol=1e-6, rtol=0)
    nothing = torch.zeros_like(folded)
    assert (cosine(nothing, nothing) == 1.0).all()
    assert (cosine(folded, nothing) == 0.0).all()
