"""Decoded audio, kept between runs: 16-bit mono samples, found again by what a sound is made of.

    <folder>/in-use                          held by those who read entries, so that nobody prunes under their feet
    <folder>/partial/                        what is being written
    <folder>/files-1/<2 hex>/<path>.json     what was last seen at a path: its identity, and the content found then
    <folder>/pcm-2-<rate>/<2 hex>/<content>.s16    samples
    <folder>/pcm-2-<rate>/<2 hex>/<content>.json   how many, their hash, and what decoding told; or why there are none

Nothing in it depends on time or chance: whoever decodes the same music, at once or in many attempts, has the same
tree. The samples' file is the last to get its name, so an entry is there if both its files are, and as long as they
should be. Nothing waits for the disk, which would take longer than decoding short files does: a power cut leaves files
that are too short, and so are no entries; `harmonic data cache verify` would find worse.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from harmonic_core import __version__
from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.partial import move, partial_file, sweep, write_all, write_whole
from harmonic_core.data.tracks import Sound, Track
from harmonic_core.errors import DiskError
from harmonic_core.run.atomic import lacks_room
from harmonic_core.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PCM_VERSION = 2
"""Part of the folders' names; to be raised when the same file would be decoded to other samples."""

_DAY_S = 86_400.0


@dataclass(frozen=True)
class CachedTrack:
    """A track whose samples lie decoded on disk.

    Attributes
    ----------
    track
        Whose they are.
    path, samples
        The samples, mono, 16 bit, native byte order, and how many.
    facts
        What decoding told.
    content
        SHA-256 of the samples: the same for the same sound, whatever file it came from.
    """

    track: Track
    path: Path
    samples: int
    facts: SoundFacts | None = None
    content: str = ""

    def read(self, start: int, count: int) -> NDArray[np.int16]:
        """`count` samples from `start`, padded with silence beyond the end: (count,) int16. Raises OSError."""
        import numpy as np

        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            samples = np.frombuffer(os.pread(descriptor, 2 * count, 2 * start), np.int16)
        finally:
            os.close(descriptor)
        return samples if samples.size == count else np.pad(samples, (0, count - samples.size))


@dataclass(frozen=True)
class Entry:
    """What decoding a sound came to: samples, or the reason why there are none.

    Attributes
    ----------
    source
        What the sound is made of, as `Sound.content` gives it.
    samples, sha256
        Number of samples and their hash.
    facts, reason
        What decoding told, or the decoder's words where it could not; the other one is None.
    """

    source: str
    samples: int = 0
    sha256: str = ""
    facts: SoundFacts | None = None
    reason: str | None = None


def default_cache_dir() -> Path:
    """Folder for decoded audio in the user's cache."""
    return platformdirs.user_cache_path("harmonic-vae") / "audio"


@functools.cache
def decoders() -> dict[str, str]:
    """Versions of all that decides whether a file can be decoded."""
    from importlib.metadata import version

    return {"harmonic-vae": __version__, **{name: version(name) for name in ("av", "soxr")}}


class Cache:
    """Decoded audio below one folder, shared by all runs and by any number of processes.

    Parameters
    ----------
    folder
        Where; it is made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial = folder / "partial"
        self.files = folder / "files-1"

    def samples_path(self, source: str, sample_rate: int) -> Path:
        """File of the samples of a sound."""
        return Path(f"{self.folder}/pcm-{PCM_VERSION}-{sample_rate}/{source[:2]}/{source}.s16")

    def known_source(self, sound: Sound, identity: str) -> str | None:
        """What a sound of this identity is made of, as found when it was last read; None if it has changed since."""
        seen = read_json(self._seen_path(sound))
        source = seen.get("content")
        return source if seen.get("identity") == identity and isinstance(source, str) and source.isalnum() else None

    def entry(self, source: str, sample_rate: int) -> Entry | None:
        """What is kept of a sound; None if nothing is, or what is there is damaged or out of date."""
        samples_path = self.samples_path(source, sample_rate)
        record = read_json(f"{str(samples_path).removesuffix('.s16')}.json")
        try:
            if "reason" in record:
                # Another decoder may know better.
                return Entry(source, reason=str(record["reason"])) if record["decoders"] == decoders() else None
            stat = samples_path.stat()
            if stat.st_size != 2 * record["samples"]:
                return None
            facts = SoundFacts.read(record["facts"])
            found = Entry(source, record["samples"], record["sha256"], facts)
        except (OSError, KeyError, TypeError, ValueError):
            return None
        # The day of last use, for `prune --older-than`; not the content, which stays free of times.
        if time.time() - stat.st_mtime > _DAY_S:
            with suppress(OSError):
                os.utime(samples_path)
        return found

    def remember(self, sound: Sound, identity: str, source: str) -> None:
        """Note what a sound is made of as long as its identity stays. Raises DiskError."""
        path = self._seen_path(sound)
        seen = {"content": source, "identity": identity, "path": _path_of(sound)}
        if read_json(path) != seen:
            with self.writing():
                write_whole(self.partial / f"{path.stem}-{os.getpid()}.json", path, _json(seen))

    @contextmanager
    def write(self, source: str, sample_rate: int) -> Iterator[Writing | None]:
        """Make an entry; without `Writing.commit` nothing comes of it.

        Yields
        ------
        writing
            None where another process is making the same one.

        Raises
        ------
        DiskError
            If the folder cannot be written.
        """
        partial = self.partial / f"{source}-{sample_rate}.s16"
        target = self.samples_path(source, sample_rate)
        with ExitStack() as stack:
            with self.writing():
                descriptor = stack.enter_context(partial_file(partial))
            yield None if descriptor is None else Writing(self, descriptor, partial, target)

    def sweep(self) -> None:
        """Remove what killed processes left half-made."""
        sweep(self.partial)

    def hold(self) -> None:
        """Keep everyone from pruning the cache as long as this process lives; the folder is made.

        Raises
        ------
        DiskError
            If there is no such folder, and none can be made.
        """
        with self.writing():
            self.folder.mkdir(parents=True, exist_ok=True)
        # Where it is impossible, as on a disk that may only be read, nobody can prune either.
        with suppress(OSError):
            _hold(self.folder)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Keep others out for the length of the block; yields whether nobody else uses the cache. Raises OSError."""
        if not self.folder.is_dir():
            yield True
            return
        descriptor = _open_for_lock(self.folder)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _seen_path(self, sound: Sound) -> Path:
        key = hashlib.sha256(os.fsencode(_path_of(sound) or sound.identity())).hexdigest()
        return Path(f"{self.files}/{key[:2]}/{key}.json")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn every OSError of a block that writes into a DiskError with the way out."""
        try:
            yield
        except OSError as error:
            failure = DiskError(
                f"{plain(str(self.folder), 400)}: cannot write to the audio cache: {error.strerror or error}; what is "
                "in it stays. Make room there (`harmonic data cache prune` frees what no longer has a source), or "
                "name another folder: `data.cache_dir`"
            )
            failure.lacks_room = lacks_room(error)
            raise failure from error


@dataclass(frozen=True)
class Writing:
    """An entry in the making."""

    cache: Cache
    descriptor: int
    partial: Path
    target: Path

    def append(self, samples: bytes | memoryview) -> None:
        """Write a block. Raises DiskError."""
        with self.cache.writing():
            write_all(self.descriptor, samples)

    def commit(self, entry: Entry) -> None:
        """Make the entry whole. Raises DiskError."""
        record: dict[str, Any] = {"decoders": decoders()}
        if entry.facts is None:
            record["reason"] = entry.reason
        else:
            record |= {"samples": entry.samples, "sha256": entry.sha256, "facts": entry.facts.record()}
        with self.cache.writing():
            write_whole(self.partial.with_suffix(".json"), self.target.with_suffix(".json"), _json(record))
            if entry.facts is not None:
                move(self.partial, self.target)


def read_json(path: Path | str) -> dict[str, Any]:
    """Object in a file; an empty one where there is no file, or no object in it."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  thousands of files are looked up in a second
            found = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(content: Mapping[str, Any]) -> bytes:
    # Only ASCII: names of files need not be valid text.
    return json.dumps(content, sort_keys=True).encode() + b"\n"


def _path_of(sound: Sound) -> str | None:
    path = getattr(sound, "path", None)
    return os.path.abspath(path) if isinstance(path, Path) else None  # noqa: PTH100  five times as quick


@functools.cache
def _hold(folder: Path) -> None:
    # The descriptor is left open on purpose: the kernel lets go of the lock when the process ends.
    fcntl.flock(_open_for_lock(folder), fcntl.LOCK_SH)


def _open_for_lock(folder: Path) -> int:
    path, flags = folder / "in-use", os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:
        return os.open(path, flags | os.O_RDONLY)
