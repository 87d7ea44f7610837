"""MAESTRO: piano competitions, with composer, title, year and an official division."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from harmonic_core.data.names import folded
from harmonic_core.data.sources.maestro_choice import some_hours, wanted
from harmonic_core.data.sources.maestro_metadata import Recording, find_metadata, read_metadata
from harmonic_core.data.sources.walk import audio_below
from harmonic_core.data.tracks import AudioFile, Music, RefusedTrack, Side, Track
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data
from harmonic_core.run.words import count, files
from harmonic_core.text import plain

_CATALOGUE = re.compile(r"\b(op|bwv|woo|hob xvi|kv?|[dlmshr])\W{0,2}(\d+)")


def find_tracks(folder: Path, data: Data) -> Music:
    """The recordings of a whole or a partial copy of MAESTRO.

    Parameters
    ----------
    folder
        Holds the list (`maestro-v3.0.0.csv`, `.json`, or those of earlier versions), or a folder that does.
    data
        `split`, `official_parts`, `hours`, `years` and `composers` say what is chosen and how it is divided.

    Returns
    -------
    music
        Titles are paths below the list's folder. Recordings of one composition share a key. Only files that were seen
        below the list's folder are taken, whatever paths it names.

    Raises
    ------
    DataError
        If there is no list or it is malformed, or nothing of what is chosen is there.
    """
    shown = plain(str(folder))
    metadata = find_metadata(folder)
    if metadata is None:
        raise DataError(
            f"{shown}: no list of MAESTRO's recordings (maestro-v3.0.0.csv or .json); fetch it with `harmonic data "
            f"download maestro --hours 10 --dataset-dir {shown}`, or train on other audio with `--custom-dir`"
        )
    root = metadata.parent
    found = audio_below(root, leave=False)
    listed, refused, notes = _without_doubles(read_metadata(metadata))
    asked = wanted(listed, data)
    file_of = _files_by_listed_name(listed, found.audio)
    there = [each for each in asked if each.audio in file_of]
    if not there:
        raise DataError(
            f"{shown}: none of the {len(asked)} recordings asked for are there; fetch some with `harmonic data "
            f"download maestro --hours 10 --dataset-dir {shown}`"
        )
    notes += _completeness(asked, there, sorted(set(found.audio) - set(file_of.values())), data.hours)
    chosen = there if data.hours is None else some_hours(there, data.hours)
    sides, division = _sides(chosen, data)
    tracks = [_track(root, file_of[each.audio], each, side) for each, side in zip(chosen, sides, strict=True)]
    return Music(tracks, [*found.refused, *refused], (*notes, division), found.other)


def _without_doubles(recordings: Sequence[Recording]) -> tuple[list[Recording], list[RefusedTrack], list[str]]:
    refused = [
        RefusedTrack(each.audio, "the list names a path outside of its folder")
        for each in recordings
        if PurePosixPath(each.audio).is_absolute() or ".." in PurePosixPath(each.audio).parts
    ]
    outside = {track.title for track in refused}
    # Of a recording that is listed twice the place that holds it out counts, so that it is not trained on.
    by_name = {each.audio: each for each in sorted(recordings, key=lambda each: each.side != "train")}
    doubles = len(recordings) - len(by_name)
    notes = [f"MAESTRO: recordings listed more than once: {doubles}"] if doubles else []
    return (
        [by_name[name] for name in dict.fromkeys(each.audio for each in recordings) if name not in outside],
        refused,
        notes,
    )


def _files_by_listed_name(listed: Sequence[Recording], audio: Sequence[str]) -> dict[str, str]:
    """The file of every listed recording that is there, be it in another format than the list says."""
    exact = set(audio)
    by_stem = {str(PurePosixPath(name).with_suffix("")): name for name in reversed(audio)}
    file_of = {}
    for each in listed:
        name = each.audio if each.audio in exact else by_stem.get(str(PurePosixPath(each.audio or "_").with_suffix("")))
        if name is not None:
            file_of[each.audio] = name
    return file_of


def _completeness(
    asked: Sequence[Recording], there: Sequence[Recording], surplus: Sequence[str], hours: float | None
) -> list[str]:
    notes = []
    names_there = {each.audio for each in there}
    missing = [each.audio for each in asked if each.audio not in names_there]
    if missing:
        notes.append(
            f"MAESTRO: {count(len(missing))} of {count(len(asked))} recordings not there: {_shortened(missing)}"
        )
    if surplus:
        notes.append(f"MAESTRO: {files(len(surplus))} not in its list, and not used: {_shortened(surplus)}")
    hours_there = sum(each.seconds for each in there) / 3600
    if hours is not None and hours_there < 0.95 * hours:
        notes.append(f"MAESTRO: {hours_there:.1f} of the {hours:g} hours asked for are there; all of them are used")
    return notes


def _sides(chosen: Sequence[Recording], data: Data) -> tuple[list[Side | None], str]:
    number = Counter(each.side for each in chosen)
    if data.split == "random":
        return [None] * len(chosen), f"MAESTRO: {len(chosen)} recordings, divided at random by composition"
    aside = f"{number['test']} to test on, which are kept aside" if number["test"] else "none to test on"
    if bool(number["train"]) == bool(number["validation"]):
        return [each.side for each in chosen], (
            f"MAESTRO, official division: {number['train']} recordings to train on, {number['validation']} to validate "
            f"on, {aside}"
        )
    lacking = "validate on" if number["train"] else "train on"
    return [each.side if each.side == "test" else None for each in chosen], (
        f"MAESTRO: no recordings to {lacking} are among those of the official division that are used, so the "
        f"{number['train'] + number['validation']} others are divided at random by composition; {aside}"
    )


def _track(root: Path, file: str, recording: Recording, side: Side | None) -> Track:
    composer, title = folded(recording.composer), folded(recording.title)
    keys = {f"piece:{composer}/{title}"} if title else set()
    if side is None:
        # The same piece has many spellings (`Fantasy Op. 28 in B Minor`, `Fantasy, Op. 28`), and one catalogue number.
        # The official division was made by the title, and divides `Op. 8`.
        keys |= {f"work:{composer}/{kind} {number}" for kind, number in _CATALOGUE.findall(title)}
    metadata = {
        "composer": recording.composer,
        "title": recording.title,
        "year": str(recording.year),
        "split": recording.side,
    }
    return Track(file, AudioFile(root / file), frozenset(keys), metadata, "maestro", side)


def _shortened(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(plain(name, 100) for name in names[:most]) + (", …" if len(names) > most else "")
