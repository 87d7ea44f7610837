"""Where profiles are found: `./profiles`, the user's configuration folder, the ones that come with the program."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from harmonic_core.errors import ProfileError
from harmonic_core.profile.words import nearest, shown, shown_path
from harmonic_core.text import plain

Origin = Literal["project", "user", "packaged"]


@dataclass(frozen=True)
class Listing:
    """One profile as lists show it."""

    name: str
    path: Path
    origin: Origin
    description: str
    dataset: str
    error: str | None
    """Why the profile cannot be used; None when it can."""


def packaged_folder() -> Path:
    """The folder of the profiles that come with the program, from a wheel or from a source checkout."""
    here = Path(__file__).resolve().parent
    in_wheel = here / "packaged"
    return in_wheel if in_wheel.is_dir() else here.parents[1] / "profiles"


def folders() -> dict[Origin, Path]:
    """The folders that are searched, first come first served."""
    return {
        "project": Path("profiles"),
        "user": platformdirs.user_config_path("harmonic-vae", appauthor=False) / "profiles",
        "packaged": packaged_folder(),
    }


def is_path(name_or_path: str | Path) -> bool:
    """Whether a path is meant: it has a separator or ends in `.toml`."""
    text = str(name_or_path)
    return isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith(".toml")


def find(name_or_path: str | Path, *, beside: Path | None = None) -> Path:
    """Find a profile's file.

    Parameters
    ----------
    name_or_path
        A profile's name, or a path when it has a separator or ends in `.toml`.
    beside
        A profile that refers to this one: paths are relative to its folder, names are looked for there first, and it
        never finds itself.

    Raises
    ------
    ProfileError
        There is no such profile.
    """
    if is_path(name_or_path):
        return _find_path(Path(name_or_path), beside)
    name = str(name_or_path)
    places = [*([beside.parent] if beside else []), *folders().values()]
    for place in places:
        path = place / f"{name}.toml"
        # An OSError is a name too long for a file or a folder that is closed to us.
        with suppress(OSError):
            if "\0" not in name and path.is_file() and not (beside and path.samefile(beside)):
                return path
    raise ProfileError(_unknown(name))


def available() -> list[Listing]:
    """Every profile that can be named, by folder and name; one that cannot be used is listed with the reason."""
    found: dict[str, Listing] = {}
    for origin, folder in folders().items():
        for path in _toml_files(folder):
            if path.stem not in found:
                found[path.stem] = _listing(path, origin)
    return list(found.values())


def _find_path(path: Path, beside: Path | None) -> Path:
    if "\0" in str(path):
        raise ProfileError(f"{shown(path)} is not a path: it holds a NUL character. Give a profile's name or file.")
    with suppress(RuntimeError):  # a `~name` of nobody stays as it is
        path = path.expanduser()
    if beside and not path.is_absolute():
        path = beside.parent / path
    try:
        is_there = path.exists()
    except OSError as error:
        raise ProfileError(f"{shown_path(path)} cannot be read: {error.strerror or 'no reason given'}.") from None
    if path.is_dir():
        raise ProfileError(f"{shown_path(path)} is a folder; give the profile's file in it.")
    if not is_there:
        known = [name for name in names() if name == path.stem]
        hint = f" Did you mean the profile `{known[0]}`?" if known else " `harmonic profiles list` shows what there is."
        raise ProfileError(f"There is no file {shown_path(path)}.{hint}")
    return path


def _unknown(name: str) -> str:
    known = names()
    near = nearest(name, known)
    hint = f" Did you mean `{plain(near)}`?" if near else ""
    listed = ", ".join(plain(each) for each in known) or "none"
    own = "A file of your own is given by its path, such as ./mine.toml."
    return f"There is no profile {shown(name)}.{hint} There are: {listed}. {own}"


def names() -> list[str]:
    """Names of all profiles, each once, in the order of the search."""
    return list(dict.fromkeys(path.stem for folder in folders().values() for path in _toml_files(folder)))


def _toml_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml" and path.is_file())
    except OSError:
        return []


def _listing(path: Path, origin: Origin) -> Listing:
    from harmonic_core.profile.resolve import load

    try:
        profile = load(path)
    except ProfileError as error:
        return Listing(path.stem, path, origin, "", "", str(error))
    return Listing(path.stem, path, origin, profile.run.description, profile.data.dataset, None)
