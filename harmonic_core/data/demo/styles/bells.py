"""Bell ambient: slow broken chords and a few melody notes on metal bars, over a breathing pad, in a large space."""

from __future__ import annotations

import numpy as np

from harmonic_core.data.demo.harmony import voicing
from harmonic_core.data.demo.instruments import bell, glass_pad
from harmonic_core.data.demo.melody import melody
from harmonic_core.data.demo.score import Arrangement, Note, Part, PhraseBook, Sheet, Style

WAVES = (
    ((0.0, 0), (1.0, 2), (1.5, 3), (2.0, 4)),
    ((0.0, 0), (0.5, 1), (1.0, 2), (1.5, 3), (2.5, 4)),
    ((0.0, 1), (0.5, 3), (1.5, 4), (2.0, 2)),
    ((0.0, 0), (1.5, 4), (2.0, 3), (2.5, 2)),
)
"""Beat and voice of every stroke in a bar."""
MOVING = ((2.0, 1.0), (1.5, 1.5), (-1.0, 1.0, 1.0), (3.0,))
RESTING = ((3.0,), (2.0, -1.0))


def arrange(sheet: Sheet) -> Arrangement:
    """Low bells in waves, high bells as a tune, and a pad of two or three voices."""
    waves, pad = _ground(sheet)
    return Arrangement(
        parts=[
            Part(bell, waves, level_db=-7.0, room=0.55, looseness=0.014),
            Part(bell, melody(sheet, MOVING, RESTING, (74, 93)), level_db=-8.0, room=0.7, looseness=0.014),
            Part(glass_pad, pad, level_db=-12.0, room=0.6, looseness=0.01),
        ],
        room_seconds=4.5,
    )


def _ground(sheet: Sheet) -> tuple[list[Note], list[Note]]:
    waves, pad = [], []
    voices: tuple[int, ...] | None = None
    for phrase in sheet.phrases:
        order = sheet.rng(phrase.letter, "waves").choice(len(WAVES), size=2, replace=False)
        for i, chord in enumerate(phrase.chords):
            start = 3.0 * (phrase.first_bar + i)
            voices = voicing(chord, ((52, 64), (59, 69), (64, 74), (67, 79), (71, 83)), voices, top=77)
            tide = 0.14 * np.sin(np.pi * (i + 0.5) / len(phrase.chords))
            if phrase.first_bar + i == sheet.last_bar:
                waves += [Note(start + 0.25 * k, 3.0, pitch, 0.7 - 0.08 * k) for k, pitch in enumerate(voices)]
            else:
                waves += [
                    Note(start + beat, 3.0, voices[voice], float(0.45 + 0.15 * (beat == 0) + tide))
                    for beat, voice in WAVES[order[i % 2]]
                ]
            pad += [Note(start, 3.0, pitch, float(0.6 + tide)) for pitch in (voices[0] - 12, *voices[:3])]
    return waves, pad


BELLS = Style(
    name="bells",
    beats_per_bar=3,
    tempo_range=(66.0, 86.0),
    keys=("E major", "C# minor", "Ab major", "F minor", "D major", "B minor", "Eb major"),
    harmony={
        "major": PhraseBook(
            verses=("Iadd9 vi7 IVmaj7 V", "Imaj7 IVmaj7 Imaj7 IVadd9", "Iadd9 iii7 IVadd9 V"),
            bridges=("vi7 IVmaj7 Iadd9 V", "ii7 IVmaj7 vi7 Vsus4", "IVmaj7 iii7 ii7 V"),
            cadences=("IVadd9 Iadd9", "Vsus4 Iadd9"),
        ),
        "minor": PhraseBook(
            verses=("iadd9 VImaj7 III VII", "i7 iv7 VImaj7 VII", "iadd9 VII VImaj7 iv7"),
            bridges=("iv7 i7 VImaj7 VII", "III VII iadd9 VImaj7", "VImaj7 VII III iv7"),
            cadences=("iv7 iadd9", "VII iadd9"),
        ),
    },
    ring=3.0,
    arrange=arrange,
)
