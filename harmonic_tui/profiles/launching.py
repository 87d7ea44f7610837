"""Starting a run from a profile, after making sure that the profile can be used."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harmonic_core.errors import RunError
from harmonic_core.profile.music import insist_on_music
from harmonic_core.profile.resolve import resolve
from harmonic_core.profile.sections import Profile
from harmonic_core.run.directory import RUN_ROOTS, RunDirectory, default_directory
from harmonic_core.run.launch import start_training
from harmonic_core.text import plain


@dataclass(frozen=True)
class Launch:
    """A trainer that was just started."""

    run: RunDirectory
    process: subprocess.Popen[bytes]
    warnings: tuple[str, ...] = ()


def launch(profile: str, settings: Sequence[str] = ()) -> Launch:
    """Start training `profile` in the background.

    Parameters
    ----------
    profile
        Name or path of a profile.
    settings
        Changes to it, each `section.key=value`.

    Raises
    ------
    ProfileError
        If the profile or a setting cannot be used, or its music cannot be there.
    RunError
        If the profile names a directory in which a run already is.
    DiskError
        If the run directory cannot be made.
    """
    resolved = resolve(profile, settings=tuple(settings))
    insist_on_music(resolved.profile.data)
    run, taken = place_of(resolved.profile, resolved.name)
    if taken:
        raise RunError(taken)
    changes = [argument for setting in settings for argument in ("--set", setting)]
    return Launch(run, start_training([profile, *changes], run), tuple(map(str, resolved.warnings)))


def place_of(profile: Profile, name: str) -> tuple[RunDirectory, str]:
    """Where a run of a profile would lie, and why it cannot, if it cannot.

    Parameters
    ----------
    profile
        What would run.
    name
        What the profile is called; a run without a name of its own is called after it and the time.
    """
    asked, named = profile.output.output_dir, profile.run.name
    if asked is None and named is None:
        return default_directory(name, datetime.now()), ""
    run = RunDirectory(asked if asked is not None else RUN_ROOTS[0] / str(named))
    if not run.exists():
        return run, ""
    free, shown = free_like(run), plain(str(run.path))
    way_out = (
        f"run.name, such as {plain(free.name)}"
        if asked is None
        else f"output.output_dir, such as {plain(str(free.path))}"
    )
    return run, f"{shown}: a run is already here; open it with `harmonic-tui {shown}`, or take another {way_out}"


def free_like(run: RunDirectory) -> RunDirectory:
    """A place for a run beside another one, called nearly the same."""
    return RunDirectory(
        next(path for number in range(2, 10_000) if not (path := Path(f"{run.path}-{number}")).exists())
    )
