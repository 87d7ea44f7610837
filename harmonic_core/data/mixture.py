"""Several sources in one epoch, each with its share: which segments of each come, as a function of seed and epoch."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonic_core.data.tracks import Source

_PASS = 3


def epoch_random(seed: int, epoch: int, *stream: int) -> np.random.Generator:
    """Random numbers that depend on nothing but these."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch, *stream])))


@dataclass(frozen=True)
class _Part:
    """One source: its segments, how many of them come in an epoch, and where its indices begin."""

    segments: NDArray[np.int64]
    quota: int
    first_index: int
    stream: int

    @property
    def most_passes(self) -> int:
        """Most permutations of which an epoch can see something: the last of one, whole ones, the first of another."""
        return (self.quota + len(self.segments) - 2) // len(self.segments) + 1


class Mixture:
    """Endless streams of permutations, one for each source, of which every epoch takes as many as its share.

    Parameters
    ----------
    sources
        Source of every segment.
    weights
        Share of each source, relative to the others; 1 where there is none.
    seed
        Decides the permutations.

    Attributes
    ----------
    segments : (indices,)
        Segment of every index. There are as many indices for a segment as it can come in one epoch.
    """

    def __init__(self, sources: Sequence[Source], weights: Mapping[Source, float], seed: int) -> None:
        self._seed = seed
        members: dict[Source, list[int]] = {}
        for segment, source in enumerate(sources):
            members.setdefault(source, []).append(segment)
        shares = quotas(len(sources), [weights.get(source, 1.0) for source in members])
        self._parts: list[_Part] = []
        first_index = 0
        for (source, segments), quota in zip(members.items(), shares, strict=True):
            part = _Part(np.array(segments), quota, first_index, zlib.crc32(source.encode()))
            self._parts.append(part)
            first_index += len(segments) * part.most_passes
        self.segments: NDArray[np.int64] = np.concatenate(
            [np.tile(part.segments, part.most_passes) for part in self._parts]
        )

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """Indices that come in `epoch`, source by source: (segments,)."""
        return np.concatenate([self._indices(part, epoch) for part in self._parts])

    def _indices(self, part: _Part, epoch: int) -> NDArray[np.int64]:
        size, first, last = len(part.segments), part.quota * epoch, part.quota * (epoch + 1)
        passes = range(first // size, -(-last // size))
        stream = [
            part.first_index
            + size * time
            + epoch_random(self._seed, number, _PASS, part.stream).permutation(size).astype(np.int64)
            for time, number in enumerate(passes)
        ]
        skipped = first - size * passes.start
        return np.concatenate([*stream, np.zeros(0, np.int64)])[skipped : skipped + part.quota]


def quotas(total: int, weights: Sequence[float]) -> list[int]:
    """Divide `total` in proportion to weights, by the largest remainder; none gets 0 where there is one for each."""
    ideal = [total * weight / sum(weights) for weight in weights]
    shares = [int(share) for share in ideal]
    by_remainder = sorted(range(len(ideal)), key=lambda place: shares[place] - ideal[place])
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    for place, share in enumerate(shares):
        if share == 0 and max(shares) > 1:
            shares[place] = 1
            shares[shares.index(max(shares))] -= 1
    return shares
