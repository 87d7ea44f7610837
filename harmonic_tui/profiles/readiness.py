"""Whether the music of a profile is at hand: cheap looks at folders and at the cache, nothing is opened but records."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from harmonic_core.errors import ProfileError
from harmonic_core.run.words import count, files

if TYPE_CHECKING:
    # They bring pydantic with them, for which the first frame does not wait.
    from harmonic_core.profile.sections import Data, Profile

AUDIO_SUFFIXES = frozenset(
    {*(".wav", ".wave", ".mp3", ".flac", ".ogg", ".oga", ".opus"), *(".m4a", ".mp4", ".aac", ".aif", ".aiff", ".au")}
)
"""Endings of what is counted as music here; the trainer knows more."""
MOST_FILES = 4000
"""Files to look for in the cache; where there are more, as many of them, evenly spread."""
LONGEST_LOOK_S = 2.0

_NEEDS: dict[str, str] = {
    "demo": "no data: the program makes its music itself",
    "gtzan": "GTZAN, 1 000 clips of ten genres, 1.2 GB",
    "maestro": "MAESTRO, 199 h of piano, 108 GB, or any part of it",
    "custom": "a folder of your own audio",
    "combined": "GTZAN, MAESTRO, your own audio, or some of them",
}


@dataclass(frozen=True)
class Readiness:
    """How far the music is."""

    state: Literal["ready", "partly", "missing"]
    """`partly`: it is there, and some of it is decoded already."""
    words: str
    """What was found, in a few words."""
    way_out: str = ""
    """What to do where it is missing."""


def needs(data: Data) -> str:
    """What music a profile asks for, in words."""
    return _NEEDS[data.dataset]


def hardware(profile: Profile) -> str:
    """What a profile says of the machine; empty where any will do."""
    said = {"auto": "", "cpu": "on the CPU", "cuda": "needs a CUDA GPU", "mps": "needs an Apple GPU"}
    words = [said[profile.run.device]] if said[profile.run.device] else []
    if profile.train.mixed_precision:
        words.append("16 bits, for a GPU")
    return ", ".join(words)


def look(profile: Profile) -> Readiness:
    """Look at the folders of a profile and, for a moment, at what the cache has of them."""
    from harmonic_core.profile.music import music_folders

    data = profile.data
    if data.dataset == "demo":
        return Readiness("ready", "made at the start")
    lack = missing(data)
    if lack is not None:
        return lack
    found: list[str] = []
    until = time.monotonic() + LONGEST_LOOK_S
    for _, folder in music_folders(data):
        here = list(_audio_below(str(folder), until))
        if not here:
            return Readiness("missing", f"{folder}: no audio in it", f"put music into {folder}, or name another folder")
        found += here
    return _decoded(found, profile, until)


def missing(data: Data) -> Readiness | None:
    """What a profile's folders lack, or None: a look so quick that it can be had at any time."""
    from harmonic_core.profile.music import insist_on_music, music_folders

    places = music_folders(data)
    if data.dataset == "combined" and not places:
        return Readiness("missing", "no folder is named", "name a folder or more of data.gtzan_dir and the like")
    if data.dataset == "custom" and not data.custom_dir and data.dataset_dir is None:
        return Readiness("missing", "your folder is not named yet", "name it: data.custom_dir, or --custom-dir")
    try:
        insist_on_music(data)
    except ProfileError as error:
        words, _, way_out = str(error).partition("; ")
        return Readiness("missing", words, way_out)
    return None


def _audio_below(folder: str, until: float) -> Iterator[str]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            f"{at}/{name}"
            for name in sorted(names)
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122
        )
        if time.monotonic() > until:
            return


def _decoded(found: list[str], profile: Profile, until: float) -> Readiness:
    cache = profile.data.cache_dir or platformdirs.user_cache_path("harmonic-vae") / "audio"
    rates = [str(folder) for folder in cache.glob(f"pcm-*-{profile.audio.sample_rate}")] if cache.is_dir() else []
    step = -(-len(found) // MOST_FILES)
    looked = known = 0
    for path in found[::step]:
        if time.monotonic() > until:
            break
        looked += 1
        known += bool(rates) and _is_decoded(cache, rates, path)
    if not known:
        return Readiness("ready", f"{files(len(found))}, not decoded yet")
    if known == looked:
        return Readiness("ready", f"{files(len(found))}, decoded")
    if looked == len(found):
        return Readiness("partly", f"{count(known)} of {files(len(found))} decoded")
    return Readiness("partly", f"about {100 * known / looked:.0f} % of {files(len(found))} decoded")


def _is_decoded(cache: Path, rates: list[str], path: str) -> bool:
    """Whether the cache has the samples of a file, as it was when it was last seen."""
    key = hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()  # noqa: PTH100 - five times as quick
    try:
        with open(f"{cache}/files-1/{key[:2]}/{key}.json", "rb") as file:  # noqa: PTH123
            content = str(json.loads(file.read())["content"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return content.isalnum() and any(os.path.exists(f"{rate}/{content[:2]}/{content}.s16") for rate in rates)  # noqa: PTH110
