"""Dividing tracks between training and validation. Never inside a track, nor between tracks that belong together."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.names import folded
from harmonic_core.data.tracks import Side, Track
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data

FEWEST_GROUPS = 4
"""With fewer artists or albums than these, tracks are divided one by one."""

_SAME_MUSIC = ("clip:", "piece:", "work:")
_HELD_OUT_FIRST: tuple[Side, ...] = ("test", "validation", "train")

Group = list[CachedTrack]


@dataclass(frozen=True)
class Split:
    """Tracks by the side that they are on, each in the order given.

    Attributes
    ----------
    training, validation
        What is trained and what is validated on.
    aside
        Recordings of an official test part, which neither is done with.
    notes
        What a person should know of the division, a sentence each, safe to show.
    """

    training: list[CachedTrack]
    validation: list[CachedTrack]
    aside: list[CachedTrack]
    notes: tuple[str, ...] = ()


def split_tracks(tracks: Sequence[CachedTrack], data: Data, seed: int) -> Split:
    """Divide tracks so that no artist, album, piece or recording is on two sides, and every genre where it can be.

    Tracks that share a key, or whose samples are the same, belong together, and so do those that only a third one ties.
    A group of which an official division holds a track out is held out as a whole; one that it trains on is trained on.
    The others are lined up by data set and genre, and by a hash of the seed and of their names within one. Of each
    genre the first are held out, as many as its share comes to, so that a few files more change the side of few others.
    Where there are fewer than four such groups, artists and albums do not count: each track stands for itself, for
    those of the same piece, and for those of the same samples.

    Parameters
    ----------
    tracks
        All usable tracks.
    data
        `validation_split` is the share of the groups to hold out where no official division decides.
    seed
        Another seed gives another split.

    Returns
    -------
    split
        With a share above 0 and two groups or more to divide, neither training nor validation is empty.

    Raises
    ------
    DataError
        If an official division leaves nothing to train on.
    """
    sides: dict[str, Side] = {}
    free: list[Group] = []
    groups = _tied(tracks, _keys)
    for group in groups:
        official = {each.track.side for each in group}
        side = next((side for side in _HELD_OUT_FIRST if side in official), None)
        if side is None:
            free.append(group)
        sides |= {each.track.title: side or "train" for each in group}
    notes = _ties(tracks, sides)
    if len(free) < FEWEST_GROUPS:
        one_by_one = _tied([each for group in free for each in group], _recording)
        if len(one_by_one) > len(free) and data.validation_split:
            notes += ("fewer than four artists or albums are known, so pieces are divided one by one",)
        free = one_by_one
    for group in _held_out(free, data.validation_split, seed):
        sides |= {each.track.title: "validation" for each in group}

    def on(side: Side) -> list[CachedTrack]:
        return [each for each in tracks if sides[each.track.title] == side]

    if tracks and not on("train"):
        raise DataError(
            f"nothing to train on: the official division holds all {len(tracks)} tracks that are used out; choose more "
            "of the data set (data.official_parts), or divide it anew with `--split random`"
        )
    return Split(on("train"), on("validation"), on("test"), notes)


def _keys(cached: CachedTrack) -> Iterable[str]:
    return (*cached.track.keys, *_content(cached))


def _recording(cached: CachedTrack) -> Iterable[str]:
    """What says that two tracks are the same music, not only by the same people."""
    return (*(key for key in cached.track.keys if key.startswith(_SAME_MUSIC)), *_content(cached))


def _content(cached: CachedTrack) -> Iterable[str]:
    return (f"content:{cached.content}",) if cached.content else ()


def _tied(tracks: Sequence[CachedTrack], keys: Callable[[CachedTrack], Iterable[str]]) -> list[Group]:
    """Connected components: groups of tracks, in the order of their first ones."""
    parents = list(range(len(tracks)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    owners: dict[str, int] = {}
    for index, each in enumerate(tracks):
        for key in keys(each):
            parents[root(index)] = root(owners.setdefault(key, index))
    groups: defaultdict[int, Group] = defaultdict(list)
    for index, each in enumerate(tracks):
        groups[root(index)].append(each)
    return list(groups.values())


def _held_out(groups: Sequence[Group], share: float, seed: int) -> list[Group]:
    if share <= 0 or len(groups) < 2:
        return []
    strata: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for index, group in enumerate(groups):
        strata[_stratum(group)].append((_rank(group, seed), index))
    chosen, before = [], 0
    for _, members in sorted(strata.items()):
        # Rounded along the whole line, so that what small genres lack or have too much evens out.
        first, last = (math.floor(count * share + 0.5) for count in (before, before + len(members)))
        chosen += [index for _, index in sorted(members)[: last - first]]
        before += len(members)
    if not chosen:
        chosen = [min((_rank(group, seed), index) for index, group in enumerate(groups))[1]]
    left = Counter(_stratum(group)[0] for group in groups)
    held_out: list[Group] = []
    for index in chosen[: len(groups) - 1]:
        source, _ = _stratum(groups[index])
        # A data set of which nothing were left would have no part in a mixture, whatever its weight.
        if left[source] > 1:
            left[source] -= 1
            held_out.append(groups[index])
    return held_out or [groups[chosen[0]]]


def _stratum(group: Group) -> tuple[str, str]:
    kinds = Counter((each.track.source, folded(each.track.metadata.get("genre", ""))) for each in group)
    return min(kinds, key=lambda kind: (-kinds[kind], kind))


def _rank(group: Group, seed: int) -> str:
    """A hash that stays the same when the group gets another track of the same artist."""
    names = {name for each in group for name in (each.track.keys or {each.track.title})}
    return min(hashlib.sha256(f"{seed}\0{name}".encode(errors="surrogatepass")).hexdigest() for name in names)


def _ties(tracks: Sequence[CachedTrack], sides: dict[str, Side]) -> tuple[str, ...]:
    moved = [each.track for each in tracks if each.track.side not in {None, sides[each.track.title]}]
    tied = [each.track for each in tracks if each.track.side is None and sides[each.track.title] != "train"]
    reason = "being the same recording, piece or artist as one that it holds out"
    notes = []
    if moved:
        notes.append(f"held out against the official division, {reason} ({len(moved)}): {_shortened(moved)}")
    if tied:
        notes.append(f"held out with an official division, {reason} ({len(tied)}): {_shortened(tied)}")
    return tuple(notes)


def _shortened(tracks: Sequence[Track], most: int = 3) -> str:
    return ", ".join(track.label for track in tracks[:most]) + (", …" if len(tracks) > most else "")
