"""The demo data set is music: it is in the key, at the tempo and in the style that it says, and it never changes."""

from __future__ import annotations

import itertools
import re

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from harmonic_core.data.demo import DemoTrack, plan, render
from harmonic_core.data.demo.harmony import Chord, Key, voicing
from harmonic_core.data.demo.instruments import guitar, upright_bass

SAMPLE_RATE = 22050
STYLES = {"folk", "drum_and_bass", "chorale", "chiptune", "bells", "jazz"}
RHYTHMIC = {"folk", "drum_and_bass", "chiptune", "jazz"}
KRUMHANSL_KESSLER = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}

Recordings = list[tuple[DemoTrack, NDArray[np.float32]]]


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    """Two minutes of music: two tracks of each style."""
    return [(track, render(track, SAMPLE_RATE)) for track in plan(2, seed=1)]


@pytest.mark.parametrize("minutes", [0.5, 1, 3.3, 10, 40])
def test_the_plan_lasts_as_long_as_asked(minutes: float) -> None:
    for seed in range(4):
        assert sum(track.duration for track in plan(minutes, seed)) == pytest.approx(60 * minutes, rel=0.1)


def test_even_half_a_minute_has_tracks_to_train_on_and_tracks_to_hold_out() -> None:
    for seed in range(20):
        tracks = plan(0.5, seed)
        assert len(tracks) >= 2
        assert min(track.duration for track in tracks) >= 6


def test_one_minute_already_has_every_style() -> None:
    assert {track.style for track in plan(1, seed=0)} == STYLES


def test_ten_minutes_have_several_tracks_of_every_style_in_several_keys() -> None:
    tracks = plan(10, seed=0)
    for style in STYLES:
        mine = [track for track in tracks if track.style == style]
        assert 4 <= len(mine) <= 6
        assert len({track.key for track in mine}) >= 4
        assert all(15 <= track.duration <= 30 for track in mine)


def test_names_are_unique_and_safe_as_file_names() -> None:
    names = [track.name for track in plan(60, seed=0)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+-\d+", name) for name in names)


def test_the_same_seed_makes_the_same_bytes(recordings: Recordings) -> None:
    for track, sound in recordings[:6]:
        again = next(other for other in plan(2, seed=1) if other.name == track.name)
        assert again == track
        assert render(again, SAMPLE_RATE).tobytes() == sound.tobytes()


def test_another_seed_makes_other_music() -> None:
    for one, other in zip(plan(1, seed=1), plan(1, seed=2), strict=True):
        assert (one.key, one.tempo_bpm, one.chords, one.seed) != (other.key, other.tempo_bpm, other.chords, other.seed)


def test_tracks_of_one_style_are_different_pieces(recordings: Recordings) -> None:
    for style in STYLES:
        first, second = (sound for track, sound in recordings if track.style == style)
        shared = min(first.size, second.size)
        assert abs(np.corrcoef(first[:shared], second[:shared])[0, 1]) < 0.3


def test_a_recording_uses_its_range_and_never_leaves_it(recordings: Recordings) -> None:
    for track, sound in recordings:
        assert sound.dtype == np.float32
        assert sound.ndim == 1
        assert np.isfinite(sound).all()
        assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-1.0, abs=0.01), track.name
        assert abs(sound.mean()) < 1e-4


def test_a_recording_is_never_silent_before_its_last_chord_rings_out(recordings: Recordings) -> None:
    for track, sound in recordings:
        seconds = sound[: sound.size // SAMPLE_RATE * SAMPLE_RATE].reshape(-1, SAMPLE_RATE)
        levels = 20 * np.log10(np.sqrt(np.mean(seconds.astype(np.float64) ** 2, axis=1)) + 1e-9)
        assert levels[:-3].min() > -40, track.name


def test_a_recording_begins_and_ends_without_a_click(recordings: Recordings) -> None:
    for track, sound in recordings:
        assert np.abs(sound[:4]).max() < 0.05, track.name
        assert np.abs(sound[-SAMPLE_RATE // 50 :]).max() < 0.01, track.name


def test_the_loudness_is_that_of_music_neither_spiky_nor_flat(recordings: Recordings) -> None:
    for track, sound in recordings:
        crest = 20 * np.log10(np.abs(sound).max() / np.sqrt(np.mean(sound.astype(np.float64) ** 2)))
        assert 8 < crest < 20, (track.name, crest)


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_the_sample_rate_changes_the_sampling_and_not_the_music(recordings: Recordings, sample_rate: int) -> None:
    for track, sound in recordings[:6:2]:
        other = render(track, sample_rate)
        assert other.size / sample_rate == pytest.approx(sound.size / SAMPLE_RATE, abs=1 / 8000)
        low = min(sample_rate, SAMPLE_RATE) / 2 * 0.8
        here, there = _spectrogram(sound, SAMPLE_RATE, low), _spectrogram(other, sample_rate, low)
        frames = min(here.shape[1], there.shape[1])
        alike = np.corrcoef(here[:, :frames].ravel(), there[:, :frames].ravel())[0, 1]
        assert alike > 0.85, (track.name, alike)


def test_most_tracks_are_heard_in_the_key_they_claim(recordings: Recordings) -> None:
    """The others are taken for a neighbour on the circle of fifths or for the relative key: ten seconds are short."""
    exact, close = 0, 0
    for track, sound in recordings:
        claimed, heard = Key(track.key), _heard_key(sound)
        exact += heard == (claimed.tonic, claimed.mode)
        close += len(_scale_classes(*heard) & _scale_classes(claimed.tonic, claimed.mode)) >= 6
    assert exact >= 0.7 * len(recordings)
    assert close >= 0.9 * len(recordings)


def test_every_track_sounds_the_chords_it_claims_bar_by_bar(recordings: Recordings) -> None:
    for track, sound in recordings:
        beats_per_bar = 3 if track.style in {"chorale", "bells"} else 4
        bar = beats_per_bar * 60 / track.tempo_bpm
        chroma = _chroma(sound)
        inside, outside = [], []
        for i, symbol in enumerate(track.chords):
            first, last = librosa.time_to_frames([i * bar + 0.1, (i + 1) * bar - 0.1], sr=SAMPLE_RATE, hop_length=2048)
            energy = chroma[:, first:last].mean(axis=1)
            tones = list(Chord(symbol).classes)
            inside.append(energy[tones].mean())
            outside.append(np.delete(energy, tones).mean())
        assert np.mean(inside) > 1.4 * np.mean(outside), track.name


def test_rhythmic_tracks_repeat_themselves_after_one_two_or_four_of_the_beats_they_claim(
    recordings: Recordings,
) -> None:
    for track, sound in recordings:
        if track.style in RHYTHMIC:
            onsets = librosa.onset.onset_strength(y=sound, sr=SAMPLE_RATE, hop_length=128)
            alike = librosa.autocorrelate(onsets - onsets.mean())
            beat = 60 / track.tempo_bpm * SAMPLE_RATE / 128
            lags = np.arange(int(0.6 * beat), int(4.4 * beat))
            beats = lags[np.argmax(alike[lags])] / beat
            assert min(abs(beats - n) for n in (1, 2, 4)) < 0.03, (track.name, beats)


def test_styles_are_told_apart_by_their_mean_spectrum(recordings: Recordings) -> None:
    """In 24 wide bands, which show colour rather than notes, the most similar track is one of the same style."""
    styles = [track.style for track, _ in recordings]
    powers = (librosa.feature.melspectrogram(y=sound, sr=SAMPLE_RATE, n_mels=24) for _, sound in recordings)
    colours = np.array([librosa.power_to_db(power, top_db=80).mean(axis=1) for power in powers])
    distances = np.linalg.norm(colours[:, None] - colours, axis=2)
    np.fill_diagonal(distances, np.inf)
    hits = [styles[nearest] == style for nearest, style in zip(distances.argmin(axis=1), styles, strict=True)]
    assert np.mean(hits) >= 0.9


@pytest.mark.parametrize("sample_rate", [4000, 22050, 96000])
@pytest.mark.parametrize("frequency", [41.2, 196.0, 659.26])
def test_a_plucked_string_is_in_tune_and_only_dies_away(frequency: float, sample_rate: int) -> None:
    instrument = upright_bass if frequency < 100 else guitar
    sound = instrument(frequency, 2.0, 0.8, sample_rate, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 8 * sound.size))
    heard = np.fft.rfftfreq(8 * sound.size, 1 / sample_rate)
    near = np.abs(heard / frequency - 1) < 0.06
    cents = 1200 * np.log2(heard[near][spectrum[near].argmax()] / frequency)
    levels = [np.mean(part**2) for part in np.array_split(sound, 6)]
    assert abs(cents) < 4
    assert levels == sorted(levels, reverse=True)


def test_the_fifth_degree_of_a_minor_key_brings_the_leading_note() -> None:
    key = Key("G minor")
    assert key.chord("V7").symbol == "D7"
    assert [pitch % 12 for pitch in key.scale(key.chord("V7"), 62, 73)] == [2, 3, 6, 7, 9, 10, 0]


def test_voices_move_little_and_avoid_parallel_fifths() -> None:
    key = Key("C major")
    ranges = ((40, 55), (50, 64), (57, 69), (62, 79))
    chords = [key.chord(numeral) for numeral in ("I", "vi", "IV", "V", "I", "IV", "ii", "V", "I")]
    voices: list[tuple[int, ...]] = []
    for chord in chords:
        voices.append(voicing(chord, ranges, voices[-1] if voices else None, top=72))
        assert set(chord.classes[:2]) <= {pitch % 12 for pitch in voices[-1]}
    for before, after in itertools.pairwise(voices):
        assert all(abs(b - a) <= 5 for a, b in zip(before[1:], after[1:], strict=True))
        fifths = [(b[3] - b[0]) % 12 == 7 for b in (before, after)]
        assert not (all(fifths) and before[0] != after[0])


def _chroma(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Strength of each pitch class, (12, frames), from a long window that can tell low semitones apart."""
    magnitude = np.abs(librosa.stft(sound, n_fft=8192, hop_length=2048))
    chroma = librosa.feature.chroma_stft(
        S=magnitude, sr=SAMPLE_RATE, n_fft=8192, tuning=0, norm=None, ctroct=4.5, octwidth=1.2
    )
    return np.asarray(chroma, dtype=np.float64)


def _heard_key(sound: NDArray[np.float32]) -> tuple[int, str]:
    """Tonic and mode of the key whose Krumhansl-Kessler profile is most like the mean chroma."""
    chroma = _chroma(sound)
    heard = (chroma / (chroma.max(axis=0) + 1e-9)).mean(axis=1)
    keys = [(tonic, mode) for tonic in range(12) for mode in KRUMHANSL_KESSLER]
    return max(keys, key=lambda key: float(np.corrcoef(np.roll(KRUMHANSL_KESSLER[key[1]], key[0]), heard)[0, 1]))


def _scale_classes(tonic: int, mode: str) -> set[int]:
    steps = (0, 2, 4, 5, 7, 9, 11) if mode == "major" else (0, 2, 3, 5, 7, 8, 10)
    return {(tonic + step) % 12 for step in steps}


def _spectrogram(sound: NDArray[np.float32], sample_rate: int, highest: float) -> NDArray[np.float64]:
    """Level in dB in 48 bands up to `highest` Hz, 20 frames a second."""
    hop = sample_rate // 20
    n_fft = 2 ** int(np.ceil(np.log2(sample_rate / 12)))
    power = librosa.feature.melspectrogram(
        y=sound, sr=sample_rate, n_fft=n_fft, hop_length=hop, n_mels=48, fmin=60, fmax=highest
    )
    return np.asarray(librosa.power_to_db(power, ref=np.max, top_db=60), dtype=np.float64)
