"""Cutting tracks into segments: which sample of which track, as a pure function of seed, epoch and index."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.mixture import Mixture, epoch_random
from harmonic_core.data.tracks import Source

_ORDER, _CROP, _CHANCE = 0, 1, 2


class TrainingSegments:
    """Random crops: every epoch sees every track in proportion to its length, never twice in the same cut.

    A track of k whole segments is cropped k times an epoch, once in each k-th of its length, at a random place.

    With weights an epoch is as long, but divided over the sources: each gets its share of the weights, rounded to whole
    segments by the largest remainder, and one at least where that is possible. A source of n segments plays an endless
    stream of permutations of them, a new one for every pass, and an epoch takes up the stream where the one before
    stopped: q segments an epoch are the places q·epoch to q·(epoch + 1) − 1. So before any segment of a source comes
    for the (p + 1)-th time, all of it have come p times, however small its share is; and a small source with a large
    share comes several times in one epoch, each time in another cut.

    Parameters
    ----------
    tracks
        Decoded tracks; shorter than a segment ones are padded with silence.
    segment_samples
        Length of a crop.
    seed
        Decides order and places.
    stretch
        How many times longer than a segment a crop is, for those who will play it faster; at least 1.
    weights
        Weight of each source of tracks, 1 where it has none. None: length alone decides.
    """

    def __init__(
        self,
        tracks: Sequence[CachedTrack],
        segment_samples: int,
        seed: int,
        stretch: float = 1.0,
        weights: Mapping[Source, float] | None = None,
    ) -> None:
        self.tracks = tracks
        self.seed = seed
        self.segment_samples = segment_samples
        self.crop_samples = math.ceil(segment_samples * stretch)
        slots = [max(1, cached.samples // segment_samples) for cached in tracks]
        self._track = np.repeat(np.arange(len(tracks)), slots)
        self._slot = np.concatenate([np.arange(count) for count in slots])
        self._slots = np.repeat(slots, slots)
        self._length = len(self._track)
        self._mixture = None
        if weights is not None:
            self._mixture = Mixture([self.source_of(index) for index in range(self._length)], weights, seed)
            # An index says also the how many-th time in an epoch it is, so that each time has a cut of its own.
            times = self._mixture.segments
            self._track, self._slot, self._slots = self._track[times], self._slot[times], self._slots[times]
        self._play = self._room_for_crops()

    def stretched(self, stretch: float) -> TrainingSegments:
        """The same segments in the same order, their crops so many times longer than a segment."""
        other = copy.copy(self)
        other.crop_samples = math.ceil(self.segment_samples * stretch)
        other._play = other._room_for_crops()
        return other

    def _room_for_crops(self) -> NDArray[np.int64]:
        room = np.array([max(0, cached.samples - self.crop_samples) for cached in self.tracks])
        return room[self._track]

    def __len__(self) -> int:
        return self._length

    def source_of(self, index: int) -> Source:
        """Kind of data set that the segment of this index comes from."""
        return self.track_of(index).track.source

    def track_of(self, index: int) -> CachedTrack:
        """Track that the segment of this index is cut from."""
        track: CachedTrack = self.tracks[self._track[index]]
        return track

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in an epoch, at least one. What is left over changes from epoch to epoch."""
        return max(1, len(self) // batch_size)

    def epoch_order(self, epoch: int) -> NDArray[np.int64]:
        """Order in which the segments come in `epoch`: (segments,) indices."""
        order = epoch_random(self.seed, epoch, _ORDER).permutation(len(self))
        return order if self._mixture is None else self._mixture.indices(epoch)[order]

    def spread(self, most: int) -> NDArray[np.int64]:
        """Up to `most` indices spread evenly over what an epoch consists of: (count,), each at most once."""
        chosen = np.linspace(0, len(self), min(len(self), most), endpoint=False).astype(np.int64)
        return chosen if self._mixture is None else np.sort(self._mixture.indices(0))[chosen]

    def epoch_starts(self, epoch: int) -> NDArray[np.int64]:
        """First sample of every segment's crop in `epoch`, by segment index."""
        jitter = epoch_random(self.seed, epoch, _CROP).random(len(self._track))
        places = ((self._slot + jitter) / self._slots * (self._play + 1)).astype(np.int64)
        starts: NDArray[np.int64] = np.minimum(places, self._play)
        return starts

    def epoch_chance(self, epoch: int, count: int) -> NDArray[np.float32]:
        """Draw `count` numbers in [0, 1) for every segment of `epoch`, for its augmentation: (indices, count)."""
        return epoch_random(self.seed, epoch, _CHANCE).random((len(self._track), count), dtype=np.float32)

    def batch(self, indices: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int16]:
        """Samples of the segments `indices` of an epoch with these `starts`: (batch, crop_samples) int16."""
        return np.stack(
            [self.tracks[self._track[index]].read(int(starts[index]), self.crop_samples) for index in indices]
        )


class ValidationSegments:
    """Fixed cuts, one after another, spread evenly over the tracks where there would be more than `most`.

    Parameters
    ----------
    tracks
        Held-out tracks.
    segment_samples
        Length of a cut.
    most
        Most segments to use.
    """

    def __init__(self, tracks: Sequence[CachedTrack], segment_samples: int, most: int) -> None:
        self.segment_samples = segment_samples
        places = [
            (cached, slot * segment_samples)
            for cached in tracks
            for slot in range(max(1, cached.samples // segment_samples))
        ]
        chosen = np.linspace(0, len(places), min(most, len(places)), endpoint=False).astype(int)
        self.places: list[tuple[CachedTrack, int]] = [places[index] for index in chosen]

    def __len__(self) -> int:
        return len(self.places)

    def source_of(self, index: int) -> Source:
        """Kind of data set that the segment of this index comes from."""
        return self.places[index][0].track.source

    def batch(self, first: int, count: int) -> NDArray[np.int16]:
        """Up to `count` segments from the `first`-th: (batch, segment_samples) int16."""
        return np.stack(
            [cached.read(start, self.segment_samples) for cached, start in self.places[first : first + count]]
        )


def spread_evenly(count: int) -> NDArray[np.int64]:
    """Numbers from 0 to `count` − 1 in an order of which every beginning lies evenly spread over them.

    By the fractions of the golden ratio's multiples: those below any bound leave gaps of at most three sizes.
    """
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    return np.argsort(np.arange(count) * golden % 1.0, kind="stable")
