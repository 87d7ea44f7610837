"""Where what is made goes: named after what it is, and never over something else without being asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harmonic_core.audio.music_file import FORMATS, format_of
from harmonic_core.errors import DiskError, HarmonicError, ProfileError
from harmonic_core.text import plain

FOLDER = Path("created")
"""Where music goes unless it is said otherwise."""

_LONGEST_STEM = 100
"""Bytes that leave room for other words in the 255 that a name may have."""


def music_paths(
    names: Iterable[str], output: Path | None, folder: Path | None, ending: str | None, *, force: bool
) -> list[Path]:
    """Paths of music files to be written.

    Parameters
    ----------
    names
        What each is called, without an ending; the same twice is numbered.
    output
        Path of the one file, instead of all the following.
    folder
        Where they go. Default: `FOLDER`.
    ending
        One of `FORMATS`. Default: wav.
    force
        Whether they may be there already.

    Raises
    ------
    ProfileError
        If one path is given for several files, or a format that there is not.
    HarmonicError
        If there is something at one of them, or they cannot be written.
    """
    if ending is not None and ending.lower() not in FORMATS:
        raise ProfileError(f"--format {plain(ending, 40)}: no such format; there are {', '.join(FORMATS)}")
    wanted = numbered(names)
    if output is not None:
        _insist_on_one(wanted, output, folder)
        if ending is not None and format_of(output) != ending.lower():
            raise ProfileError(
                f"--format {ending.lower()}: {plain(str(output))} says another format; leave one of them"
            )
        format_of(output)
        return free([output], force=force)
    return free([(folder or FOLDER) / f"{name}.{(ending or 'wav').lower()}" for name in wanted], force=force)


def stem_of(path: Path) -> str:
    """What a file is called without its ending, short enough to be part of the name of another."""
    encoded = os.fsencode(path.stem)
    if len(encoded) <= _LONGEST_STEM:
        return path.stem
    # A letter may be cut in two.
    return encoded[:_LONGEST_STEM].decode(errors="ignore")


def _insist_on_one(names: list[str], output: Path, folder: Path | None) -> None:
    if folder is not None:
        raise ProfileError(f"--output {plain(str(output))}: says the folder too; leave out --output-dir")
    if len(names) != 1:
        raise ProfileError(
            f"--output {plain(str(output))}: one path for {len(names)} files; name a folder by --output-dir"
        )


def numbered(names: Iterable[str]) -> list[str]:
    """The names, those that came before with the first number that makes them different."""
    taken: set[str] = set()
    found = []
    for name in names:
        other, number = name, 2
        while other.casefold() in taken:
            other, number = f"{name}-{number}", number + 1
        taken.add(other.casefold())
        found.append(other)
    return found


def free(paths: list[Path], *, force: bool) -> list[Path]:
    """The same paths, if something can be written there.

    Raises
    ------
    HarmonicError
        If one is there already, and not `force`d.
    DiskError
        If its folder is none, or may not be written.
    """
    for path in paths:
        if path.is_dir():
            raise HarmonicError(f"{plain(str(path))}: is a folder; name a file")
        if os.path.lexists(path) and not force:
            raise HarmonicError(
                f"{plain(str(path))}: is there already; choose another place, or overwrite it with --force"
            )
        place = path.parent
        while not os.path.lexists(place) and place != place.parent:
            place = place.parent
        if not place.is_dir():
            raise DiskError(f"{plain(str(path))}: cannot be written: {plain(str(place))} is no folder")
        if not os.access(place, os.W_OK | os.X_OK):
            raise DiskError(f"{plain(str(path))}: cannot be written: no permission to write to {plain(str(place))}")
    return paths
