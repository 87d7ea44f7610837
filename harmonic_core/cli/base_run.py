"""The run that another start goes on from: its profile, from wherever it can still be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harmonic_core.errors import ProfileError
from harmonic_core.profile.explain import Key
from harmonic_core.profile.layers import Layer
from harmonic_core.profile.resolve import put_together
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import read_recorded, read_text
from harmonic_core.profile.words import shown_path
from harmonic_core.run.resume import ResumePoint

_PLACE: tuple[Key, ...] = (("output", "output_dir"), ("train", "resume_from"))
"""Where it lay and what it began from: it may have been moved, and now it begins from itself."""


@dataclass(frozen=True)
class Base:
    """What a run was trained with."""

    name: str
    """What origins call it, such as "base run gtzan"."""
    profile: Profile
    layer: Layer
    warnings: tuple[str, ...] = ()
    """What could not be read, and what was read instead."""


def find_base(point: ResumePoint) -> Base:
    """Read the profile that belongs to a resume point.

    The run's own comes first, then that of the checkpoint, and for want of both the text inside the export.

    Raises
    ------
    ProfileError
        None of them can be used; the message says why of each.
    RunError
        The export is none.
    """
    problems: list[str] = []
    for shown, read in _places(point):
        try:
            layer = read_recorded(read(), shown)
            for key in _PLACE:
                layer.entries.pop(key, None)
            profile = put_together(shown, [layer])
        except ProfileError as error:
            problems.append(" ".join(str(error).split()))
            continue
        warnings = (f"{'; '.join(problems)}; taking {shown} instead",) if problems else ()
        return Base(_name(point), profile, layer, warnings)
    raise ProfileError("\n".join(["what it was trained with cannot be told:", *(f"  {each}" for each in problems)]))


def _name(point: ResumePoint) -> str:
    if point.run is None:
        return f"base {shown_path(point.export)}" if point.export else "base"
    return f"base run {shown_path(point.run.path.resolve()).rpartition('/')[2]}"


def _places(point: ResumePoint) -> Iterator[tuple[str, Callable[[], str]]]:
    for path in _files(point):
        yield shown_path(path), partial(read_text, path)
    if point.export:
        yield shown_path(point.export), partial(_exported, point.export)


def _files(point: ResumePoint) -> Iterator[Path]:
    if point.run:
        yield point.run.profile
    if point.checkpoint:
        yield point.checkpoint / "profile.toml"
    elif point.run and not point.export:
        yield from (folder / "profile.toml" for folder in _newest_first(point.run.checkpoints))


def _newest_first(checkpoints: Path) -> list[Path]:
    try:
        names = os.listdir(checkpoints)
    except OSError:
        return []
    return [checkpoints / name for name in sorted(names, reverse=True) if name.startswith("step-")]


def _exported(path: Path) -> str:
    # The one place before training that needs torch: only its own reader takes such a file apart safely.
    from harmonic_core.training.weights import read_export

    text: str = read_export(path)["profile"]
    return text
