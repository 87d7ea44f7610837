"""Chiptune: chords broken into fast arpeggios, a pulse lead with its echo, a triangle bass and noise drums."""

from __future__ import annotations

from harmonic_core.data.demo.drums import kick, noise_hit
from harmonic_core.data.demo.harmony import nearest, voicing
from harmonic_core.data.demo.instruments import pulse_arpeggio, pulse_lead, triangle_bass
from harmonic_core.data.demo.melody import melody
from harmonic_core.data.demo.score import Arrangement, Note, Part, PhraseBook, Sheet, Style

ARPEGGIOS = ((0, 1, 2, 3), (0, 2, 1, 3), (3, 2, 1, 0), (0, 1, 2, 1), (0, 3, 2, 3))
BASS = ((0, 0, 1, 0, 0, 0, 1, 0), (0, 1, 0, 1, 0, 1, 0, 1), (0, 0, 0, 1, 0, 0, 1, 1))
"""Octave of the root on every half beat."""
MOVING = (
    (0.5, 0.5, 0.5, 0.5, 1.0, 1.0),
    (0.75, 0.75, 0.5, 1.0, 0.5, 0.5),
    (0.5, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.5),
    (1.0, 0.5, 0.5, 0.5, 0.5, 1.0),
)
RESTING = ((1.5, 1.5, -1.0), (0.5, 0.5, 2.0, -1.0), (3.0, 0.5, 0.5))


def arrange(sheet: Sheet) -> Arrangement:
    """The channels of a home computer, and an echo made of quieter notes, as its programmers made it."""
    lead = melody(sheet, MOVING, RESTING, (67, 86), detached=0.85)
    echo = [Note(note.start + 0.75, note.length * 0.8, note.pitch, 0.35 * note.velocity) for note in lead]
    arpeggio, bass = _harmony(sheet)
    kicks, hits = _drums(sheet)
    return Arrangement(
        parts=[
            Part(pulse_lead, lead, level_db=-7.0, room=0.05, looseness=0.0),
            Part(pulse_lead, echo, level_db=-18.0, room=0.05, looseness=0.0),
            Part(pulse_arpeggio, arpeggio, level_db=-12.0, room=0.06, looseness=0.0),
            Part(triangle_bass, bass, level_db=-8.0, room=0.0, looseness=0.0),
            Part(kick, kicks, level_db=-8.0, room=0.0, looseness=0.0),
            Part(noise_hit, hits, level_db=-14.0, room=0.02, looseness=0.0),
        ],
        room_seconds=0.4,
    )


def _harmony(sheet: Sheet) -> tuple[list[Note], list[Note]]:
    arpeggio, bass = [], []
    voices: tuple[int, ...] | None = None
    for phrase in sheet.phrases:
        rng = sheet.rng(phrase.letter, "harmony")
        order, octaves = ARPEGGIOS[rng.integers(len(ARPEGGIOS))], BASS[rng.integers(len(BASS))]
        for i, chord in enumerate(phrase.chords):
            start = 4.0 * (phrase.first_bar + i)
            voices = voicing(chord, ((55, 67), (60, 71), (64, 76), (69, 81)), voices, top=76)
            root = nearest((pitch for pitch in range(36, 49) if pitch % 12 == chord.root), 41)
            if phrase.first_bar + i == sheet.last_bar:
                arpeggio += [Note(start + k / 8, 0.12, voices[k % 4], 0.8 * 0.93**k) for k in range(16)]
                arpeggio += [Note(start + 2.0, 2.0, pitch, 0.5) for pitch in voices]
                bass.append(Note(start, 4.0, root, 0.8))
                continue
            for k in range(16):
                arpeggio.append(Note(start + k / 4, 0.22, voices[order[k % 4]], 0.62 + 0.2 * (k % 4 == 0)))
            bass += [Note(start + k / 2, 0.42, root + 12 * up, 0.8) for k, up in enumerate(octaves)]
    return arpeggio, bass


def _drums(sheet: Sheet) -> tuple[list[Note], list[Note]]:
    kicks, hits = [], []
    for number, _ in sheet.bars:
        start = 4.0 * number
        if number == sheet.last_bar:
            kicks.append(Note(start, 0.5, 36, 1.0))
            hits.append(Note(start, 0.5, 60, 1.0))
            continue
        kicks += [Note(start + beat, 0.5, 36, 0.9) for beat in ((0.0, 2.0, 2.5) if number % 2 else (0.0, 2.0))]
        hits += [Note(start + beat, 0.5, 60, 0.9) for beat in (1.0, 3.0)]
        hits += [Note(start + k / 2, 0.2, 60, 0.22 + 0.1 * (k % 2)) for k in range(8) if k not in {2, 6}]
        if number % 4 == 3:
            hits += [Note(start + beat, 0.2, 60, 0.55) for beat in (3.25, 3.5, 3.75)]
    return kicks, hits


CHIPTUNE = Style(
    name="chiptune",
    beats_per_bar=4,
    tempo_range=(134.0, 158.0),
    keys=("C major", "E minor", "F major", "B minor", "G major", "F# minor", "A major"),
    harmony={
        "major": PhraseBook(
            verses=("I V vi IV", "I IV V I", "IV V iii vi", "I vi IV V"),
            bridges=("vi IV I V", "IV V I vi", "ii V iii vi"),
            cadences=("V I", "bVII I"),
        ),
        "minor": PhraseBook(
            verses=("i VI III VII", "i VII VI V", "i iv VII III", "i VI iv V"),
            bridges=("VI VII i i", "iv VII III VI", "III VII iv V"),
            cadences=("V i", "VII i"),
        ),
    },
    ring=0.9,
    arrange=arrange,
)
