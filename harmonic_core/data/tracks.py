"""A track: one piece of music, what is known of it, and how to hear it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harmonic_core.audio.decode import Pcm, decode
from harmonic_core.text import plain


class Sound(Protocol):
    """Something that can be turned into samples, always into the same ones as long as `identity` is the same."""

    def identity(self) -> str:
        """Text that changes whenever the samples would. Raises OSError for a file that is gone."""
        ...

    def samples(self, sample_rate: int) -> Iterator[Pcm]:
        """Mono samples in blocks. Raises DecodeError, OSError."""
        ...


@dataclass(frozen=True)
class AudioFile:
    """Sound of a file on disk."""

    path: Path

    def identity(self) -> str:
        """Path, size and time of the last change."""
        stat = self.path.stat()
        return f"file\0{self.path.absolute()}\0{stat.st_size}\0{stat.st_mtime_ns}"

    def samples(self, sample_rate: int) -> Iterator[Pcm]:
        """Mono samples in blocks; see `decode`."""
        return decode(self.path, sample_rate)


@dataclass(frozen=True)
class Track:
    """One piece of music.

    Attributes
    ----------
    title
        Name that is unique in its data set: a path below the folder, or a name. May hold any character.
    sound
        How to hear it.
    group
        Tracks of one group are never divided between training and validation: an artist, an album, or the track itself.
    metadata
        What is known: `genre`, `artist`, `album`, `key`, `tempo`, …
    """

    title: str
    sound: Sound
    group: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The title, safe to show."""
        return plain(self.title)

    def cache_key(self, sample_rate: int) -> str:
        """Name under which decoded samples are kept: a hash of what the sound is and how it is decoded."""
        text = f"pcm-1\0{sample_rate}\0{self.sound.identity()}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True)
class RefusedTrack:
    """A track that is not used, and the reason in words."""

    title: str
    reason: str

    def __str__(self) -> str:
        return f"{plain(self.title)}: {plain(self.reason, 400)}"
