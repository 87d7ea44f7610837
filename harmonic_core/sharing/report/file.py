"""The file that a page becomes: written whole or not at all, and over nothing but an earlier one."""

from __future__ import annotations

from pathlib import Path

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.atomic import lacks_room, write_atomically
from harmonic_core.run.words import size
from harmonic_core.sharing.report.render import GENERATOR
from harmonic_core.text import plain

_HEAD = 4096
"""Bytes in which a page says what it is."""


def check_place(path: Path, *, force: bool) -> None:
    """Refuse a place where a page cannot or must not be written, before work begins.

    Raises
    ------
    RunError
        If it is a folder, lies in none, or holds something else than a report, and `force` does not say to replace it.
    DiskError
        If nothing can be written there.
    """
    shown = plain(str(path), 400)
    try:
        _check(path, shown, force=force)
    except OSError as error:
        raise DiskError(f"{shown}: the report cannot be written: {(error.strerror or str(error)).lower()}") from error


def _check(path: Path, shown: str, *, force: bool) -> None:
    if path.is_dir():
        raise RunError(f"{shown}: this is a folder; name a file in it, such as {shown.rstrip('/')}/report.html")
    if not path.parent.is_dir():
        raise RunError(f"{plain(str(path.parent), 400)}: there is no such folder; make it first")
    if path.exists() and not path.is_file():
        raise RunError(f"{shown}: this is no regular file; choose another `--output`")
    if path.exists() and not force and not _is_report(path):
        raise RunError(f"{shown}: this file is no report; choose another `--output`, or replace it with `--force`")


def write_page(path: Path, html: bytes) -> None:
    """Write a page.

    Raises
    ------
    DiskError
        If there is no room or no permission; what was there before is then still there.
    """
    try:
        write_atomically(path, html)
    except OSError as error:
        reason = error.strerror or str(error)
        need = f"; {size(len(html))} are needed, another place is named with `--output`"
        trouble = DiskError(f"{plain(str(path), 400)}: the report cannot be written: {reason.lower()}{need}")
        trouble.lacks_room = lacks_room(error)
        raise trouble from error


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'content="{GENERATOR}"'.encode() in file.read(_HEAD)
    except OSError:
        return False
