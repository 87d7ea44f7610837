"""Melodies that are made of motifs and know the chords beneath them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.demo.harmony import Chord, Key, nearest
from harmonic_core.data.demo.score import Note, Phrase, Sheet

Cell = tuple[float, ...]
"""Rhythm of one bar: lengths in beats, rests negative."""


def melody(
    sheet: Sheet,
    moving: Sequence[Cell],
    resting: Sequence[Cell],
    register: tuple[int, int],
    detached: float = 0.95,
) -> list[Note]:
    """Write a tune over a whole sheet.

    A phrase states a motif, answers it, takes the motif up again over the new chord and comes to rest; its line rises
    and falls as an arch, and the bridge lies higher. Strong beats and long notes take chord tones, the others steps of
    the scale. Phrases of one letter repeat their tune; the last ends on the tonic.

    Parameters
    ----------
    sheet
        Key, chords and form.
    moving, resting
        Rhythms of bars that lead on and of bars that end a phrase, each as long as a bar.
    register
        Lowest and highest pitch.
    detached
        Share of its length for which a note is held.
    """
    notes: list[Note] = []
    for phrase in sheet.phrases:
        rng = sheet.rng(phrase.letter, "melody")
        rhythms = _rhythms(phrase, moving, resting, sheet.beats_per_bar, rng)
        notes += _line(phrase, rhythms, sheet, register, detached, rng)
    return notes


def _rhythms(
    phrase: Phrase, moving: Sequence[Cell], resting: Sequence[Cell], beats_per_bar: int, rng: np.random.Generator
) -> list[Cell]:
    motif, answer = (moving[int(i)] for i in rng.choice(len(moving), size=2, replace=len(moving) < 2))
    rest = resting[int(rng.integers(len(resting)))]
    between = [motif if i % 2 == 0 else answer for i in range(len(phrase.chords) - 1)]
    return [*between, (float(beats_per_bar),) if phrase.ends_piece else rest]


def _line(
    phrase: Phrase,
    rhythms: Sequence[Cell],
    sheet: Sheet,
    register: tuple[int, int],
    detached: float,
    rng: np.random.Generator,
) -> list[Note]:
    low, high = register
    steps = _folded(rng.choice((-2, -1, -1, 1, 1, 2), size=(2, 16)).cumsum(axis=1), 3)
    lift = 0.2 if phrase.letter == "B" else 0.0
    notes: list[Note] = []
    previous = (low + high) / 2
    for i, (chord, rhythm) in enumerate(zip(phrase.chords, rhythms, strict=True)):
        arch = np.sin(np.pi * (i + 0.5) / len(phrase.chords))
        anchor = 0.4 * previous + 0.6 * (low + (high - low) * (0.3 + 0.4 * arch + lift))
        bar = (phrase.first_bar + i) * sheet.beats_per_bar
        beat = 0.0
        for length, step in zip(rhythm, (0, *steps[i % 2]), strict=False):
            if length > 0:
                strong = beat % 2 == 0 or length >= 1.5
                pitch = _pitch(sheet.key, chord, anchor, int(step), strong, register, previous)
                if phrase.ends_piece and i == len(phrase.chords) - 1:
                    pitch = nearest((p for p in range(low, high + 1) if p % 12 == sheet.key.tonic), previous)
                velocity = 0.55 + 0.12 * (beat == 0) + 0.2 * arch + 0.05 * strong
                notes.append(Note(bar + beat, length * detached, pitch, float(velocity)))
                previous = pitch
            beat += abs(length)
    return notes


def _pitch(
    key: Key, chord: Chord, anchor: float, step: int, strong: bool, register: tuple[int, int], previous: float
) -> int:
    """Pitch that lies `step` degrees from the chord tone at the anchor, or near it."""
    scale, tones = key.scale(chord, *register), chord.pitches(*register)
    place = int(np.clip(scale.index(nearest(tones, anchor)) + step, 0, len(scale) - 1))
    if strong:
        return nearest(tones, 0.7 * scale[place] + 0.3 * previous)
    if scale[place] == previous:
        place += 1 if place == 0 or (step >= 0 and place < len(scale) - 1) else -1
    return scale[place]


def _folded(walk: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Turn a random walk back wherever it would leave ±reach; its steps keep their size."""
    return np.abs((walk + reach) % (4 * reach) - 2 * reach) - reach
