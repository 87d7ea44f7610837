"""How values and names from outside are shown: on one line, cut short, with nothing a terminal would obey."""

import difflib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harmonic_core.text import plain

LONGEST_SHOWN = 60
MOST_ITEMS = 12


def shown(value: object) -> str:
    """A value as TOML would write it, on one line, escaped and cut."""
    match value:
        case None | bool():
            text = {None: "null", True: "true", False: "false"}[value]
        case str() | Path():
            text = '"' + plain(str(value), LONGEST_SHOWN).replace('"', '\\"') + '"'
        case (Path() as path,):
            text = shown(path)
        case list() | tuple():
            few = ", ".join(shown(item) for item in value[:MOST_ITEMS])
            text = plain(f"[{few}{', …' if len(value) > MOST_ITEMS else ''}]", LONGEST_SHOWN)
        case dict():
            text = "{…}"
        case int() if value.bit_length() > 10_000:
            # Python refuses to write integers of more than 4300 digits.
            text = "a number of thousands of digits"
        case _:
            text = plain(str(value), LONGEST_SHOWN)
    return text


def shown_path(path: Path) -> str:
    """A path from the current folder where it lies below it, else as it is; escaped, not cut."""
    with suppress(ValueError, OSError):
        path = path.absolute().relative_to(Path.cwd())
    return plain(str(path), limit=4096)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when none is like it."""
    return next(iter(difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.7)), None)
