"""Tracks whose sound is a ramp, so that every sample says where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.tracks import Decoded, Side, Source, Track


@dataclass(frozen=True)
class Ramp:
    """A sound that is only ever read from the disk."""

    name: str

    def identity(self) -> str:
        """Its name."""
        return self.name

    def content(self) -> str:
        """Its name."""
        return self.name

    def samples(self, sample_rate: int) -> Decoded:
        """Nothing to decode."""
        raise AssertionError("is decoded already")


def cached(
    title: str,
    samples: int = 1,
    keys: Iterable[str] = (),
    *,
    content: str = "",
    genre: str = "",
    source: Source = "custom",
    side: Side | None = None,
    path: Path = Path("nowhere"),
) -> CachedTrack:
    """A track that is decoded already, with samples that lie at `path`."""
    metadata: Mapping[str, str] = {"genre": genre} if genre else {}
    track = Track(title, Ramp(title), frozenset(keys), metadata, source, side)
    return CachedTrack(track, path, samples, None, content or title)


def on_disk(folder: Path, name: str, length: int, source: Source = "custom") -> CachedTrack:
    """A track that is decoded already: sample i is i + 1."""
    path = folder / f"{name}.s16"
    path.write_bytes((np.arange(length) + 1).astype(np.int16).tobytes())
    return cached(name, length, source=source, path=path)
