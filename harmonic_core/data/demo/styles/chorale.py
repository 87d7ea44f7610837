"""Organ chorale: four voices that move by the rules of part writing, with passing notes and suspensions."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.harmony import voicing
from harmonic_core.data.demo.instruments import organ
from harmonic_core.data.demo.score import Arrangement, Note, Part, PhraseBook, Sheet, Style

RANGES = ((40, 55), (50, 64), (57, 69), (62, 79))
"""Bass, tenor, alto and soprano."""


def arrange(sheet: Sheet) -> Arrangement:
    """One organ for all voices; the pedal doubles the bass an octave lower."""
    chords = _voices(sheet)
    bass, *upper = (_decorated(sheet, [voices[part] for voices in chords], part) for part in range(4))
    pedal = [Note(note.start, note.length, note.pitch - 12, note.velocity) for note in bass]
    return Arrangement(
        parts=[
            Part(organ, [note for voice in upper for note in voice], level_db=-6.0, room=0.45, looseness=0.006),
            Part(organ, bass, level_db=-10.0, room=0.4, looseness=0.006),
            Part(organ, pedal, level_db=-13.0, room=0.3, looseness=0.006),
        ],
        room_seconds=2.6,
    )


def _voices(sheet: Sheet) -> list[tuple[int, ...]]:
    """Four pitches a bar: the soprano follows an arch in each phrase, the others follow the soprano."""
    chords: list[tuple[int, ...]] = []
    for phrase in sheet.phrases:
        crest = 71 + 3 * (phrase.letter == "B") + sheet.rng(phrase.letter, "soprano").uniform(-2, 2)
        for i, chord in enumerate(phrase.chords):
            top = crest + 4 * np.sin(np.pi * (i + 0.5) / len(phrase.chords)) - 2
            chords.append(voicing(chord, RANGES, chords[-1] if chords else None, top=float(top)))
    return chords


def _decorated(sheet: Sheet, pitches: list[int], part: int) -> list[Note]:
    """Join a voice's notes: thirds are filled with a passing note, some steps downwards come late, as suspensions."""
    bars = sheet.bars
    notes: list[Note] = []
    for i, (number, chord) in enumerate(bars):
        start, pitch = 3.0 * number, pitches[i]
        rng = sheet.rng("*", f"{part}/{number}")
        velocity = 0.7 + 0.15 * np.sin(np.pi * (i + 0.5) / len(bars)) + 0.08 * (part == 3)
        if number == sheet.last_bar:
            notes.append(Note(start, 3.6, pitch, float(velocity)))
            continue
        onset = 0.0
        if i and part in {1, 2} and 0 < pitches[i - 1] - pitch <= 2 and rng.random() < 0.5:
            notes.append(Note(start, 1.0, pitches[i - 1], float(velocity)))
            onset = 1.0
        leap = pitches[i + 1] - pitch
        between = [
            p for p in sheet.key.scale(chord, *sorted((pitch, pitches[i + 1]))) if p not in {pitch, pitches[i + 1]}
        ]
        if 3 <= abs(leap) <= 5 and between:
            steps = sorted(between, reverse=leap < 0)[-2:]
            length = 1.0 / len(steps)
            notes.append(Note(start + onset, 2.0 - onset, pitch, float(velocity)))
            notes += [Note(start + 2.0 + k * length, length, step, float(velocity)) for k, step in enumerate(steps)]
        elif part == 3 and rng.random() < 0.6:
            neighbour = _upper_neighbour(sheet, i, pitch)
            notes.append(Note(start + onset, 1.5 - onset, pitch, float(velocity)))
            notes += [
                Note(start + 1.5, 0.5, neighbour, float(velocity)),
                Note(start + 2.0, 1.0, pitch, float(velocity)),
            ]
        else:
            notes.append(Note(start + onset, 2.97 - onset, pitch, float(velocity)))
    return notes


def _upper_neighbour(sheet: Sheet, bar: int, pitch: int) -> int:
    return next(p for p in sheet.key.scale(sheet.bars[bar][1], pitch + 1, pitch + 3) if p > pitch)


CHORALE = Style(
    name="chorale",
    beats_per_bar=3,
    tempo_range=(80.0, 104.0),
    keys=("G major", "D minor", "F major", "C minor", "Bb major", "G minor", "C major"),
    harmony={
        "major": PhraseBook(
            verses=("I IV V I", "I vi ii V", "I V vi IV", "I iii IV V"),
            bridges=("vi ii V I", "IV I ii V", "vi iii IV V7"),
            cadences=("V7 I", "V I"),
        ),
        "minor": PhraseBook(
            verses=("i iv V i", "i VI iv V", "i VII III V", "i iv VII III"),
            bridges=("III VII i V", "VI III iv V", "iv VII III VI"),
            cadences=("V7 i", "V i"),
        ),
    },
    ring=1.8,
    arrange=arrange,
)
