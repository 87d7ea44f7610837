"""What the music of a run adds up to: by side, genre, data set and length."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.names import folded
from harmonic_core.data.split import Split
from harmonic_core.data.survey import DURATION_EDGES_S
from harmonic_core.profile.sections import Profile
from harmonic_core.run.music import Amount, Bin, Division, Group, Music
from harmonic_core.text import plain

_LONGEST_NAME = 80
_LONGEST_NOTE = 400

Kind = Literal["genre", "source"]


def take_stock(split: Split, profile: Profile, *, epoch: int, validated: int) -> Music:
    """Add up divided music.

    Parameters
    ----------
    split
        Tracks by the side that they are on.
    profile
        Says how long a segment is.
    epoch, validated
        Segments in an epoch, and segments that a validation looks at.
    """
    sides = _sides(split)
    segment, rate = profile.segment_samples, profile.audio.sample_rate
    everything = [track for tracks in sides.values() for track in tracks]
    return Music(
        written_at=time.time(),
        sample_rate=rate,
        segment_s=segment / rate,
        division=Division(**{side: _amount(tracks, segment, rate) for side, tracks in sides.items()}),
        validated=validated,
        epoch=epoch,
        genres=_groups("genre", sides, segment, rate),
        sources=_groups("source", sides, segment, rate),
        durations=_durations(everything, rate),
        notes=tuple(plain(note, _LONGEST_NOTE) for note in split.notes),
    )


def _sides(split: Split) -> dict[str, list[CachedTrack]]:
    return {"training": split.training, "validation": split.validation, "aside": split.aside}


def _amount(tracks: Sequence[CachedTrack], segment: int, rate: int) -> Amount:
    return Amount(
        tracks=len(tracks),
        seconds=sum(track.samples for track in tracks) / rate,
        segments=sum(max(1, track.samples // segment) for track in tracks),
    )


def _groups(kind: Kind, sides: Mapping[str, Sequence[CachedTrack]], segment: int, rate: int) -> tuple[Group, ...]:
    """Music by what its tracks have in common. Spellings of one genre count together under the first."""
    spelled: dict[str, str] = {}
    found: defaultdict[str, dict[str, list[CachedTrack]]] = defaultdict(lambda: {side: [] for side in sides})
    for side, tracks in sides.items():
        for track in tracks:
            name = _named(track, kind)
            found[spelled.setdefault(folded(name), name)][side].append(track)
    groups = [
        Group(name=name, **{side: _amount(tracks, segment, rate) for side, tracks in divided.items()})
        for name, divided in found.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.whole.seconds, group.name)))


def _named(track: CachedTrack, kind: Kind) -> str:
    name = track.track.source if kind == "source" else track.track.metadata.get("genre", "")
    return plain(name, _LONGEST_NAME)


def _durations(tracks: Iterable[CachedTrack], rate: int) -> tuple[Bin, ...]:
    bins = Counter(bisect_right(DURATION_EDGES_S, track.samples / rate) - 1 for track in tracks)
    return tuple(Bin(from_s=edge, tracks=bins[index]) for index, edge in enumerate(DURATION_EDGES_S))
