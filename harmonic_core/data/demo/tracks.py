"""Which tracks the demo data set has, and how one of them becomes sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.demo.harmony import Key
from harmonic_core.data.demo.mixing import record
from harmonic_core.data.demo.score import PhraseBook, Style, form, sheet, stream
from harmonic_core.data.demo.styles import STYLES

SHORTEST_TRACK, LONGEST_TRACK = 10.0, 20.0
"""Range in seconds of what a track should last on average."""
TRACKS = 30
"""How many tracks there should be, where that leaves each in its range."""


@dataclass(frozen=True)
class DemoTrack:
    """A track of demo music: everything that is known about it before it sounds."""

    name: str
    """Unique, and safe as a file name: `folk-03`."""
    style: str
    """One of `STYLES`."""
    key: str
    """Tonic and mode: `D major`, `A minor`."""
    tempo_bpm: float
    chords: tuple[str, ...]
    """Chord symbols in order, one a bar: `Dm7`."""
    seed: int
    duration: float
    """Seconds, the ringing of the last chord included."""


def plan(minutes: float, seed: int) -> list[DemoTrack]:
    """Say what tracks there will be, without making a sound.

    Styles take turns, so any run of six tracks has all of them. Lengths vary by a tenth; what one track is too long or
    too short, the ones after it make good.

    Parameters
    ----------
    minutes
        Length of all tracks together, at least 0.5. The result differs from it by a few seconds at most.
    seed
        What the music is made of, 0 or more. The same seed makes the same music.
    """
    total = minutes * 60.0
    count = max(round(total / np.clip(total / TRACKS, SHORTEST_TRACK, LONGEST_TRACK)), 2)
    styles = list(STYLES.values())
    tracks: list[DemoTrack] = []
    for i in range(count):
        rng = stream(seed, i)
        left = total - sum(track.duration for track in tracks)
        wanted = left / (count - i) * (rng.uniform(0.9, 1.1) if i < count - 1 else 1.0)
        turn, which = divmod(i, len(styles))
        keys = stream(seed, which, 0).permutation(styles[which].keys)
        tracks.append(_compose(styles[which], turn + 1, Key(str(keys[turn % keys.size])), wanted, rng))
    return tracks


def render(track: DemoTrack, sample_rate: int) -> NDArray[np.float32]:
    """Play a track.

    Parameters
    ----------
    track
        From `plan`.
    sample_rate
        In Hz. It changes how finely the music is sampled, not the music.

    Returns
    -------
    NDArray[np.float32]
        (samples,) mono in [-1, 1], its largest sample at −1 dB of full scale; always the same for the same arguments.
    """
    style = STYLES[track.style]
    arrangement = style.arrange(sheet(Key(track.key), track.chords, style.beats_per_bar, track.seed))
    return record(arrangement, track.tempo_bpm, track.duration, style.ring, sample_rate, track.seed)


def _compose(style: Style, number: int, key: Key, seconds: float, rng: np.random.Generator) -> DemoTrack:
    """Choose harmony and tempo of one track, which is to last about as long as wanted."""
    bars, tempo = _length(style, seconds - style.ring, rng)
    return DemoTrack(
        name=f"{style.name}-{number:02d}",
        style=style.name,
        key=key.name,
        tempo_bpm=tempo,
        chords=_chords(key, style.harmony[key.mode], bars, rng),
        seed=int(rng.integers(2**32)),
        duration=bars * style.beats_per_bar * 60.0 / tempo + style.ring,
    )


def _length(style: Style, seconds: float, rng: np.random.Generator) -> tuple[int, float]:
    """Number of bars, even and at least four, and tempo in beats a minute with which they last about `seconds`."""
    slowest, fastest = style.tempo_range
    liked = rng.uniform(slowest, fastest)
    bars = max(2 * round(seconds * liked / 60.0 / style.beats_per_bar / 2), 4)
    fitting = bars * style.beats_per_bar * 60.0 / seconds
    return bars, round(float(np.clip(fitting, slowest, fastest)), 1)


def _chords(key: Key, book: PhraseBook, bars: int, rng: np.random.Generator) -> tuple[str, ...]:
    """One chord symbol a bar; phrases of one letter have the same harmony, and the last ends with a cadence."""
    verse, bridge, cadence = (str(rng.choice(choices)) for choices in (book.verses, book.bridges, book.cadences))
    by_letter = {"A": verse.split(), "B": bridge.split(), "T": cadence.split()}
    numerals = [numeral for letter, _ in form(bars) for numeral in by_letter[letter]]
    return tuple(key.chord(numeral).symbol for numeral in [*numerals[:-2], *cadence.split()])
