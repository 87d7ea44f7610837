"""Dividing tracks between training and validation. Never inside a track, nor inside a group of tracks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from harmonic_core.data.cache import CachedTrack

T = TypeVar("T")

_FEWEST_GROUPS = 4


def split_tracks(
    tracks: Sequence[CachedTrack], validation_split: float, seed: int
) -> tuple[list[CachedTrack], list[CachedTrack]]:
    """Divide tracks so that no group (artist, album, piece) is on both sides, and every genre is where it can be.

    Groups are lined up by genre, and by a hash of the seed and the group's name within one; every so many-th is held
    out. Where fewer than four groups are known, every track counts as its own.

    Parameters
    ----------
    tracks
        All usable tracks.
    validation_split
        Share of the groups to hold out, 0 to 0.9.
    seed
        Another seed gives another split.

    Returns
    -------
    training, validation
        In the order given. With a split above 0 and two tracks or more, neither is empty.
    """
    by_group = len({cached.track.group for cached in tracks}) >= _FEWEST_GROUPS

    def group_of(cached: CachedTrack) -> str:
        return cached.track.group if by_group else cached.track.title

    def rank(cached: CachedTrack) -> tuple[str, str]:
        digest = hashlib.sha256(f"{seed}\0{group_of(cached)}".encode(errors="surrogateescape")).hexdigest()
        return cached.track.metadata.get("genre", ""), digest

    line = list(dict.fromkeys(group_of(cached) for cached in sorted(tracks, key=rank)))
    held_out = set(_every_so_many(line, validation_split))
    training = [cached for cached in tracks if group_of(cached) not in held_out]
    validation = [cached for cached in tracks if group_of(cached) in held_out]
    return training, validation


def _every_so_many(line: Sequence[T], share: float) -> list[T]:
    if share <= 0 or len(line) < 2:
        return []
    # Starting in the middle of the first interval, so that neither end of the line is preferred.
    marks = [math.floor(i * share + 0.5) for i in range(len(line) + 1)]
    chosen = [item for item, (before, after) in zip(line, pairwise(marks), strict=True) if after > before]
    return chosen[: len(line) - 1] or [line[len(line) // 2]]
