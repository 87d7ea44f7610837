"""Text from outside made harmless: what a file name, a tag or a log may put on the screen."""

from __future__ import annotations

import re

from rich.cells import cell_len

from harmonic_core.text import plain as escaped

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, clipboards, links
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences: colours, cursor
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # strings for devices
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)


def plain(text: str, limit: int = 300) -> str:
    """`text` on one line: escape sequences removed, and what else a terminal might obey made visible.

    Parameters
    ----------
    text
        Anything, also a file name that was no valid UTF-8.
    limit
        Most characters to keep; a cut shows as an ellipsis.
    """
    printed = _ESCAPE_SEQUENCE.sub("", text[: 4 * limit])
    return escaped(" ".join(printed.split()), limit)


def plain_lines(text: str, last: int) -> list[str]:
    """The `last` lines of `text` that are not empty. Of a line that was overwritten in place the newest part counts."""
    lines = (plain(line.rstrip("\r").rsplit("\r", 1)[-1]) for line in text.split("\n"))
    return [line for line in lines if line][-last:]


def end_of(path: str, cells: int) -> str:
    """The end of a path in at most `cells` columns: it tells more than the beginning."""
    if cell_len(path) <= cells:
        return path
    end = path[-cells:]
    while end and cell_len(end) > cells - 1:
        end = end[1:]
    return f"…{end}"
