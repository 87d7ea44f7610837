"""The run that another start goes on from: what it was trained with, from wherever that can still be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_core.errors import ProfileError, RunError
from harmonic_core.profile.explain import Key
from harmonic_core.profile.layers import Layer
from harmonic_core.profile.resolve import put_together
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import read_recorded, read_text
from harmonic_core.profile.words import shown_path
from harmonic_core.run.resume import ResumePoint
from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.training.resume import Source

_PLACE: tuple[Key, ...] = (("output", "output_dir"), ("train", "resume_from"))
"""Where it lay and what it began from: it may have been moved, and now it begins from itself."""


@dataclass(frozen=True)
class Recorded:
    """A profile that was written down, and where."""

    place: str
    profile: Profile
    layer: Layer


@dataclass(frozen=True)
class Base:
    """What a run was trained with, and is to go on with unless anything else is asked for."""

    name: str
    """What origins call it, such as "base run gtzan"."""
    own: Recorded
    """What the run's own `profile.toml` says. Nothing guards that file: somebody may have edited it."""
    trained: Recorded
    """What the weights that are taken were trained with."""
    source: Source | None = None
    """What is continued; None for a run in which nothing whole is found: another trainer may be at work there."""
    warnings: tuple[str, ...] = ()
    """What could not be read, and what was read instead."""


def find_base(point: ResumePoint) -> Base:
    """Read the profiles that belong to a resume point; where one cannot be used the other stands in for it.

    Raises
    ------
    ProfileError
        None of them can be used; the message says why of each.
    RunError
        The checkpoint or the export that is named cannot be used.
    """
    source, missing = _find_source(point)
    own, problem = _read(point.run.profile) if point.run else (None, "")
    trained, other_problem = _read(source.profile, point.export) if source else (None, missing)
    first, second = own or trained, trained or own
    problems = [each for each in (problem, other_problem) if each]
    if first is None or second is None:
        raise ProfileError("\n".join(["what it was trained with cannot be told:", *(f"  {each}" for each in problems)]))
    # Of a run without anything whole the trainer has more to say.
    warnings = [f"{'; '.join(problems)}; taking {first.place} instead"] if problems and (source or not own) else []
    return Base(_name(point), first, second, source, tuple(warnings))


def _find_source(point: ResumePoint) -> tuple[Source | None, str]:
    """What a resume point really brings; None, and why, for a run in which nothing whole is found yet."""
    # The one place before training that needs torch: only its own readers take such files apart safely.
    from harmonic_core.training.resume import find_source

    try:
        return find_source(point), ""
    except RunError as error:
        if point.export or point.checkpoint:
            raise
        return None, plain(str(error), 4096)


def _name(point: ResumePoint) -> str:
    if point.run is None:
        return f"base {shown_path(point.export)}" if point.export else "base"
    return f"base run {shown_path(point.run.path.resolve()).rpartition('/')[2]}"


def _read(profile: Path | str, export: Path | None = None) -> tuple[Recorded | None, str]:
    """Read a profile's file, or its text out of an `export`; None and what is wrong where it cannot be used."""
    place = profile if isinstance(profile, Path) else export
    shown = shown_path(place) if place else "the export"
    try:
        layer = read_recorded(read_text(profile) if isinstance(profile, Path) else profile, shown)
        for key in _PLACE:
            layer.entries.pop(key, None)
        return Recorded(shown, put_together(shown, [layer]), layer), ""
    except ProfileError as error:
        return None, " ".join(str(error).split())
