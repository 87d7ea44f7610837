"""Several folders as one collection, each with its own rules; whatever lies in two of them is taken once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from harmonic_core.data.tracks import AudioFile, Music, RefusedTrack, Track
from harmonic_core.run.words import files
from harmonic_core.text import plain


def join(parts: Sequence[tuple[Path, Music]]) -> Music:
    """One collection of several; titles begin with the folder's name, and a number where two folders have the same."""
    tracks: list[Track] = []
    refused: list[RefusedTrack] = []
    notes: list[str] = []
    other: Counter[str] = Counter()
    seen: set[str] = set()
    for prefix, (folder, music) in zip(_prefixes([folder for folder, _ in parts]), parts, strict=True):
        real, new = folder.resolve(), 0
        for track in music.tracks:
            place = _place(track, folder, real)
            if place not in seen:
                seen.add(place)
                new += 1
                tracks.append(replace(track, title=f"{prefix}/{track.title}"))
        if new < len(music.tracks):
            notes.append(f"{plain(prefix)}: {files(len(music.tracks) - new)} taken from another of the folders already")
        refused += [replace(each, title=f"{prefix}/{each.title}") for each in music.refused]
        notes += [note if len(parts) == 1 else f"{plain(prefix)}: {note}" for note in music.notes]
        other.update(music.other)
    return Music(tracks, refused, tuple(notes), other)


def _place(track: Track, folder: Path, real: Path) -> str:
    if not isinstance(track.sound, AudioFile):
        return track.sound.identity()
    return str(real / os.path.relpath(track.sound.path, folder))


def _prefixes(folders: Iterable[Path]) -> list[str]:
    names = [Path(os.path.abspath(folder)).name or "root" for folder in folders]  # noqa: PTH100 - a link keeps its own name
    prefixes: list[str] = []
    for name in names:
        numbered = (f"{name}-{number}" for number in count(2))
        free = (each for each in numbered if each not in names and each not in prefixes)
        prefixes.append(name if name not in prefixes else next(free))
    return prefixes
