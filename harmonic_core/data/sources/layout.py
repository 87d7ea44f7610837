"""Which data set lies in a folder, told by the names in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from harmonic_core.data.sources.gtzan_split import GENRES
from harmonic_core.data.sources.maestro_metadata import find_metadata
from harmonic_core.profile.music import Collection

_GTZAN_ROOTS = ("", "genres", "genres_original", "Data/genres_original", "Data/genres")


def layout_of(folder: Path) -> Collection:
    """Which data set a folder holds; cheap, no file is opened.

    Returns
    -------
    "gtzan" where genre folders hold clips such as `jazz.00012.wav`, "maestro" where its list of recordings is, else
    "custom".
    """
    if any(_has_clips(folder / root / genre, genre) for root in _GTZAN_ROOTS for genre in GENRES):
        return "gtzan"
    found = find_metadata(folder)
    return "maestro" if found and re.match(r"maestro-v\d", found.name, re.IGNORECASE) else "custom"


def _has_clips(folder: Path, genre: str) -> bool:
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(re.fullmatch(rf"{genre}\.\d{{5}}\.(wav|au)", name) for name in names)
