"""Which music a command means: that of a profile, or a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmonic_core.profile.music import Collection
    from harmonic_core.profile.resolve import Resolved

GTZAN_GENRES = frozenset({"blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"})
_MAESTRO_METADATA = r"maestro.*\.(csv|json)"
_MOST_LEVELS = 2
_MOST_FOLDERS = 200


def resolve_music(
    target: str | None,
    settings: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    config: Path | None = None,
) -> Resolved:
    """The profile whose music is meant.

    Parameters
    ----------
    target
        A folder of audio, in which GTZAN and MAESTRO are known by their layout; else the name or the path of a profile;
        None where the flags say it all. A bare word is a profile first, so that a folder `custom` in the current
        directory hides none; write `./custom` for the folder.
    settings, flags, config
        As `resolve` takes them.

    Raises
    ------
    ProfileError
        If there is no such folder or profile, or the settings cannot be used.
    """
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import resolve
    from harmonic_core.text import plain

    flags = dict(flags or {})
    if target is None:
        return resolve(None, config=config, settings=settings, flags=flags)
    folder = Path(target).expanduser()
    if folder.is_dir() and not (re.fullmatch(r"[\w-]+", target) and _is_profile(target)):
        kind = layout_of(folder)
        flags |= {"dataset": kind, f"{kind}_dir": [str(folder)]}
        return resolve(None, config=config, settings=settings, flags=flags)
    if folder.is_file() and folder.suffix.lower() not in {".toml", ".json"}:
        raise ProfileError(
            f"{plain(target)}: is a file; give the folder that it lies in, or a profile (`harmonic profiles list`)"
        )
    try:
        return resolve(target, config=config, settings=settings, flags=flags)
    except ProfileError as error:
        if _looks_like_a_folder(target):
            raise ProfileError(
                f"{plain(target)}: no such folder; give a folder of audio, or a profile (`harmonic profiles list`)"
            ) from error
        raise


def layout_of(folder: Path) -> Collection:
    """Which data set a folder holds, judged by the names in it: cheap, nothing is decoded.

    Returns
    -------
    "gtzan" where genre folders hold files such as `jazz.00012.wav`, "maestro" where its metadata is, else "custom".
    """
    folders = [folder, *_below(folder, _MOST_LEVELS)]
    if any(_is_genre_of_gtzan(each) for each in folders):
        return "gtzan"
    if any(re.fullmatch(_MAESTRO_METADATA, name) for each in folders for name in _names(each)):
        return "maestro"
    return "custom"


def _below(folder: Path, levels: int) -> list[Path]:
    children = _children(folder)[:_MOST_FOLDERS]
    deeper = [each for child in children for each in _below(child, levels - 1)] if levels > 1 else []
    return [*children, *deeper]


def _children(folder: Path) -> list[Path]:
    paths = (folder / name for name in _names(folder) if not name.startswith("."))
    return sorted(path for path in paths if path.is_dir())


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _is_genre_of_gtzan(folder: Path) -> bool:
    clip = re.compile(re.escape(folder.name) + r"\.\d{5}\.(wav|au)")
    return folder.name in GTZAN_GENRES and any(clip.fullmatch(name) for name in _names(folder))


def _is_profile(name: str) -> bool:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.search import find

    try:
        find(name)
    except ProfileError:
        return False
    return True


def _looks_like_a_folder(target: str) -> bool:
    return "/" in target and not target.endswith((".toml", ".json"))
