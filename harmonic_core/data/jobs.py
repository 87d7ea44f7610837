"""What a preparation and its worker processes say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from harmonic_core.data.cache import Entry
from harmonic_core.data.tracks import Sound
from harmonic_core.errors import DiskError


@dataclass(frozen=True)
class Job:
    """Decode this.

    Attributes
    ----------
    sound
        What to decode.
    sample_rate
        In Hz.
    cache
        Folder of the cache.
    write
        Keep the samples there; else they are thrown away.
    wait
        Wait for another process that decodes the same; else answer `Busy`.
    """

    sound: Sound
    sample_rate: int
    cache: Path
    write: bool
    wait: bool = False


@dataclass(frozen=True)
class Alive:
    """Still at it: a block was read, or it waits for another process."""


@dataclass(frozen=True)
class Busy:
    """Another process decodes the same sound."""


@dataclass(frozen=True)
class Done:
    """The sound is decoded, or cannot be."""

    entry: Entry
    from_cache: bool


Message: TypeAlias = Alive | Busy | Done | DiskError
"""What a worker says; `DiskError` if the cache cannot be written."""
