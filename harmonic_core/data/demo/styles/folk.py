"""Plucked-string folk: a fingerpicked guitar with an alternating thumb, and a mandolin that sings above it."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.drums import shaker
from harmonic_core.data.demo.harmony import voicing
from harmonic_core.data.demo.instruments import GUITAR_BODY, MANDOLIN_BODY, guitar, mandolin
from harmonic_core.data.demo.melody import melody
from harmonic_core.data.demo.score import Arrangement, Note, Part, PhraseBook, Sheet, Style

STRINGS = ((40, 52), (48, 59), (54, 63), (58, 67), (62, 71))
PICKING = (
    ((0.0, 0), (1.0, 1), (1.5, 3), (2.0, 0), (2.5, 4), (3.0, 2), (3.5, 3)),
    ((0.0, 0), (0.0, 4), (0.5, 3), (1.0, 2), (1.5, 4), (2.0, 1), (2.5, 3), (3.0, 2), (3.5, 4)),
    ((0.0, 0), (0.5, 2), (1.0, 3), (1.5, 4), (2.0, 0), (2.5, 2), (3.0, 3), (3.5, 2)),
)
"""Beat and string of every stroke in a bar."""
MOVING = (
    (1.0, 0.5, 0.5, 1.0, 1.0),
    (1.5, 0.5, 1.0, 1.0),
    (0.5, 0.5, 1.0, 0.5, 0.5, 1.0),
    (1.0, 1.0, 0.5, 0.5, 0.5, 0.5),
    (-0.5, 0.5, 1.0, 1.5, 0.5),
)
RESTING = ((2.0, 1.0, -1.0), (1.0, 2.0, -1.0), (3.0, -1.0))


def arrange(sheet: Sheet) -> Arrangement:
    """Guitar, mandolin and, in two tracks of three, a shaker."""
    rng = sheet.rng("*", "folk")
    parts = [
        Part(guitar, _accompaniment(sheet, rng), level_db=-6.0, room=0.22, looseness=0.007, resonances=GUITAR_BODY),
        Part(
            mandolin,
            melody(sheet, MOVING, RESTING, (66, 83), detached=1.0),
            level_db=-5.0,
            room=0.3,
            looseness=0.009,
            resonances=MANDOLIN_BODY,
        ),
    ]
    if rng.random() < 0.67:
        strokes = [
            Note(beat / 2, 0.3, 60, 0.35 + 0.3 * (beat % 4 == 2) + 0.1 * (beat % 2))
            for beat in range(8 * sheet.last_bar)
        ]
        parts.append(Part(shaker, strokes, level_db=-27.0, room=0.15))
    return Arrangement(parts, room_seconds=0.9)


def _accompaniment(sheet: Sheet, rng: np.random.Generator) -> list[Note]:
    patterns = {phrase.letter: PICKING[rng.integers(len(PICKING))] for phrase in sheet.phrases}
    notes: list[Note] = []
    voices: tuple[int, ...] | None = None
    for phrase in sheet.phrases:
        for i, chord in enumerate(phrase.chords):
            voices = voicing(chord, STRINGS, voices, top=67)
            start = float(4 * (phrase.first_bar + i))
            if phrase.first_bar + i == sheet.last_bar:
                notes += [Note(start + 0.05 * string, 8.0, pitch, 0.75) for string, pitch in enumerate(voices)]
                continue
            swell = 0.08 * np.sin(np.pi * (i + 0.5) / len(phrase.chords))
            for beat, string in patterns[phrase.letter]:
                velocity = (0.72 if string == 0 else 0.5) + 0.08 * (beat == 0) + swell
                notes.append(Note(start + beat, 4.0 - beat + 0.1, voices[string], float(velocity)))
    return notes


FOLK = Style(
    name="folk",
    beats_per_bar=4,
    tempo_range=(104.0, 132.0),
    keys=("D major", "A minor", "G major", "C major", "E minor", "A major", "D minor"),
    harmony={
        "major": PhraseBook(
            verses=("I IV I V", "I vi IV V", "I V vi IV", "I IV V I"),
            bridges=("vi IV I V", "IV I ii V", "vi iii IV V"),
            cadences=("V I", "IV I"),
        ),
        "minor": PhraseBook(
            verses=("i VII VI V", "i VI III VII", "i iv i V", "i VII i V"),
            bridges=("III VII i V", "VI III iv V", "III VII VI V"),
            cadences=("V i", "V7 i"),
        ),
    },
    ring=1.6,
    arrange=arrange,
)
