"""GTZAN: ten genres of a hundred half-minute clips, in any of the layouts in use."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from harmonic_core.data.sources.gtzan_split import CLIPS_OF_A_GENRE, GENRES, official_sides
from harmonic_core.data.sources.walk import Found, audio_below
from harmonic_core.data.tracks import AudioFile, Music, Track
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data
from harmonic_core.run.words import count, files
from harmonic_core.text import plain

_CLIP = re.compile(rf"({'|'.join(GENRES)})\.(\d{{5}})")
_FAULTY = "a repetition, a wrong label or a distortion; the fault-filtered division leaves it out"
_UNDECODABLE = "cannot be decoded in many copies of GTZAN"
_NOT_DECODABLE_CLIP = "jazz.00054"


def find_tracks(folder: Path, data: Data) -> Music:
    """All clips of a copy of GTZAN.

    The genre folders may lie in `folder` itself or below it, as `genres/`, `genres_original/`, `Data/genres_original/`
    or under another name. Where there are several copies below it, the one with most clips is taken.

    Parameters
    ----------
    folder
        Where the copy lies.
    data
        With the split `fault_filtered` every clip has a side, and what has none is left out; else none has one.

    Returns
    -------
    music
        Titles are paths below the folder of genres. Copies of one clip, as WAV and as AU, share a key.

    Raises
    ------
    DataError
        If there are no genre folders with audio in them, or nothing that the division knows.
    """
    found = audio_below(folder)
    root, names, notes = _genres_of(folder, found)
    tracks = [_track(folder / root, name, by_official=data.split == "fault_filtered") for name in names]
    notes += _completeness(tracks)
    if data.split == "fault_filtered":
        left_out = [track for track in tracks if track.side is None]
        tracks = [track for track in tracks if track.side]
        if not tracks:
            raise DataError(
                f"{plain(str(folder))}: none of its {len(left_out)} clips are in the fault-filtered division, which "
                "knows them by their names (`jazz.00012.wav`); take `--split random`"
            )
        sides = Counter(track.side for track in tracks)
        notes.append(
            f"GTZAN, fault-filtered division: {sides['train']} clips to train on, {sides['validation']} to validate "
            f"on, {sides['test']} to test on, which are kept aside"
            + (f"; {len(left_out)} left out: {_first_names(left_out)}" if left_out else "")
        )
    return Music(tracks, found.refused, tuple(notes), found.other)


def _genres_of(folder: Path, found: Found) -> tuple[str, list[str], list[str]]:
    """Path of the folder of genres below `folder`, the audio in it below that path, and notes."""
    by_root: defaultdict[str, list[str]] = defaultdict(list)
    for name in found.audio:
        parts = name.split("/")
        at = next((place for place, part in enumerate(parts[:-1]) if part in GENRES), None)
        if at is not None:
            by_root["/".join(parts[:at])].append("/".join(parts[at:]))
    if not by_root:
        shown = plain(str(folder))
        raise DataError(
            f"{shown}: no genre folders of GTZAN ({', '.join(GENRES[:3])}, …) with WAV or AU files in them; fetch it "
            f"with `harmonic data download gtzan --dataset-dir {shown}`, or train on other audio with `--custom-dir`"
        )
    root = max(sorted(by_root), key=lambda path: len(by_root[path]))
    others = [path or "." for path in sorted(by_root) if path != root]
    notes = [f"GTZAN: the clips in {plain(root or '.')} are used, those in {plain(', '.join(others))} are not"]
    return root, by_root[root], notes if others else []


def _track(root: Path, name: str, by_official: bool) -> Track:
    clip = PurePosixPath(name).stem
    known = _CLIP.fullmatch(clip) is not None and int(clip[-5:]) < CLIPS_OF_A_GENRE
    fault = _UNDECODABLE if clip == _NOT_DECODABLE_CLIP else None
    if known and clip not in official_sides():
        fault = _FAULTY
    return Track(
        name,
        AudioFile(root / name),
        frozenset({f"clip:{clip}"}) if known else frozenset(),
        {"genre": name.split("/", 1)[0]},
        "gtzan",
        official_sides().get(clip) if by_official and known else None,
        fault,
    )


def _completeness(tracks: list[Track]) -> list[str]:
    clips = {f"{genre}.{number:05d}" for genre in GENRES for number in range(CLIPS_OF_A_GENRE)}
    surplus = [track for track in tracks if not track.keys]
    missing = sorted(clips - {PurePosixPath(track.title).stem for track in tracks if track.keys})
    notes = []
    if missing:
        notes.append(f"GTZAN: {count(len(missing))} of its {count(len(clips))} clips not there: {_shortened(missing)}")
    if surplus:
        notes.append(f"GTZAN: {files(len(surplus))} more than its clips: {_first_names(surplus)}")
    return notes


def _first_names(tracks: Iterable[Track]) -> str:
    return _shortened([PurePosixPath(track.title).name for track in tracks])


def _shortened(names: list[str], most: int = 3) -> str:
    return ", ".join(plain(name, 60) for name in names[:most]) + (", …" if len(names) > most else "")
