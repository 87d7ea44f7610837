"""Notes, parts and form: what an arranger writes and the players read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.demo.harmony import Chord, Key

Signal = NDArray[np.float64]


class Instrument(Protocol):
    """Plays one note."""

    def __call__(
        self, frequency: float, seconds: float, velocity: float, sample_rate: int, rng: np.random.Generator
    ) -> Signal:
        """Sound of one note, (samples,), about 1 at its loudest; it may ring on after `seconds`. Velocity is 0 to 1."""
        ...


@dataclass(frozen=True)
class Note:
    """One note: start and length in beats, a MIDI pitch, and a velocity from 0 to 1."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Part:
    """What one player plays, and how the player sits in the mix."""

    instrument: Instrument
    notes: Sequence[Note]
    level_db: float
    """Loudness beside the other parts, measured while it plays."""
    room: float = 0.2
    """How much of it the room answers, 0 to 1."""
    looseness: float = 0.004
    """Standard deviation of its timing in seconds."""
    resonances: tuple[tuple[float, float, float], ...] = ()
    """Resonances of the body: centre in Hz, quality, gain."""


@dataclass(frozen=True)
class Arrangement:
    """All parts of a track and the room they are played in."""

    parts: Sequence[Part]
    room_seconds: float
    """Time in which the room falls silent by 60 dB."""
    swing: float = 0.5
    """Where the second half of a beat falls: 0.5 is straight, 2/3 is triplets."""


@dataclass(frozen=True)
class Phrase:
    """A few bars that belong together. Phrases of one letter share their ideas."""

    letter: str
    first_bar: int
    chords: tuple[Chord, ...]
    ends_piece: bool


@dataclass(frozen=True)
class Sheet:
    """What an arranger starts from: key, harmony and form."""

    key: Key
    phrases: tuple[Phrase, ...]
    beats_per_bar: int
    seed: int

    @property
    def bars(self) -> list[tuple[int, Chord]]:
        """Number and chord of every bar."""
        return [(phrase.first_bar + i, chord) for phrase in self.phrases for i, chord in enumerate(phrase.chords)]

    @property
    def last_bar(self) -> int:
        """Number of the bar in which the piece comes to rest."""
        return self.bars[-1][0]

    def rng(self, letter: str, player: str = "") -> np.random.Generator:
        """Chance for the ideas of one letter (and one player), the same whenever the letter returns."""
        return stream(self.seed, *f"{letter}/{player}".encode())


@dataclass(frozen=True)
class PhraseBook:
    """Harmony to choose from in one mode, as Roman numerals, a chord a bar: phrases of four bars, cadences of two."""

    verses: tuple[str, ...]
    bridges: tuple[str, ...]
    cadences: tuple[str, ...]


@dataclass(frozen=True)
class Style:
    """A way of making music."""

    name: str
    beats_per_bar: int
    tempo_range: tuple[float, float]
    """Slowest and fastest tempo in beats per minute."""
    keys: tuple[str, ...]
    harmony: dict[str, PhraseBook]
    """By mode."""
    ring: float
    """Seconds for which the last chord may ring after its bar."""
    arrange: Callable[[Sheet], Arrangement]


def stream(*words: int) -> np.random.Generator:
    """Independent chance for a place named by non-negative integers."""
    # SeedSequence pads with zeros: without their number, (1,) and (1, 0) would be the same place.
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([len(words), *words])))


def form(bars: int) -> list[tuple[str, int]]:
    """Letter and length of every phrase of a piece of an even number of bars: A A B A in fours, and a tag of two."""
    fours, tag = divmod(bars, 4)
    letters = {0: "", 1: "A", 2: "AB", 3: "ABA"}.get(fours) or "".join("AABA"[i % 4] for i in range(fours))
    return [(letter, 4) for letter in letters if fours] + ([("T", 2)] if tag else [])


def sheet(key: Key, chords: Sequence[str], beats_per_bar: int, seed: int) -> Sheet:
    """Lay out chord symbols, one a bar, in phrases."""
    phrases, first = [], 0
    for letter, length in form(len(chords)):
        bars = tuple(Chord(symbol) for symbol in chords[first : first + length])
        phrases.append(Phrase(letter, first, bars, ends_piece=first + length >= len(chords)))
        first += length
    return Sheet(key, tuple(phrases), beats_per_bar, seed)


def perform(part: Part, tempo_bpm: float, swing: float, rng: np.random.Generator) -> list[Note]:
    """Turn beats into seconds as a person would: swung, a little early or late, a little louder or softer."""
    beat = 60.0 / tempo_bpm
    played = []
    for note in part.notes:
        haste = np.clip(rng.normal(0.0, part.looseness), -2.5 * part.looseness, 2.5 * part.looseness)
        start = _swung(note.start, swing) * beat
        end = _swung(note.start + note.length, swing) * beat
        velocity = float(np.clip(note.velocity * (1.0 + 0.06 * rng.normal()), 0.02, 1.0))
        played.append(replace(note, start=max(start + haste, 0.0), length=max(end - start, 0.02), velocity=velocity))
    return played


def _swung(beats: float, swing: float) -> float:
    whole, part = divmod(beats, 1.0)
    return whole + (part * 2 * swing if part < 0.5 else swing + (part - 0.5) * 2 * (1 - swing))
