"""Any folder of audio, nested as its owner likes."""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path

from harmonic_core.audio.decode import AUDIO_SUFFIXES
from harmonic_core.data.tracks import AudioFile, RefusedTrack, Track
from harmonic_core.errors import DataError
from harmonic_core.text import plain

_LEVELS = ("genre", "artist", "album")


def find_tracks(folder: Path) -> tuple[list[Track], list[RefusedTrack]]:
    """All audio files below `folder`, in the order of their names.

    The folders on the way become metadata, `genre/artist/album`; files of one artist are never divided between
    training and validation.

    Returns
    -------
    tracks, refused
        `refused` are things with an audio file's name that are no files, and folders that cannot be read.

    Raises
    ------
    DataError
        If the folder is missing or holds no audio file.
    """
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "no such folder"
        raise DataError(
            f"{plain(str(folder))}: {reason}; name the folder of your audio with `--custom-dir path/to/audio`"
        )
    tracks: list[Track] = []
    refused: list[RefusedTrack] = []
    other: Counter[str] = Counter()
    for path in _walk(folder, refused):
        relative = path.relative_to(folder)
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            other[path.suffix.lower() or "no ending"] += 1
        elif fault := _unusable(path):
            refused.append(RefusedTrack(str(relative), fault))
        else:
            tracks.append(_track(path, relative))
    if not tracks:
        raise DataError(no_valid_audio(folder, refused, other))
    return tracks, refused


def no_valid_audio(folder: Path, refused: list[RefusedTrack], other: Counter[str] | None = None) -> str:
    """Message for a data set of which nothing can be used: what was found, and the way out."""
    found = [f"{count} × {plain(suffix, 20)}" for suffix, count in (other or Counter()).most_common(5)]
    if refused:
        shown = "; ".join(str(track) for track in refused[:3])
        more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
        found.insert(0, f"{len(refused)} refused ({shown}{more})")
    return (
        f"No valid audio files in {plain(str(folder))}: found {', '.join(found) or 'nothing'}. "
        "It takes WAV, MP3, FLAC, OGG or M4A files of at least `data.min_clip_length` seconds, in sub-folders or not"
    )


def _walk(folder: Path, refused: list[RefusedTrack]) -> list[Path]:
    def unreadable(error: OSError) -> None:
        refused.append(RefusedTrack(str(Path(error.filename).relative_to(folder)), error.strerror or str(error)))

    paths: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = [name for name in names if not name.startswith(".")]
        audio_folders = [name for name in folders if Path(name).suffix.lower() in AUDIO_SUFFIXES]
        paths += [Path(parent) / name for name in (*files, *audio_folders)]
    return sorted(paths)


def _unusable(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISREG(mode):
        return "is a folder" if stat.S_ISDIR(mode) else "is not a regular file"
    return None if os.access(path, os.R_OK) else "may not be read (permission denied)"


def _track(path: Path, relative: Path) -> Track:
    metadata = dict(zip(_LEVELS, relative.parts[:-1], strict=False))
    group = f"{metadata['genre']}/{metadata['artist']}" if "artist" in metadata else str(relative)
    return Track(title=str(relative), sound=AudioFile(path), group=group, metadata=metadata)
