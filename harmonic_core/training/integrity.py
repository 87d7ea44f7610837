"""Whether the files of a run are what was written: which one is not, and what became of it."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from harmonic_core.errors import RunError
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import MANIFEST, PARTS
from harmonic_core.training.weights import read_export

_LONGEST_HEADER = 100_000_000
"""Of a safetensors file, in bytes: what its own readers accept."""


def checkpoint_faults(folder: Path) -> dict[str, str]:
    """Compare every file of a checkpoint with its manifest.

    Parameters
    ----------
    folder
        Such as `checkpoints/step-00000500`.

    Returns
    -------
    dict of str to str
        What is wrong with each file that is not what was written; empty where all are. Safe to print.
    """
    try:
        hashes: dict[str, Any] = dict(json.loads((folder / MANIFEST).read_bytes())["sha256"])
    except OSError as error:
        return {MANIFEST: _unreadable(error)}
    except (ValueError, LookupError, TypeError, RecursionError):
        return {MANIFEST: "truncated or altered: it is no list of hashes"}
    found: dict[str, str] = {}
    for name in sorted({*PARTS, *hashes}):
        if Path(name).name != name:
            found[MANIFEST] = f"altered: {plain(name)!r} is no file of a checkpoint"
        elif fault := _fault(folder / name, hashes.get(name)):
            found[plain(name)] = fault
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    found |= {
        plain(name): "not of this checkpoint: the manifest does not know it" for name in present - {*hashes, MANIFEST}
    }
    return found or _misplaced(folder)


def export_fault(path: Path) -> str | None:
    """Say what is wrong with an export; None where it loads and its checksums agree. Runs no code from it."""
    try:
        if not path.stat().st_size:
            return "empty"
        with zipfile.ZipFile(path) as archive:
            if altered := archive.testzip():
                return f"altered: the checksum of {plain(altered)} in it differs"
        read_export(path)
    except RunError as error:
        return plain(str(error).removeprefix(f"{path}: "))
    except OSError as error:
        return _unreadable(error)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError) as error:
        return f"truncated or altered ({plain(str(error))})"
    return None


def _fault(path: Path, expected: object) -> str | None:
    if expected is None:
        return "not in the manifest" if path.exists() else "missing"
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == expected:
                return None
        return _truncated(path) or "altered: its SHA-256 is not that of what was written"
    except OSError as error:
        return _unreadable(error)


def _truncated(path: Path) -> str | None:
    """Tell a file that lost its end from one that was altered, as far as its own format says how long it was."""
    size = path.stat().st_size
    if not size:
        return "truncated: nothing is left of it"
    if path.suffix == ".safetensors":
        complete = _complete_size(path)
        return f"truncated: {size} of {complete} bytes" if complete and size < complete else None
    if path.suffix == ".json" and not path.read_bytes().rstrip().endswith(b"}"):
        return f"truncated: it ends after {size} bytes in the middle"
    return None


def _complete_size(path: Path) -> int | None:
    """Bytes that a safetensors file has by its own header; None where that is not whole either."""
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 8
        if length > _LONGEST_HEADER:
            return None
        header = file.read(length)
    if len(header) < length:
        return 8 + int(length)
    try:
        ends = [entry["data_offsets"][1] for name, entry in json.loads(header).items() if name != "__metadata__"]
        return 8 + int(length) + int(max(ends, default=0))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _misplaced(folder: Path) -> dict[str, str]:
    """Find a whole checkpoint that lies under the name of another step."""
    try:
        step = int(json.loads((folder / "state.json").read_bytes())["step"])
    except (OSError, ValueError, LookupError, TypeError):
        return {"state.json": "says no step"}
    if step == int(folder.name.removeprefix("step-")):
        return {}
    return {"state.json": f"is that of step {step}: the folder was renamed"}


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
