"""A changed profile as a file of its own: a copy of the original, comments and all, with only the changes in it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import tomli
import tomlkit
from tomlkit.items import Comment, Item, Table, Whitespace

from harmonic_core.errors import DiskError, ProfileError
from harmonic_core.profile.draft import Changed, literal
from harmonic_core.profile.explain import Key
from harmonic_core.profile.search import find, is_path
from harmonic_core.profile.toml_file import read_text
from harmonic_core.profile.words import shown, shown_path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
OF_ONE_RUN: frozenset[Key] = frozenset({("run", "name"), ("output", "output_dir")})
"""What belongs to one run and not to a profile, which may be started many times."""


def check_name(name: str) -> None:
    """Refuse what cannot be a profile's name.

    Raises
    ------
    ProfileError
        With a name that can be.
    """
    if not name:
        raise ProfileError("A profile needs a name, such as mine.")
    if name.endswith(".toml"):
        raise ProfileError(f"{shown(name)}: leave the ending out, it is added: {fit_name(name)}.")
    if not NAME.fullmatch(name):
        raise ProfileError(
            f"{shown(name)} cannot be a profile's name: up to 100 letters, digits, dots, dashes or underscores, the "
            f"first a letter or digit, such as {fit_name(name)}."
        )


def fit_name(text: str) -> str:
    """A name for a profile, as much like `text` as can be."""
    tidy = re.sub(r"[^A-Za-z0-9._-]+", "-", text.removesuffix(".toml")).strip("._-")[:100]
    return tidy or "mine"


def free_name(text: str, folder: Path) -> str:
    """A name like `text` that no profile in `folder` has."""
    stem = fit_name(text)[:95]
    candidates = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 10_000))
    return next(name for name in candidates if not os.path.lexists(folder / f"{name}.toml"))


def save_as(
    source: Path,
    changes: Sequence[Changed],
    name: str,
    folder: Path,
    *,
    overwrite: bool = False,
    text: str | None = None,
) -> Path:
    """Write a copy of a profile with `changes` in it.

    Comments, order and what the profile extends stay; what it extends is found from the new place, too. What belongs
    to one run (`OF_ONE_RUN`) is left out. The file appears whole or not at all.

    Parameters
    ----------
    source
        The profile's file.
    changes
        What to write into the copy.
    name, folder
        What to call it and where to put it; the folder is made.
    overwrite
        Whether a file of this name may be replaced.
    text
        What `source` says, if it was read already.

    Returns
    -------
    path
        The new file.

    Raises
    ------
    ProfileError
        If the name cannot be one or is taken, or the copy would extend itself.
    DiskError
        If the folder cannot be written.
    """
    check_name(name)
    path = folder / f"{name}.toml"
    original = read_text(source) if text is None else text
    written = changed_text(original, changes, extends=_extends(original, source, path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise ProfileError(f"{shown_path(path)} is a folder; take another name.")
        _write(path, written, overwrite)
    except FileExistsError:
        if not folder.is_dir():
            raise DiskError(f"{shown_path(folder)} is not a folder; move it away, or choose the other place.") from None
        raise ProfileError(
            f"{shown_path(path)} is there already; take another name, such as {free_name(name, folder)}."
        ) from None
    except OSError as error:
        reason = error.strerror or "no reason given"
        raise DiskError(f"{shown_path(path)} cannot be written: {reason}; choose another place.") from error
    return path


def changed_text(original: str, changes: Sequence[Changed], *, extends: str | None = None) -> str:
    """The text of a profile with changes in it, everything else as it was.

    Parameters
    ----------
    original
        Valid TOML.
    changes
        Settings and their new values.
    extends
        What the copy extends, where that is written otherwise than in the original.

    Raises
    ------
    ProfileError
        If the text is written in a way into which nothing can be written safely.
    """
    document = tomlkit.parse(original if original.endswith("\n") or not original else original + "\n")
    if extends is not None:
        document["extends"] = extends
    wanted: dict[str, dict[str, object]] = {
        section: dict(table) for section, table in tomli.loads(original).items() if isinstance(table, dict)
    }
    is_extended = "extends" in document
    for change in changes:
        section, leaf = change.key
        if change.key in OF_ONE_RUN:
            continue
        if change.after is None and not is_extended and leaf in wanted.get(section, {}):
            # Nothing below could give it a value, so it is simply not said any more.
            del document[section][leaf]
            del wanted[section][leaf]
            continue
        _put(document, section, leaf, tomlkit.value(literal(change)))
        wanted.setdefault(section, {})[leaf] = tomli.loads(f"value = {literal(change)}")["value"]
    text = tomlkit.dumps(document)
    said = {section: table for section, table in tomli.loads(text).items() if isinstance(table, dict)}
    if {name: table for name, table in said.items() if table} != {
        name: table for name, table in wanted.items() if table
    }:
        raise ProfileError("This profile is written in a way that cannot be copied with changes; edit it by hand.")
    return text


def _put(document: tomlkit.TOMLDocument, section: str, leaf: str, value: Item) -> None:
    table = document.get(section)
    if table is None:
        table = tomlkit.table()
        if document.body:
            document.add(tomlkit.nl())
        document[section] = table
    if not isinstance(table, Table) or leaf in table:
        table[leaf] = value
        return
    # What follows the last setting after an empty line, such as a comment, belongs to the next section.
    body = table.value.body
    last = max((place for place, (key, _) in enumerate(body) if key is not None), default=-1)
    after = next(
        (place for place, (_, item) in enumerate(body) if place > last and isinstance(item, Whitespace)), len(body)
    )
    if last >= 0 and after > last + 1 and not isinstance(body[last + 1][1], Comment):
        after = last + 1
    following = body[after:]
    del body[after:]
    if body and not body[-1][1].trivia.trail.endswith("\n"):
        body[-1][1].trivia.trail += "\n"
    table.append(leaf, value)
    body.extend(following)


def _extends(original: str, source: Path, target: Path) -> str | None:
    """How the copy has to name what the original extends, if not as the original does.

    Raises
    ------
    ProfileError
        If the copy would take the place of what it extends.
    """
    document: Mapping[str, object] = tomli.loads(original)
    base = document.get("extends")
    if not isinstance(base, str) or not base:
        return None
    extended = find(base, beside=source)
    if _same(extended, target):
        raise ProfileError(f"{shown_path(target)} is what this profile extends; take another name.")
    if _same(source, target) or _same(_named_from(base, target), extended):
        return None
    folder, there = target.parent.resolve(), extended.resolve()
    near = there.is_relative_to(Path.cwd().resolve())
    path = os.path.relpath(there, folder) if near else str(there)
    return path if "/" in path else f"./{path}"


def _named_from(base: str, target: Path) -> Path | None:
    """What `base` means in a profile at `target`, which need not be there yet."""
    beside = target.parent / (base if is_path(base) else f"{base}.toml")
    if is_path(base):
        with suppress(RuntimeError):
            return target.parent / Path(base).expanduser()
    if beside.is_file() and not _same(beside, target):
        return beside
    with suppress(ProfileError):
        return find(base)
    return None


def _same(one: Path | None, other: Path | None) -> bool:
    return one is not None and other is not None and one.resolve() == other.resolve()


def _write(path: Path, text: str, overwrite: bool) -> None:
    """Write a whole file in one step. Raises FileExistsError, where nothing may be replaced, and other OSErrors."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            # Unlike a rename, a link never replaces what somebody else has just put there.
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
