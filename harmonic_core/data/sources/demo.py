"""The embedded data set: music that the program makes itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.demo.tracks import DemoTrack, plan, render
from harmonic_core.data.tracks import Music, Track

if TYPE_CHECKING:
    from harmonic_core.audio.decode import Pcm

_VERSION = 1
"""Part of what a sound is known by; to be raised when the same plan sounds different."""


@dataclass(frozen=True)
class DemoSound:
    """Sound of one made-up track."""

    track: DemoTrack

    def identity(self) -> str:
        """The whole plan of the track."""
        return f"demo-{_VERSION}\0{astuple(self.track)!r}"

    def content(self) -> str:
        """SHA-256 of the plan."""
        return hashlib.sha256(self.identity().encode()).hexdigest()

    def samples(self, sample_rate: int) -> Rendering:
        """Play the track, in one block."""
        return Rendering(self.track, sample_rate)


class Rendering:
    """A track being played. It sounds once, however often it is asked."""

    def __init__(self, track: DemoTrack, sample_rate: int) -> None:
        self._track, self._sample_rate = track, sample_rate

    def __iter__(self) -> Iterator[Pcm]:
        yield self._pcm

    @cached_property
    def _pcm(self) -> Pcm:
        import numpy as np

        pcm: Pcm = np.rint(np.clip(render(self._track, self._sample_rate), -1.0, 1.0) * 32767.0).astype(np.int16)
        return pcm

    @property
    def facts(self) -> SoundFacts:
        """Of samples that were never in a file."""
        import numpy as np

        samples = self._pcm / np.float32(32767.0)
        peak = float(np.abs(samples).max(initial=0.0))
        return SoundFacts(
            container="none",
            codec="rendered",
            decoder="none",
            sample_rate=self._sample_rate,
            channels=1,
            seconds=samples.size / self._sample_rate,
            peak=peak,
            mono_peak=peak,
            rms=float(np.sqrt(np.mean(samples**2, dtype=np.float64))),
            dc_offset=float(np.mean(samples, dtype=np.float64)),
            tags={},
        )


def find_tracks(minutes: float, seed: int) -> Music:
    """Plan about `minutes` of music; the same seed gives the same music."""
    return Music(
        [
            Track(
                title=track.name,
                sound=DemoSound(track),
                metadata={
                    "genre": track.style,
                    "key": track.key,
                    "tempo": f"{track.tempo_bpm:g}",
                    "chords": " ".join(track.chords),
                },
                source="demo",
            )
            for track in plan(minutes, seed)
        ]
    )
