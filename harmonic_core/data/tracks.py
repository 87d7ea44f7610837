"""A track: one piece of music, what is known of it, and how to hear it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.names import is_name, keys_of
from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.audio.decode import Pcm

Source = Literal["demo", "custom", "gtzan", "maestro"]
Side = Literal["train", "validation", "test"]


class Decoded(Protocol):
    """Samples that come block by block, and what was learnt of the sound on the way."""

    @property
    def facts(self) -> SoundFacts:
        """Complete once the last block has come."""
        ...

    def __iter__(self) -> Iterator[Pcm]:
        """Blocks of mono samples in order: (samples,) int16."""
        ...


class Sound(Protocol):
    """Something that can be turned into samples, and be sent to another process to be turned into samples there."""

    def identity(self) -> str:
        """Text that changes whenever the samples might; cheap. Raises OSError for a file that is gone."""
        ...

    def content(self) -> str:
        """Hex digest of what the sound is made of; may read a whole file. Raises OSError."""
        ...

    def samples(self, sample_rate: int) -> Decoded:
        """Mono samples in blocks. Raises DecodeError, OSError."""
        ...


@dataclass(frozen=True)
class AudioFile:
    """Sound of a file on disk."""

    path: Path

    def identity(self) -> str:
        """Path, size, time of the last change and inode, divided by NUL characters after the word `file`."""
        seen = self.path.stat()
        return f"file\0{self.path.absolute()}\0{seen.st_size}\0{seen.st_mtime_ns}\0{seen.st_ino}"

    def content(self) -> str:
        """SHA-256 of the file's bytes."""
        # Without O_NONBLOCK a pipe that has taken the file's place would be waited for.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{plain(str(self.path))}: is not a regular file")
            return hashlib.file_digest(file, "sha256").hexdigest()

    def samples(self, sample_rate: int) -> Decoded:
        """Mono samples in blocks; see `decode`."""
        # The decoders are not loaded where everything comes from the cache.
        from harmonic_core.audio.decode import decode

        return decode(self.path, sample_rate)


@dataclass(frozen=True)
class Track:
    """One piece of music.

    Attributes
    ----------
    title
        Name that is unique in the whole collection: a path below the folder, or a name. May hold any character.
    sound
        How to hear it.
    keys
        What it must not be divided from: tracks that share a key, `artist:monk`, are never on two sides of a split.
        Without a key a track stands for itself.
    metadata
        What is known: `genre`, `artist`, `album`, `title`, `composer`, `year`, `key`, `tempo`, … Any character may be
        in it.
    source
        Kind of data set it comes from.
    side
        Where an official division puts it; None where it is divided by chance.
    fault
        A fault of this track that is known of the data set, in words.
    """

    title: str
    sound: Sound
    keys: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)
    source: Source = "custom"
    side: Side | None = None
    fault: str | None = None

    @property
    def label(self) -> str:
        """The title, safe to show."""
        return plain(self.title)


def with_tags(track: Track, facts: SoundFacts) -> Track:
    """The track with what the tags of its file tell: its title, artist, album and genre.

    They go before what the folders tell, unless they are of the kind of `Unknown Artist`. What an artist's folder holds
    together stays together all the same: often only some of an album's files have tags. Tracks of data sets that have
    metadata of their own stay as they are.
    """
    if track.source != "custom":
        return track
    tags = {kind: facts.tags.get(kind, "").strip() for kind in ("title", "artist", "album", "genre")}
    known = {kind: text for kind, text in tags.items() if text and (kind == "title" or is_name(text))}
    if not known:
        return track
    by_artist = any(key.startswith("artist:") for key in track.keys)
    if by_artist and "artist" not in known:
        return replace(track, metadata={**track.metadata, **known})
    people = frozenset(key for key in track.keys if not key.startswith("folder:"))
    keys = people | keys_of(known) or track.keys
    return replace(track, metadata={**track.metadata, **known}, keys=keys)


@dataclass(frozen=True)
class RefusedTrack:
    """A track that is not used, and the reason in words."""

    title: str
    reason: str

    def __str__(self) -> str:
        return f"{plain(self.title)}: {plain(self.reason, 400)}"


@dataclass(frozen=True)
class Music:
    """What lies in the folders of a data set, before anything is decoded.

    Attributes
    ----------
    tracks
        What may be music, in a fixed order.
    refused
        What has the name of audio and cannot be any.
    notes
        What a person should know of the collection, a sentence each, safe to show.
    other
        Files that are no audio, counted by the ending of their names.
    """

    tracks: list[Track]
    refused: list[RefusedTrack] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    other: Mapping[str, int] = field(default_factory=dict)
