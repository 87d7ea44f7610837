"""Small data sets in the layouts of the large ones, of short real audio files that all sound different."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
RATE = 22_050
MIXED_FORMATS = (
    ("wav", 22_050, 1),
    ("flac", 96_000, 2),
    ("mp3", 44_100, 2),
    ("ogg", 48_000, 2),
    ("m4a", 44_100, 2),
    ("au", 8_000, 1),
)
"""Ending, sample rate and channels, as `write_custom` takes them in turn."""


def chord(name: str, seconds: float, rate: int = RATE, channels: int = 1) -> NDArray[np.float32]:
    """Five notes that swell and fade, chosen by the name: (frames, channels)."""
    rng = np.random.default_rng(zlib.crc32(name.encode(errors="surrogateescape")))
    time = np.arange(round(seconds * rate)) / rate
    notes = 110.0 * 2.0 ** (rng.integers(0, 48, 5) / 12.0)
    swell = 1.0 + 0.5 * np.sin(2.0 * np.pi * rng.uniform(0.3, 3.0, (5, 1)) * time + rng.uniform(0, 6, (5, 1)))
    sound = 0.1 * (swell * np.sin(2.0 * np.pi * notes[:, None] * time)).sum(axis=0)
    gains = np.linspace(1.0, 0.7, channels)
    return (sound[:, None] * gains).astype(np.float32)


def write_sound(
    path: Path, seconds: float = 2.0, rate: int = RATE, channels: int = 1, tags: Mapping[str, str] | None = None
) -> Path:
    """Write a chord in the format that the ending names; its notes follow from the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = chord(path.name, seconds, rate, channels)
    if path.suffix.lower() == ".m4a":
        _write_m4a(path, sound, rate, tags or {})
        return path
    # By descriptor, since libsndfile takes no names that are not UTF-8.
    with (
        path.open("wb+") as file,
        soundfile.SoundFile(file, "w", rate, channels, format=path.suffix[1:].upper()) as writer,
    ):
        for name, text in (tags or {}).items():
            setattr(writer, name, text)
        writer.write(sound)
    return path


def _write_m4a(path: Path, sound: NDArray[np.float32], rate: int, tags: Mapping[str, str]) -> None:
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    with av.open(str(path), "w", format="ipod") as container:
        container.metadata.update(tags)
        stream = container.add_stream("aac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), "fltp", layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_gtzan(
    folder: Path,
    numbers: Iterable[int] | Mapping[str, Iterable[int]] = range(4),
    *,
    layout: str = "genres",
    suffix: str = "wav",
    seconds: float = 2.0,
    genres: Sequence[str] = GENRES,
) -> list[Path]:
    """Write clips of these numbers, the same of every genre or some of each, as `<layout>/jazz/jazz.00012.wav`."""
    numbers = list(numbers) if not isinstance(numbers, Mapping) else numbers
    return [
        write_sound(folder / layout / genre / f"{genre}.{number:05d}.{suffix}", seconds)
        for genre in genres
        for number in (numbers.get(genre, ()) if isinstance(numbers, Mapping) else numbers)
    ]


@dataclass(frozen=True)
class Performance:
    """A recording as MAESTRO's list has it; one that is not `written` is listed and absent."""

    composer: str
    title: str
    split: str
    year: int
    name: str
    seconds: float = 2.0
    written: bool = True

    @property
    def audio(self) -> str:
        """Path below the list."""
        return f"{self.year}/{self.name}.wav"


COMPOSERS = ("Frédéric Chopin", "Johann Sebastian Bach", "Antonín Dvořák / Alfred Cortot", "Franz Liszt")


def performances(train: int = 8, validation: int = 2, test: int = 2, seconds: float = 2.0) -> list[Performance]:
    """Different pieces of four composers and three years, so many of each part."""
    parts = ["train"] * train + ["validation"] * validation + ["test"] * test
    years = (2004, 2008, 2018)
    return [
        Performance(
            COMPOSERS[i % 4], f"Piece {i}, Op. {i + 1}", part, years[i % 3], f"MIDI-Unprocessed_{i:02d}", seconds
        )
        for i, part in enumerate(parts)
    ]


Version = Literal["v3-csv", "v3-json", "v2-json", "v2-csv", "v1-csv"]


def write_maestro(
    folder: Path, recordings: Sequence[Performance] | None = None, *, version: Version = "v3-csv", rate: int = 44_100
) -> list[Path]:
    """Write a list and, in stereo, the recordings in folders of their years, beside each other in `folder`."""
    recordings = performances() if recordings is None else recordings
    write_list(folder, recordings, version)
    return [write_sound(folder / each.audio, each.seconds, rate, 2) for each in recordings if each.written]


def write_list(folder: Path, recordings: Sequence[Performance], version: Version = "v3-csv") -> Path:
    """Write only the list."""
    number, kind = version.split("-")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"maestro-{number}.0.0.{kind}"
    rows = [
        {
            "canonical_composer": each.composer,
            "canonical_title": each.title,
            "split": each.split,
            "year": each.year,
            "midi_filename": each.audio.replace(".wav", ".midi"),
            "audio_filename": each.audio,
            "duration": each.seconds,
        }
        for each in recordings
    ]
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif number == "v3":
        columns = {column: {str(i): row[column] for i, row in enumerate(rows)} for column in rows[0]}
        path.write_text(json.dumps(columns), encoding="utf-8")
    else:
        path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def write_custom(
    folder: Path,
    artists: Mapping[str, Sequence[str]] | None = None,
    *,
    tracks: int = 2,
    seconds: float = 2.0,
    formats: Sequence[tuple[str, int, int]] = MIXED_FORMATS,
) -> list[Path]:
    """Write `genre/artist/album/artist 1.wav`, so many tracks of each artist, the formats taking turns."""
    artists = artists or {"jazz": ("Monk", "Evans"), "folk": ("Anna & Bo", "Émile", "\u65e5\u672c")}
    names = [
        (genre, artist, number) for genre, members in artists.items() for artist in members for number in range(tracks)
    ]
    written = []
    for place, (genre, artist, number) in enumerate(names):
        suffix, rate, channels = formats[place % len(formats)]
        path = folder / genre / artist / "First Album" / f"{artist} {number}.{suffix}"
        written.append(write_sound(path, seconds, rate, channels))
    return written
