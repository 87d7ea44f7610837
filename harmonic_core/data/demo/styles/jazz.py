"""Jazz quartet: electric piano, a hollow-body guitar, a walking bass and a ride cymbal, all of them swinging."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.drums import closed_hat, ride, snare
from harmonic_core.data.demo.harmony import Chord, nearest, voicing
from harmonic_core.data.demo.instruments import BASS_BODY, electric_piano, jazz_guitar, upright_bass
from harmonic_core.data.demo.melody import melody
from harmonic_core.data.demo.score import Arrangement, Note, Part, PhraseBook, Sheet, Style

COMPING = (
    ((0.0, 1.3), (1.5, 0.4)),
    ((0.5, 0.4), (2.5, 1.2)),
    ((1.5, 0.4), (3.0, 0.8)),
    ((0.0, 0.4), (2.5, 0.4), (3.5, 0.4)),
)
"""Beat and length of every chord in a bar."""
MOVING = (
    (0.5, 0.5, 0.5, 0.5, 1.0, 1.0),
    (-0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0),
    (1.0, 0.5, 1.0, 0.5, 0.5, 0.5),
    (-1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
)
RESTING = ((1.5, 1.5, -1.0), (0.5, 2.5, -1.0), (0.5, 0.5, 1.5, -1.5))


def arrange(sheet: Sheet) -> Arrangement:
    """Bass, cymbals, a little snare, chords, and a guitar with the tune."""
    rng = sheet.rng("*", "jazz")
    rides, hats, snares = _kit(sheet, rng)
    tune = melody(sheet, MOVING, RESTING, (60, 79), detached=0.92)
    return Arrangement(
        parts=[
            Part(upright_bass, _walking_bass(sheet, rng), -6.0, room=0.1, looseness=0.006, resonances=BASS_BODY),
            Part(electric_piano, _comping(sheet, rng), level_db=-9.5, room=0.22, looseness=0.007),
            Part(jazz_guitar, tune, level_db=-7.0, room=0.2, looseness=0.01),
            Part(ride, rides, level_db=-22.0, room=0.15, looseness=0.003),
            Part(closed_hat, hats, level_db=-23.0, room=0.1, looseness=0.003),
            Part(snare, snares, level_db=-24.0, room=0.15, looseness=0.004),
        ],
        room_seconds=0.8,
        swing=0.64,
    )


def _walking_bass(sheet: Sheet, rng: np.random.Generator) -> list[Note]:
    """Root on the first beat, chord tones towards the next root, and a semitone beside it on the last beat."""
    bars = sheet.bars
    here = _root(bars[0][1], 38)
    notes: list[Note] = []
    for (number, chord), (_, following) in zip(bars, [*bars[1:], bars[-1]], strict=True):
        start = 4.0 * number
        if number == sheet.last_bar:
            notes.append(Note(start, 4.5, here, 0.85))
            break
        goal = _root(following, here + int(rng.integers(-4, 5)))
        approach = goal + int(rng.choice((-1, 1)))
        path = [round(here + (approach - here) * share + rng.integers(-3, 4)) for share in (0.33, 0.67)]
        second = nearest((p for p in chord.pitches(28, 55) if p != here), path[0])
        third = nearest((p for p in chord.pitches(28, 55) if p not in {second, approach}), path[1])
        walk = (here, second, third, approach)
        notes += [Note(start + k, 0.95, pitch, 0.78 - 0.08 * (k % 2 == 0)) for k, pitch in enumerate(walk)]
        here = goal
    return notes


def _root(chord: Chord, near: float) -> int:
    return nearest((pitch for pitch in range(29, 50) if pitch % 12 == chord.root), near)


def _comping(sheet: Sheet, rng: np.random.Generator) -> list[Note]:
    notes: list[Note] = []
    voices: tuple[int, ...] | None = None
    for number, chord in sheet.bars:
        start = 4.0 * number
        voices = voicing(chord, ((50, 62), (54, 66), (58, 70), (62, 74)), voices, top=69, rootless=True)
        rhythm = ((0.0, 4.5),) if number == sheet.last_bar else COMPING[rng.integers(len(COMPING))]
        touch = rng.uniform(0.5, 0.75)
        notes += [Note(start + beat, length, pitch, touch) for beat, length in rhythm for pitch in voices]
    return notes


def _kit(sheet: Sheet, rng: np.random.Generator) -> tuple[list[Note], list[Note], list[Note]]:
    rides, hats, snares = [], [], []
    for number, _ in sheet.bars:
        start = 4.0 * number
        if number == sheet.last_bar:
            rides.append(Note(start, 1.0, 51, 0.9))
            continue
        rides += [
            Note(start + b, 1.0, 51, v) for b, v in ((0, 0.6), (1, 0.8), (1.5, 0.45), (2, 0.6), (3, 0.8), (3.5, 0.45))
        ]
        hats += [Note(start + beat, 0.3, 44, 0.7) for beat in (1.0, 3.0)]
        snares += [Note(start + k + 0.5, 0.2, 38, rng.uniform(0.2, 0.5)) for k in range(4) if rng.random() < 0.3]
    return rides, hats, snares


JAZZ = Style(
    name="jazz",
    beats_per_bar=4,
    tempo_range=(136.0, 176.0),
    keys=("F major", "Bb major", "C minor", "Eb major", "D minor", "Ab major", "G minor"),
    harmony={
        "major": PhraseBook(
            verses=("Imaj7 vi7 ii7 V7", "ii7 V7 Imaj7 vi7", "Imaj7 iii7 ii7 V7", "I6 IV7 Imaj7 V7"),
            bridges=("iii7 vi7 ii7 V7", "IVmaj7 iv7 Imaj7 V7", "ii7 V7 iii7 vi7"),
            cadences=("V7 I6", "V7 Imaj7"),
        ),
        "minor": PhraseBook(
            verses=("i7 iiø7 V7 i6", "i7 iv7 iiø7 V7", "i7 VImaj7 iiø7 V7"),
            bridges=("iv7 VII7 IIImaj7 VImaj7", "iv7 i7 iiø7 V7"),
            cadences=("V7 i6", "V7 i7"),
        ),
    },
    ring=1.8,
    arrange=arrange,
)
