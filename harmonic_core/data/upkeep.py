"""Looking after the cache: what is in it, whether it is whole, and what can go."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harmonic_core.data.cache import PCM_VERSION, Cache, read_json

_SETTING = re.compile(r"pcm-(\d+)-(\d+)")
_NAME = re.compile(r"([0-9a-f]{64})\.(s16|json)")
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Kept:
    """What lies in the cache of one sound at one rate, whole or not.

    Attributes
    ----------
    source
        What the sound is made of.
    sample_rate
        In Hz.
    paths
        Its files.
    size
        Bytes in them.
    samples
        How many; 0 where there are none.
    sha256
        Their hash; empty where there are none.
    state
        `whole`; `refused`: the reason why it cannot be decoded is kept; `torn`: no entry any more, only a remnant.
    used_at
        Seconds since 1970, to about a day.
    """

    source: str
    sample_rate: int
    paths: tuple[Path, ...]
    size: int
    samples: int
    sha256: str
    state: str
    used_at: float

    def remove(self) -> None:
        """Take it out, what makes it an entry first. Raises OSError."""
        for path in self.paths:
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.paths[0].parent.rmdir()


def everything(cache: Cache) -> Iterator[Kept]:
    """All that the cache holds, in a fixed order; files that are not its own are passed over."""
    for folder in _folders(cache.folder):
        named = _SETTING.fullmatch(folder.name)
        # A later version knows what to do with its own.
        if named is None or int(named[1]) > PCM_VERSION:
            continue
        for shelf in _folders(folder):
            files: dict[str, list[Path]] = {}
            for path in sorted(shelf.iterdir()):
                if (match := _NAME.fullmatch(path.name)) and match[1].startswith(shelf.name):
                    files.setdefault(match[1], []).append(path)
            current = int(named[1]) == PCM_VERSION
            for source, paths in files.items():
                with suppress(FileNotFoundError):  # another process is pruning
                    yield _kept(source, int(named[2]), paths, current=current)


def known_sources(cache: Cache) -> dict[Path, tuple[str, bool]]:
    """For every note on a path: what was found there, and whether there still is something."""
    notes: dict[Path, tuple[str, bool]] = {}
    for shelf in _folders(cache.files):
        for path in sorted(shelf.glob("*.json")):
            seen = read_json(path)
            if _NAME.fullmatch(path.name) and isinstance(seen.get("content"), str):
                where = seen.get("path")
                # What has no path was made by the program, which can make it again.
                notes[path] = seen["content"], not isinstance(where, str) or _is_there(where)
    return notes


def broken(
    kept: list[Kept], progress: Callable[[int], None] = lambda done: None, workers: int | None = None
) -> list[Kept]:
    """Entries whose samples are not those that were written.

    Parameters
    ----------
    kept
        What to look at.
    progress
        Told in this thread how many bytes are read.
    workers
        Files to read at once.
    """
    found: list[Kept] = []
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        for each, is_whole in zip(kept, pool.map(_is_whole, kept), strict=True):
            if not is_whole:
                found.append(each)
            done += each.size
            progress(done)
    return found


def prunable(cache: Cache, older_than_days: float | None = None, *, missing: bool = True) -> list[Kept]:
    """What can go: remnants, and all entries without a source or older than a number of days.

    Parameters
    ----------
    cache
        Where.
    older_than_days
        Those that were not used for so long. None: of any age.
    missing
        Only those whose source files are all gone.
    """
    alive = {content for content, there in known_sources(cache).values() if there} if missing else set()
    oldest = time.time() - (older_than_days or 0.0) * _DAY_S
    return [
        each
        for each in everything(cache)
        if each.state == "torn" or (each.source not in alive and (older_than_days is None or each.used_at < oldest))
    ]


def prune(cache: Cache, what: list[Kept]) -> None:
    """Remove entries, and the notes on paths that lead to nothing any more. Raises OSError."""
    for each in what:
        each.remove()
    cache.sweep()
    left = {each.source for each in everything(cache)}
    for path, (content, _) in known_sources(cache).items():
        if content not in left:
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()


def _kept(source: str, sample_rate: int, paths: list[Path], *, current: bool) -> Kept:
    stats = {path.suffix: path.stat() for path in paths}
    record = read_json(paths[0]) if ".json" in stats else {}
    samples, sha256 = record.get("samples", 0), record.get("sha256", "")
    state = "torn"
    if isinstance(record.get("reason"), str):
        state = "refused"
    elif ".s16" in stats and isinstance(samples, int) and isinstance(sha256, str) and len(sha256) == 64:
        state = "whole" if stats[".s16"].st_size == 2 * samples else "torn"
    return Kept(
        source,
        sample_rate,
        tuple(paths),
        sum(stat.st_size for stat in stats.values()),
        samples if state == "whole" else 0,
        sha256 if state == "whole" else "",
        state if current else "torn",
        max(stat.st_mtime for stat in stats.values()),
    )


def _is_whole(kept: Kept) -> bool:
    if kept.state != "whole":
        return kept.state == "refused"
    try:
        with next(path for path in kept.paths if path.suffix == ".s16").open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == kept.sha256
    except OSError:
        return False


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []


def _is_there(path: str) -> bool:
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        # What cannot be looked at now, on a disk that is away, is not gone for that.
        return True
    return True
