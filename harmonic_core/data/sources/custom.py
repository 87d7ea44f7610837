"""Any folder of audio, nested as its owner likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from harmonic_core.data.names import is_shelf, keys_of
from harmonic_core.data.sources.walk import audio_below
from harmonic_core.data.tracks import AudioFile, Music, RefusedTrack, Track
from harmonic_core.errors import DataError
from harmonic_core.text import plain

_LEVELS = ("genre", "artist", "album")


def find_tracks(folder: Path) -> Music:
    """All audio files below `folder`, in the order of their names.

    The folders on the way become metadata, `genre/artist/album`. Tracks of one artist, or of one album where the artist
    is not known, share a key; where a folder tells neither (`band/live`, `band/CD 1`), the tracks in it do. Tags may
    tell better: see `with_tags`.

    Returns
    -------
    music
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
    found = audio_below(folder)
    if not found.audio:
        raise DataError(no_valid_audio(folder, found.refused, found.other))
    tracks = [_track(folder, name) for name in found.audio]
    return Music(tracks, found.refused, other=found.other)


def no_valid_audio(folder: Path | str, refused: Sequence[RefusedTrack], other: Mapping[str, int] | None = None) -> str:
    """Message for a data set of which nothing can be used: what was found, and the way out."""
    found = [f"{count} × {plain(suffix, 20)}" for suffix, count in Counter(other or {}).most_common(5)]
    if refused:
        # Files are decoded in parallel; the message must not depend on which was done first.
        shown = "; ".join(str(track) for track in sorted(refused, key=lambda each: each.title)[:3])
        more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
        found.insert(0, f"{len(refused)} refused ({shown}{more})")
    return (
        f"No valid audio files in {plain(str(folder))}: found {', '.join(found) or 'nothing'}. "
        "It takes WAV, MP3, FLAC, OGG, Opus, M4A, AU or AIFF files of at least `data.min_clip_length` seconds, in "
        "sub-folders or not"
    )


def _track(folder: Path, name: str) -> Track:
    *folders, _ = name.split("/")
    metadata = dict(zip(_LEVELS, folders, strict=False))
    keys = keys_of(metadata)
    if len(folders) > 1 and (not keys or is_shelf(folders[1])):
        keys = frozenset({f"folder:{'/'.join(folders)}"})
    return Track(name, AudioFile(folder / name), keys, metadata)
