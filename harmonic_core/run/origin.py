"""Where a run comes from: command line, versions, git state, host, and what set each profile value."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harmonic_core import __version__
from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory

_PACKAGES = ("torch", "torchaudio", "numpy", "librosa", "soundfile", "soxr", "av", "safetensors")


def record_start(run: RunDirectory, values: Mapping[str, str], **details: Any) -> None:
    """Add one start of a trainer to `origin.json`; earlier starts stay.

    Parameters
    ----------
    run
        The run.
    values
        Where each setting of the profile came from, by key path.
    details
        What else is worth knowing: the device, the checkpoint continued from.
    """
    start = {
        "time": time.time(),
        "argv": sys.argv,
        "directory": str(Path.cwd()),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "platform": platform.platform(),
        "versions": {"harmonic-vae": __version__, "python": platform.python_version(), **_versions()},
        "git": _git_state(Path(__file__).parent),
        **details,
        "values": dict(values),
    }
    write_atomically(run.origin, json.dumps({"starts": [*read_starts(run), start]}, indent=1) + "\n")


def read_starts(run: RunDirectory) -> list[dict[str, Any]]:
    """All starts of the run, the oldest first; none where nothing readable is there."""
    try:
        starts = json.loads(run.origin.read_bytes())["starts"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return starts if isinstance(starts, list) else []


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the source tree that runs, and whether it was changed; None for an installed package."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
