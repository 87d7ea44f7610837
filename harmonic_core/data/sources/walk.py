"""What lies below a folder: audio, things that only have the name of audio, and other files."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harmonic_core.audio.suffixes import AUDIO_SUFFIXES
from harmonic_core.data.tracks import RefusedTrack


@dataclass
class Found:
    """What a walk has seen. Names are paths below the folder, with any character in them."""

    audio: list[str] = field(default_factory=list)
    refused: list[RefusedTrack] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


def audio_below(folder: Path, *, leave: bool = True) -> Found:
    """Look at everything below a folder, hidden files and folders excepted, without opening a file.

    Every folder is looked into once, however many links lead to it: by its own name if that lies below `folder`.

    Parameters
    ----------
    folder
        Where to begin.
    leave
        Whether links that lead out of the folder are followed; else they are refused.

    Returns
    -------
    found
        Audio in the order of its path, part by part.
    """
    return _Walk(os.fspath(folder), leave).found


class _Walk:
    def __init__(self, folder: str, leave: bool) -> None:
        self.found = Found()
        self._folder, self._leave = folder, leave
        self._real = os.path.realpath(folder)
        self._seen: set[tuple[int, int]] = set()
        self._links: list[str] = []
        self._scan("")
        # Links come last, so that a folder is called by its own name where it has one here.
        while self._links:
            self._scan(self._links.pop(0))
        self.found.audio.sort(key=lambda name: name.split("/"))
        self.found.refused.sort(key=lambda track: track.title)

    def _scan(self, top: str) -> None:
        folders = [top]
        while folders:
            relative = folders.pop()
            try:
                entries = sorted(self._new_entries(relative), key=lambda entry: entry.name)
            except OSError as error:
                self._refuse(relative, error.strerror or str(error))
                continue
            for entry in entries:
                name = f"{relative}/{entry.name}" if relative else entry.name
                if self._leads_out(entry):
                    self._refuse(name, "is a link that leads out of the folder")
                elif self._is_folder(entry, name):
                    (self._links if entry.is_symlink() else folders).append(name)

    def _new_entries(self, relative: str) -> Iterator[os.DirEntry[str]]:
        path = f"{self._folder}/{relative}"
        place = os.stat(path)  # noqa: PTH116 - for thousands of folders, and a Path takes ten times as long
        if (place.st_dev, place.st_ino) in self._seen:
            return
        self._seen.add((place.st_dev, place.st_ino))
        with os.scandir(path) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))

    def _is_folder(self, entry: os.DirEntry[str], name: str) -> bool:
        is_folder, suffix = _is_dir(entry), _suffix(entry)
        if suffix not in AUDIO_SUFFIXES:
            if not is_folder:
                self.found.other[suffix or "no ending"] += 1
        elif reason := _unusable(entry):
            self._refuse(name, reason)
        else:
            self.found.audio.append(name)
        return is_folder

    def _leads_out(self, entry: os.DirEntry[str]) -> bool:
        if self._leave or not entry.is_symlink() or not (_suffix(entry) in AUDIO_SUFFIXES or _is_dir(entry)):
            return False
        return not os.path.realpath(entry.path).startswith(self._real.rstrip("/") + "/")

    def _refuse(self, name: str, reason: str) -> None:
        self.found.refused.append(RefusedTrack(name or ".", reason))


def _suffix(entry: os.DirEntry[str]) -> str:
    return PurePosixPath(entry.name).suffix.lower()


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _unusable(entry: os.DirEntry[str]) -> str | None:
    try:
        if not entry.is_file():
            return "is a folder" if stat.S_ISDIR(entry.stat().st_mode) else "is not a regular file"
    except OSError as error:
        return error.strerror or str(error)
    return None if os.access(entry.path, os.R_OK) else "may not be read (permission denied)"
