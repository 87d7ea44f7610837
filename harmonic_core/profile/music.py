"""Where the music of a profile lies, and whether it can be there at all: looked at before anything heavy starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from harmonic_core.errors import ProfileError
from harmonic_core.profile.sections import Data
from harmonic_core.text import plain

Collection = Literal["gtzan", "maestro", "custom"]

_WAY_OUT: dict[Collection, str] = {
    "custom": "name the folder of your audio with `--custom-dir path/to/audio`",
    "gtzan": "fetch it with `harmonic data download gtzan --dataset-dir {folder}`, "
    "or name your copy with `--gtzan-dir`",
    "maestro": "fetch it, or a part of it, with `harmonic data download maestro --hours 10 --dataset-dir {folder}`, "
    "or name your copy with `--maestro-dir`",
}


def music_folders(data: Data) -> list[tuple[Collection, Path]]:
    """Every folder that a profile takes music from, and what is expected in it; none for `demo`."""
    given: dict[Collection, tuple[Path, ...]] = {
        "gtzan": data.gtzan_dir,
        "maestro": data.maestro_dir,
        "custom": data.custom_dir,
    }
    if data.dataset == "combined":
        return [(kind, folder) for kind, folders in given.items() for folder in folders]
    if data.dataset == "demo":
        return []
    folders = given[data.dataset] or ((data.dataset_dir,) if data.dataset_dir else (Path("data") / data.dataset,))
    return [(data.dataset, folder) for folder in folders]


def same_music(one: Data, other: Data) -> bool:
    """Tell whether two profiles train on the same data set in the same folders, however these are written."""

    def places(data: Data) -> list[tuple[Collection, str]]:
        return [(kind, _real(folder)) for kind, folder in music_folders(data)]

    return one.dataset == other.dataset and places(one) == places(other)


def _real(folder: Path) -> str:
    try:
        return os.path.realpath(folder)
    except ValueError:
        # A path that no system takes, such as one with a NUL in it, is at least like itself.
        return str(folder)


def insist_on_music(data: Data) -> None:
    """Refuse a profile one of whose folders is missing.

    Raises
    ------
    ProfileError
        With the way out.
    """
    for kind, folder in music_folders(data):
        if not folder.is_dir():
            problem = "is not a folder" if folder.exists() else "no such folder"
            shown = plain(str(folder))
            without = f', or leave it out with `--{kind}-dir ""`' if data.dataset == "combined" else ""
            raise ProfileError(f"{shown}: {problem}; {_WAY_OUT[kind].format(folder=shown)}{without}")
