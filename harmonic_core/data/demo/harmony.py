"""Keys, chords and voice leading: the theory that the demo music is written with.

Pitches are MIDI numbers (69 is A4, 440 Hz); a pitch class is a pitch modulo 12.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
}
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "add9": (0, 4, 7, 2),
    "madd9": (0, 3, 7, 2),
}
MINOR_QUALITIES = {"": "m", "7": "m7", "6": "m6", "add9": "madd9", "o": "dim", "ø7": "m7b5"}

_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_FLAT_KEYS = frozenset(
    {"F major", "Bb major", "Eb major", "Ab major", "D minor", "G minor", "C minor", "F minor", "Bb minor"}
)
_DEGREES = ("I", "II", "III", "IV", "V", "VI", "VII")
_NUMERAL = re.compile(r"(?P<flat>b?)(?P<degree>[IV]+|[iv]+)(?P<suffix>.*)")
_SYMBOL = re.compile(r"(?P<root>[A-G][#b]?)(?P<quality>.*)")


def pitch_class(name: str) -> int:
    """Pitch class of a note name such as `F#` or `Eb`, 0 for C.

    Raises
    ------
    ValueError
        If there is no such note.
    """
    return _FLAT_NAMES.index(name) if name in _FLAT_NAMES else _SHARP_NAMES.index(name)


@dataclass(frozen=True)
class Chord:
    """A chord by its symbol, for example `Dm7`."""

    symbol: str

    @cached_property
    def root(self) -> int:
        """Pitch class of the root."""
        return pitch_class(self._parts["root"])

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """Pitch classes from the root upwards: root, third (or fourth), fifth, then what is added."""
        return tuple((self.root + interval) % 12 for interval in QUALITIES[self._parts["quality"]])

    def pitches(self, low: int, high: int) -> list[int]:
        """Tones of the chord from `low` to `high`, both included, in ascending order."""
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in self.classes]

    @cached_property
    def _parts(self) -> dict[str, str]:
        match = _SYMBOL.fullmatch(self.symbol)
        if match is None:
            raise ValueError(f"{self.symbol!r} is not a chord symbol")
        return match.groupdict()


@dataclass(frozen=True)
class Key:
    """A key by its name, for example `D major` or `A minor`."""

    name: str

    @property
    def mode(self) -> str:
        """`major` or `minor`."""
        return self.name.split()[1]

    @property
    def tonic(self) -> int:
        """Pitch class of the first degree."""
        return pitch_class(self.name.split()[0])

    def chord(self, numeral: str) -> Chord:
        """The chord that a Roman numeral stands for in this key.

        A small numeral is a minor chord; `b` lowers the root by a semitone; degrees are those of the major or of the
        natural minor scale, so `V` in a minor key has the leading note and `VII` is the chord below the tonic.

        Raises
        ------
        ValueError
            If it is not a numeral.
        """
        match = _NUMERAL.fullmatch(numeral)
        if match is None:
            raise ValueError(f"{numeral!r} is not a Roman numeral")
        degree = match["degree"]
        root = (self.tonic + SCALES[self.mode][_DEGREES.index(degree.upper())] - bool(match["flat"])) % 12
        quality = MINOR_QUALITIES[match["suffix"]] if degree.islower() else match["suffix"]
        return Chord((_FLAT_NAMES if self.name in _FLAT_KEYS else _SHARP_NAMES)[root] + quality)

    def scale(self, chord: Chord, low: int, high: int) -> list[int]:
        """Pitches of the scale over `chord` from `low` to `high`, altered where the chord is foreign to the key.

        What minor borrows from major is raised, as its leading note; what major borrows from minor is lowered. The
        altered degree takes the place of the plain one.
        """
        diatonic = {(self.tonic + step) % 12 for step in SCALES[self.mode]}
        foreign = set(chord.classes) - diatonic
        plain = -1 if self.mode == "minor" else 1
        displaced = {(tone + plain) % 12 for tone in foreign} - set(chord.classes)
        classes = (diatonic - displaced) | foreign
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


def nearest(pitches: Iterable[int], target: float) -> int:
    """The pitch closest to `target`; of two equally close ones the lower."""
    return min(pitches, key=lambda pitch: (abs(pitch - target), pitch))


def voicing(
    chord: Chord,
    ranges: Sequence[tuple[int, int]],
    previous: Sequence[int] | None = None,
    top: float | None = None,
    rootless: bool = False,
) -> tuple[int, ...]:
    """Spread a chord over voices, moving each as little as the rules of part writing allow.

    Parameters
    ----------
    chord
        The chord to be played.
    ranges
        Lowest and highest pitch of each voice, lowest voice first.
    previous
        Voicing of the chord before, with as many voices.
    top
        Where the highest voice should be, as a pitch.
    rootless
        Whether the root may be left to a bass player; otherwise the lowest voice has it.

    Returns
    -------
    tuple of int
        One pitch a voice, ascending.
    """
    choices = [chord.pitches(low, high) for low, high in ranges]
    if not rootless:
        choices[0] = [pitch for pitch in choices[0] if pitch % 12 == chord.root]
    ascending = (
        voices for voices in itertools.product(*choices) if all(low < high for low, high in itertools.pairwise(voices))
    )
    return min(ascending, key=lambda voices: (_strain(chord, voices, previous, top, rootless), voices))


def _strain(
    chord: Chord, voices: Sequence[int], previous: Sequence[int] | None, top: float | None, rootless: bool
) -> float:
    classes = [pitch % 12 for pitch in voices]
    wanted = set(chord.classes[1:]) if rootless else set(chord.classes)
    missing = len(wanted - set(classes))
    doubled_thirds = max(classes.count(chord.classes[1]) - 1, 0)
    gaps = sum(max(high - low - 12, 0) for low, high in itertools.pairwise(voices[1:]))
    crowding = sum(high - low < 3 for low, high in itertools.pairwise(voices[:3]))
    strain = 8.0 * missing + 3.0 * doubled_thirds + gaps + 2.0 * crowding
    if top is not None:
        strain += 0.9 * abs(voices[-1] - top)
    if previous is not None:
        strain += sum(abs(now - before) for now, before in zip(voices[1:], previous[1:], strict=True))
        strain += 0.3 * abs(voices[0] - previous[0]) + 4.0 * _parallels(previous, voices)
    return strain


def _parallels(before: Sequence[int], after: Sequence[int]) -> int:
    """Count pairs of voices that move together in fifths or octaves."""
    return sum(
        (before[high] - before[low]) % 12 in {0, 7}
        and (after[high] - after[low]) % 12 == (before[high] - before[low]) % 12
        and before[low] != after[low]
        for low, high in itertools.combinations(range(len(after)), 2)
    )
