"""Choosing among MAESTRO's recordings: by part, year, composer, and so many hours of what is left."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harmonic_core.data.names import plain_letters
from harmonic_core.data.sources.maestro_metadata import Recording
from harmonic_core.data.tracks import Side
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data
from harmonic_core.text import plain

_ORDER: tuple[Side, ...] = ("train", "validation", "test")


def wanted(recordings: Sequence[Recording], data: Data) -> list[Recording]:
    """Those of the parts, years and composers asked for, in the order given.

    Raises
    ------
    DataError
        If there are none, naming what there is.
    """
    left = [each for each in recordings if data.official_parts is None or each.side in data.official_parts]
    if not left:
        asked = ", ".join(data.official_parts or ())
        raise DataError(f"MAESTRO: data.official_parts: the list has no recordings of {asked}; leave it out for all")
    by_year = [each for each in left if data.years is None or each.year in data.years]
    if not by_year:
        there = ", ".join(str(year) for year in sorted({each.year for each in left}))
        asked = ", ".join(str(year) for year in data.years or ())
        raise DataError(f"MAESTRO: data.years: no recordings of {asked}; it has {there}")
    asked_for = [plain_letters(name) for name in data.composers or ()]
    by_composer = [
        each for each in by_year if not asked_for or any(name in plain_letters(each.composer) for name in asked_for)
    ]
    if not by_composer:
        there = plain("; ".join(sorted({each.composer for each in by_year})), 300)
        asked = plain(", ".join(data.composers or ()))
        raise DataError(f"MAESTRO: data.composers: no recordings of {asked}; there are {there}")
    return by_composer


def some_hours(recordings: Sequence[Recording], hours: float) -> list[Recording]:
    """About so many hours of the recordings, in the order given.

    Every part has its recordings lined up by a hash of their names. The parts are then merged so that, wherever one
    stops, each has given the same share of its hours, and first of all one recording each. The choice is the beginning
    of that line, so a smaller one lies within a larger one.

    Parameters
    ----------
    recordings
        What there is.
    hours
        Reached to within half a recording, unless there is less. One recording is chosen at least.
    """
    parts = defaultdict(list)
    for each in recordings:
        parts[each.side].append(each)
    line = sorted(
        (place for part in parts.values() for place in _placed(part)),
        key=lambda place: (place.share_before, _ORDER.index(place.recording.side)),
    )
    chosen: set[str] = set()
    seconds = 0.0
    for place in line:
        if chosen and seconds + place.recording.seconds / 2 > hours * 3600:
            break
        chosen.add(place.recording.audio)
        seconds += place.recording.seconds
    return [each for each in recordings if each.audio in chosen]


@dataclass(frozen=True)
class _Place:
    recording: Recording
    share_before: float
    """Share of the part's seconds that comes before it in the part's own line."""


def _placed(part: list[Recording]) -> list[_Place]:
    total = sum(each.seconds for each in part) or 1.0
    before, places = 0.0, []
    for each in sorted(part, key=lambda each: hashlib.sha256(each.audio.encode(errors="surrogatepass")).digest()):
        places.append(_Place(each, before / total))
        before += each.seconds
    return places
