"""Drum and bass: a broken beat at about 170, a growling bass in half time, and a minor pad far behind."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.drums import closed_hat, kick, open_hat, snare
from harmonic_core.data.demo.harmony import nearest, voicing
from harmonic_core.data.demo.instruments import electric_piano, reese_bass, strings_pad
from harmonic_core.data.demo.score import Arrangement, Note, Part, PhraseBook, Sheet, Style

KICKS = ((0.0, 2.5), (0.0, 1.75, 2.5), (0.0, 0.5, 2.5), (0.0, 2.25, 2.5))
GHOSTS = ((1.75, 2.25, 3.75), (0.75, 2.25, 3.5), (1.75, 3.75), (0.75, 1.75, 2.25, 3.75))
BASS_LINES = (
    ((0.0, 1.5, 0), (2.0, 0.5, 0), (2.5, 1.25, 7)),
    ((0.0, 0.75, 0), (1.5, 1.0, 0), (2.5, 0.5, 12), (3.0, 0.75, 7)),
    ((0.0, 2.5, 0), (2.75, 0.5, 7), (3.25, 0.5, 0)),
    ((0.0, 0.5, 0), (0.75, 0.5, 0), (1.5, 1.0, 12), (2.75, 1.0, 0)),
)
"""Beat, length and semitones above the root of every bass note in a bar."""
STABS = ((0.0, 1.5), (0.75, 2.5), (0.5, 2.25, 3.25), (1.5, 3.0))


def arrange(sheet: Sheet) -> Arrangement:
    """Kit, bass, pad and short chords; the kit thins out in the bridge and plays a fill at the end of each phrase."""
    rng = sheet.rng("*", "drum_and_bass")
    kicks, snares, hats, opens = _kit(sheet, rng)
    bass, pad, stabs = _harmony(sheet, rng)
    return Arrangement(
        parts=[
            Part(kick, kicks, level_db=-2.0, room=0.03, looseness=0.001),
            Part(snare, snares, level_db=-5.0, room=0.14, looseness=0.002),
            Part(closed_hat, hats, level_db=-17.0, room=0.08, looseness=0.003),
            Part(open_hat, opens, level_db=-19.0, room=0.12, looseness=0.002),
            Part(reese_bass, bass, level_db=-6.5, room=0.0, looseness=0.002),
            Part(strings_pad, pad, level_db=-13.0, room=0.5),
            Part(electric_piano, stabs, level_db=-11.0, room=0.45),
        ],
        room_seconds=1.4,
        swing=0.52,
    )


def _kit(sheet: Sheet, rng: np.random.Generator) -> tuple[list[Note], list[Note], list[Note], list[Note]]:
    kicks, snares, hats, opens = [], [], [], []
    for phrase in sheet.phrases:
        idea = sheet.rng(phrase.letter, "kit")
        kick_beats, ghost_beats = KICKS[idea.integers(len(KICKS))], GHOSTS[idea.integers(len(GHOSTS))]
        for i in range(len(phrase.chords)):
            start = 4.0 * (phrase.first_bar + i)
            if phrase.first_bar + i == sheet.last_bar:
                kicks.append(Note(start, 1.0, 36, 1.0))
                opens.append(Note(start, 1.0, 46, 0.9))
                continue
            fill = i == len(phrase.chords) - 1
            if phrase.letter == "B" and not fill:
                kicks.append(Note(start, 0.5, 36, 0.95))
            else:
                kicks += [Note(start + beat, 0.5, 36, 0.95 if beat in {0.0, 2.5} else 0.7) for beat in kick_beats]
                snares += [Note(start + beat, 0.5, 38, 0.95) for beat in (1.0, 3.0)]
                snares += [Note(start + beat, 0.25, 38, rng.uniform(0.15, 0.3)) for beat in ghost_beats]
            if fill:
                snares += [Note(start + beat, 0.25, 38, 0.4 + 0.12 * k) for k, beat in enumerate((3.25, 3.5, 3.75))]
            hats += [Note(start + k / 2, 0.25, 42, 0.8 if k % 2 == 0 else 0.5) for k in range(8)]
            hats += [Note(start + k / 4, 0.2, 42, 0.25) for k in (3, 7, 11, 13) if rng.random() < 0.5]
            opens += [Note(start + (3.5 if i % 2 else 1.5), 0.5, 46, 0.6)]
    return kicks, snares, hats, opens


def _harmony(sheet: Sheet, rng: np.random.Generator) -> tuple[list[Note], list[Note], list[Note]]:
    bass, pad, stabs = [], [], []
    voices: tuple[int, ...] | None = None
    for phrase in sheet.phrases:
        idea = sheet.rng(phrase.letter, "bass")
        lines = [BASS_LINES[k] for k in idea.choice(len(BASS_LINES), size=2, replace=False)]
        stab_beats = STABS[idea.integers(len(STABS))]
        for i, chord in enumerate(phrase.chords):
            start = 4.0 * (phrase.first_bar + i)
            root = nearest((pitch for pitch in range(28, 41) if pitch % 12 == chord.root), 33)
            voices = voicing(chord, ((50, 62), (55, 67), (59, 71), (63, 75)), voices, top=70)
            if phrase.first_bar + i == sheet.last_bar:
                bass.append(Note(start, 3.0, root, 0.9))
                pad += [Note(start, 4.0, pitch, 0.8) for pitch in voices]
                continue
            bass += [Note(start + beat, length, root + above, 0.85) for beat, length, above in lines[i % 2]]
            pad += [Note(start, 4.0, pitch, 0.6 + 0.1 * i / len(phrase.chords)) for pitch in voices]
            if rng.random() < 0.75:
                stabs += [
                    Note(start + beat, 0.4, p, 0.75 - 0.1 * k) for k, beat in enumerate(stab_beats) for p in voices
                ]
    return bass, pad, stabs


_MINOR = PhraseBook(
    verses=("i i VI VII", "i VI III VII", "i i iv VI", "i7 VImaj7 iv7 VII"),
    bridges=("iv VI i VII", "VI VII i i", "iv7 i7 VImaj7 v7"),
    cadences=("VII i", "v7 i"),
)

DRUM_AND_BASS = Style(
    name="drum_and_bass",
    beats_per_bar=4,
    tempo_range=(164.0, 178.0),
    keys=("A minor", "F minor", "D minor", "G minor", "C minor", "E minor"),
    harmony={"minor": _MINOR},
    ring=1.2,
    arrange=arrange,
)
