"""Tracks whose sound is a ramp, so that every sample says where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harmonic_core.audio.decode import DecodeError
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.tracks import Track


@dataclass
class Ramp:
    """Sample i is i + 1; counts how often it is played."""

    name: str
    length: int
    fault: str = ""
    played: list[int] = field(default_factory=list)

    def identity(self) -> str:
        """Name and length."""
        return f"{self.name}-{self.length}"

    def samples(self, sample_rate: int) -> Iterator[NDArray[np.int16]]:
        """The ramp in two blocks, or half of it and then the fault."""
        self.played.append(sample_rate)
        ramp = (np.arange(self.length) + 1).astype(np.int16)
        yield ramp[: self.length // 2]
        if self.fault:
            raise DecodeError(self.fault)
        yield ramp[self.length // 2 :]


def track(name: str, length: int = 1_000, *, fault: str = "", group: str = "", **metadata: str) -> Track:
    """A track of a ramp."""
    return Track(name, Ramp(name, length, fault), group or name, metadata)


def on_disk(
    folder: Path, name: str, length: int, group: str = "", metadata: Mapping[str, str] | None = None
) -> CachedTrack:
    """A ramp that is decoded already."""
    path = folder / f"{name}.s16"
    path.write_bytes((np.arange(length) + 1).astype(np.int16).tobytes())
    return CachedTrack(Track(name, Ramp(name, length), group or name, metadata or {}), path, length)
