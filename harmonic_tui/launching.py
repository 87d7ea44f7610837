"""Starting a run from a profile, after making sure that the profile can be used."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harmonic_core.errors import RunError
from harmonic_core.profile.music import insist_on_music
from harmonic_core.profile.resolve import resolve
from harmonic_core.run.directory import RUN_ROOTS, RunDirectory, default_directory
from harmonic_core.run.launch import start_training


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
    asked = resolved.profile.output.output_dir
    name = resolved.profile.run.name
    if asked is not None:
        run = RunDirectory(asked)
    elif name is not None:
        run = RunDirectory(RUN_ROOTS[0] / name)
    else:
        run = default_directory(resolved.name, datetime.now())
    if run.exists():
        raise RunError(f"{run.path}: a run is already here; open it with `harmonic-tui {run.path}`, or rename")
    changes = [argument for setting in settings for argument in ("--set", setting)]
    return Launch(run, start_training([profile, *changes], run), tuple(map(str, resolved.warnings)))
