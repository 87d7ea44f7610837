"""Which music a command means: that of a profile, or a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harmonic_core.profile.resolve import Resolved


FolderOption = Annotated[
    list[str] | None, typer.Option(metavar="DIR", help="As for `harmonic train`.", show_default=False)
]
"""A flag that names folders of a profile's music."""


CacheOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where decoded audio is kept.", show_default=False)
]
"""The flag that names another cache."""


def folder_flags(
    custom_dir: list[str] | None,
    gtzan_dir: list[str] | None,
    maestro_dir: list[str] | None,
    dataset_dir: list[str] | None,
    cache_dir: Path | None,
) -> dict[str, object]:
    """The flags that name folders, as `resolve_music` takes them; of a data set's folder only the last one counts."""
    return {
        "custom_dir": custom_dir,
        "gtzan_dir": gtzan_dir,
        "maestro_dir": maestro_dir,
        "dataset_dir": dataset_dir and dataset_dir[-1],
        "cache_dir": cache_dir and str(cache_dir),
    }


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
    from harmonic_core.data.sources.layout import layout_of
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import resolve
    from harmonic_core.text import plain

    flags = dict(flags or {})
    if target is None:
        return resolve(None, config=config, settings=settings, flags=flags)
    folder = Path(target).expanduser()
    if folder.is_dir() and not (re.fullmatch(r"[\w-]+", target) and _is_profile(target)):
        named = [name for name, value in flags.items() if value and name != "cache_dir"]
        if named:
            flag = "--" + named[0].replace("_", "-")
            raise ProfileError(f"{plain(target)} is a folder, and {flag} names another; give one of them")
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
