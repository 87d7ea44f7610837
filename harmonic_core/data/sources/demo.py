"""The embedded data set: music that the program makes itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np

from harmonic_core.audio.decode import Pcm
from harmonic_core.data.demo import DemoTrack, plan, render
from harmonic_core.data.tracks import Track

_VERSION = 1
"""Part of the cache's key; to be raised when the same plan sounds different."""


@dataclass(frozen=True)
class DemoSound:
    """Sound of one made-up track."""

    track: DemoTrack

    def identity(self) -> str:
        """The whole plan of the track."""
        return f"demo-{_VERSION}\0{astuple(self.track)!r}"

    def samples(self, sample_rate: int) -> Iterator[Pcm]:
        """Play the track, in one block."""
        yield np.rint(np.clip(render(self.track, sample_rate), -1.0, 1.0) * 32767.0).astype(np.int16)


def find_tracks(minutes: float, seed: int) -> list[Track]:
    """Plan about `minutes` of music; the same seed gives the same music."""
    return [
        Track(
            title=track.name,
            sound=DemoSound(track),
            group=track.name,
            metadata={
                "genre": track.style,
                "key": track.key,
                "tempo": f"{track.tempo_bpm:g}",
                "chords": " ".join(track.chords),
            },
        )
        for track in plan(minutes, seed)
    ]
