"""Where an export goes: never over something else, and there whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.atomic import fsync_directory, lacks_room
from harmonic_core.sharing.exported import DOCUMENT, GRAPHS, is_export
from harmonic_core.text import plain

Format = Literal["onnx", "torchscript", "safetensors"]

_ENDINGS: dict[Format, tuple[str, ...]] = {
    "onnx": ("",),
    "torchscript": (".torchscript", ".pt", ".pth", ".ts"),
    "safetensors": (".safetensors",),
}
CARD = "README.md"
_IN_A_FOLDER = {DOCUMENT, CARD, *GRAPHS}


def target_of(output: Path | None, name: str, export_format: Format) -> Path:
    """Where an export of a model of that name goes: into a folder that is there, else to `output` with an ending."""
    endings = _ENDINGS[export_format]
    usual = f"{name}-onnx" if export_format == "onnx" else name + endings[0]
    if output is None:
        return Path(usual)
    if output.is_dir() and not is_export(output):
        return output / usual
    return output if "" in endings or output.suffix in endings else output.with_name(output.name + endings[0])


def insist_on_place(target: Path, export_format: Format, *, force: bool) -> None:
    """Refuse a place before anything takes time.

    Raises
    ------
    DiskError
        If there is no such folder, or it may not be written.
    RunError
        If something is there that is not to be replaced.
    """
    shown = plain(str(target))
    if not target.absolute().parent.is_dir():
        raise DiskError(f"{plain(str(target.absolute().parent))}: no such folder; make it, or name another --output")
    if not os.access(target.absolute().parent, os.W_OK | os.X_OK):
        raise DiskError(f"{plain(str(target.absolute().parent))}: may not be written; name another --output")
    taken = [path for path in (target, _card_of(target, export_format)) if path.exists() or path.is_symlink()]
    if taken and not force:
        raise RunError(f"{plain(str(taken[0]))}: there already; add --force to replace it, or name another --output")
    if not taken:
        return
    if export_format == "onnx":
        replaceable = target.is_dir() and not target.is_symlink() and set(os.listdir(target)) <= _IN_A_FOLDER
    else:
        replaceable = not any(path.is_dir() for path in taken)
    if not replaceable:
        raise RunError(f"{shown}: something else than an export is there, and is not replaced; name another --output")


def _card_of(target: Path, export_format: Format) -> Path:
    return target / CARD if export_format == "onnx" else target.with_name(f"{target.name}.md")


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """A place to write to beside the target; whatever is left there in the end goes away."""
    folder = target.absolute().parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        folder.mkdir()
        # Under its own name, so that its kind is known by it.
        yield folder / target.name
    except OSError as error:
        why = "no room" if lacks_room(error) else (error.strerror or str(error)).lower()
        raise DiskError(f"{plain(str(target))}: cannot be written: {why}; nothing was left there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(place: Path, target: Path, export_format: Format, words: str) -> Path:
    """Move what is whole to where it belongs, its card with it; gives the card's path."""
    beside = _card_of(place, export_format)
    beside.write_text(words, encoding="utf-8")
    for path in (*(place.iterdir() if place.is_dir() else ()), place, beside):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    goal = _card_of(target, export_format)
    if export_format == "onnx":
        before = place.parent / "before"
        if target.exists():
            target.rename(before)
        try:
            place.rename(target)
        except OSError:
            if before.exists():
                before.rename(target)
            raise
    else:
        beside.replace(goal)
        place.replace(target)
    fsync_directory(target.absolute().parent)
    return goal
