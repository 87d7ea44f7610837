"""Profiles as files: read safely, followed along `extends`, with the line of every key."""

from __future__ import annotations

from pathlib import Path

import tomli

from harmonic_core.errors import ProfileError
from harmonic_core.profile.layers import Layer, Problem, from_tables
from harmonic_core.profile.search import find, folders
from harmonic_core.profile.words import shown_path
from harmonic_core.text import plain

LARGEST_FILE = 1_000_000
# A statement over more lines than this is no profile's. It and those after it are shown without a line.
LONGEST_STATEMENT = 200


def read_text(path: Path) -> str:
    """Read a small UTF-8 file.

    Raises
    ------
    ProfileError
        It cannot be read, is larger than a megabyte, or is not UTF-8.
    """
    name = shown_path(path)
    try:
        if path.is_dir():
            raise ProfileError(f"{name} is a folder; give a file.")
        if path.exists() and not path.is_file():
            # A pipe would block and a device might never end.
            raise ProfileError(f"{name} is not a regular file; give one.")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ProfileError(f"{name} cannot be read: {error.strerror or 'no reason given'}.") from None
    if len(content) > LARGEST_FILE:
        raise ProfileError(f"{name} is larger than a megabyte and so hardly a profile; give a profile's file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(f"{name}:{line} is not UTF-8 text; save the file as UTF-8.") from None


def read_chain(path: Path) -> list[Layer]:
    """Read a profile and what it extends, the most basic first.

    Raises
    ------
    ProfileError
        A file cannot be read or parsed, or a chain of `extends` comes back to where it was.
    """
    layers: list[Layer] = []
    seen: list[Path] = []
    following: Path | None = path
    while following is not None:
        seen.append(following)
        layer, following = _read_one(following, extended=len(seen) > 1)
        layers.append(layer)
        if following is not None and any(following.resolve() == each.resolve() for each in seen):
            circle = " → ".join(shown_path(each) for each in [*seen, following])
            raise ProfileError(f"{shown_path(path)} extends itself: {circle}. Take one `extends` out.")
    return layers[::-1]


def read_recorded(text: str, name: str) -> Layer:
    """Read the text of a profile that was written down by a run. Such a text is complete and refers to no other.

    Parameters
    ----------
    name
        What the text is from, as origins and messages show it.

    Raises
    ------
    ProfileError
        It is larger than a megabyte, not UTF-8, not TOML, or extends something.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ProfileError(f"{name}: the profile is not UTF-8 text.") from None
    if size > LARGEST_FILE:
        raise ProfileError(f"{name}: the profile is larger than a megabyte and so hardly one.")
    document = _parse(text, name)
    if "extends" in document:
        raise ProfileError(f"{name}: the profile extends another; one that a run has written is complete.")
    return from_tables(document, {key: f"{name}:{line}" for key, line in key_lines(text).items()}, name)


def _read_one(path: Path, extended: bool) -> tuple[Layer, Path | None]:
    text = read_text(path)
    name = display_name(path)
    document = _parse(text, name)
    lines = key_lines(text)
    prefix = "extends " if extended else ""
    origins = {key: f"{prefix}{name}:{line}" for key, line in lines.items()}
    base = document.pop("extends", None)
    layer = from_tables(document, origins, prefix + name)
    if base is None:
        return layer, None
    if not isinstance(base, str) or not base:
        where = origins.get(("extends",), prefix + name)
        layer.problems.append(Problem(where, "extends", "give the name or the path of a profile", base))
        return layer, None
    try:
        return layer, find(base, beside=path)
    except ProfileError as error:
        raise ProfileError(f"{origins.get(('extends',), name)}: extends: {error}") from None


def display_name(path: Path) -> str:
    """A profile's file as origins show it: packaged ones by name, others by path."""
    shown = shown_path(path)
    return f"packaged {path.name}" if path.parent == folders()["packaged"] and Path(shown).is_absolute() else shown


def _parse(text: str, name: str) -> dict[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        reason = plain(error.msg, limit=200)
        raise ProfileError(f"{name}:{error.lineno}, column {error.colno}: this is not TOML: {reason}.") from None
    except (ValueError, RecursionError):
        raise ProfileError(f"{name} is not a profile: a number is too long or tables are nested too deep.") from None


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line, from 1, on which each key of a valid TOML document stands.

    A statement is the fewest lines that parse by themselves: only an open bracket or quotation mark joins lines.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    lines = text.split("\n")
    start = 0
    while start < len(lines):
        if not lines[start].strip() or lines[start].lstrip().startswith("#"):
            start += 1
            continue
        for end in range(start + 1, min(start + LONGEST_STATEMENT, len(lines)) + 1):
            try:
                content = tomli.loads("\n".join(lines[start:end]))
            except (ValueError, RecursionError):
                continue
            break
        else:
            return found
        keys = _paths(content)
        if lines[start].lstrip().startswith("["):
            table = keys[-1] if keys else ()
            keys = [table]
        else:
            keys = [table + key for key in keys]
        for key in keys:
            for depth in range(1, len(key) + 1):
                found.setdefault(key[:depth], start + 1)
        start = end
    return found


def _paths(content: object) -> list[tuple[str, ...]]:
    if isinstance(content, list) and content and isinstance(content[0], dict):
        content = content[0]
    if not isinstance(content, dict):
        return []
    return [path for key, value in content.items() for path in [(key,), *((key, *rest) for rest in _paths(value))]]
