"""Decoded audio, kept between runs: 16-bit mono samples in one file a track, read through memory maps."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from harmonic_core.audio.decode import DecodeError
from harmonic_core.data.tracks import RefusedTrack, Track
from harmonic_core.errors import DiskError

Progress = Callable[[int, int, str], None]
"""Told how many of how many tracks are ready, and the label of the last."""


@dataclass(frozen=True)
class CachedTrack:
    """A track whose samples lie decoded on disk."""

    track: Track
    path: Path
    samples: int

    def read(self, start: int, count: int) -> NDArray[np.int16]:
        """`count` samples from `start`, padded with silence beyond the end: (count,) int16."""
        wanted = min(count, self.samples - start)
        data = np.memmap(self.path, np.int16, "r", offset=2 * start, shape=(wanted,))
        return np.asarray(data) if wanted == count else np.pad(data, (0, count - wanted))


def default_cache_dir() -> Path:
    """Folder for decoded audio in the user's cache."""
    return platformdirs.user_cache_path("harmonic-vae") / "audio"


def decode_tracks(
    tracks: Sequence[Track],
    sample_rate: int,
    min_seconds: float,
    cache_dir: Path,
    progress: Progress,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[list[CachedTrack], list[RefusedTrack]]:
    """Decode what is not decoded yet, on all cores.

    Parameters
    ----------
    tracks
        What to decode.
    sample_rate
        In Hz.
    min_seconds
        Shorter tracks are refused.
    cache_dir
        Where decoded tracks lie; entries are found again by what the sound is.
    progress
        Called in this thread after each track, in order.
    stopped
        Asked before each track; once true, the rest is left.

    Returns
    -------
    cached, refused
        In the order of `tracks`.

    Raises
    ------
    DiskError
        If the cache cannot be written.
    """
    folder = cache_dir / str(sample_rate)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{folder}: the audio cache cannot be made there: {error.strerror or error}") from error

    def ready(track: Track) -> CachedTrack | RefusedTrack | None:
        return None if stopped() else _decode(track, sample_rate, min_seconds, folder)

    cached: list[CachedTrack] = []
    refused: list[RefusedTrack] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (track, result) in enumerate(zip(tracks, pool.map(ready, tracks), strict=True), 1):
            if isinstance(result, CachedTrack):
                cached.append(result)
            elif result is not None:
                refused.append(result)
            progress(number, len(tracks), track.label)
    return cached, refused


def _decode(track: Track, sample_rate: int, min_seconds: float, folder: Path) -> CachedTrack | RefusedTrack:
    try:
        target = folder / f"{track.cache_key(sample_rate)}.s16"
        if not target.exists():
            _write(track, sample_rate, target)
        samples = target.stat().st_size // 2
    except DecodeError as error:
        return RefusedTrack(track.title, str(error))
    except OSError as error:
        if error.filename is not None and Path(error.filename).is_relative_to(folder):
            raise DiskError(f"{folder}: cannot write to the audio cache: {error.strerror or error}") from error
        return RefusedTrack(track.title, error.strerror or str(error))
    seconds = samples / sample_rate
    if seconds < min_seconds:
        return RefusedTrack(track.title, f"{seconds:.2f} s long, shorter than data.min_clip_length ({min_seconds:g} s)")
    return CachedTrack(track, target, samples)


def _write(track: Track, sample_rate: int, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            for block in track.sound.samples(sample_rate):
                with _writing_to(temporary):
                    file.write(block.tobytes())
            with _writing_to(temporary):
                file.flush()
                # Else a power cut may leave an empty file under the final name, taken for a short track for ever.
                os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _writing_to(path: Path) -> Iterator[None]:
    # The error of a full disk names no file, and would be taken for one of the file that is read.
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
