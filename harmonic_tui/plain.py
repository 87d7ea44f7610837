"""Text from outside made harmless: what a file name, a tag or a log may put on the screen."""

from __future__ import annotations

import re
import unicodedata

from textual.content import Content

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, clipboards, links
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences: colours, cursor
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # strings for devices
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
_DROPPED = {"Cf"}  # bidi overrides, zero-width characters
_SPACES = {"Zl", "Zp"}


def plain(text: str, limit: int = 300) -> str:
    """`text` on one line without escape sequences, control characters and text-direction tricks.

    Parameters
    ----------
    text
        Anything, also a file name that was no valid UTF-8.
    limit
        Most characters to keep; a cut shows as an ellipsis.
    """
    cut = text[: 4 * limit]
    kept = "".join(_harmless(character) for character in _ESCAPE_SEQUENCE.sub("", cut)).strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def plain_content(text: str, style: str = "", limit: int = 300) -> Content:
    """The same as content for a widget, in which brackets are brackets."""
    return Content.styled(plain(text, limit), style)


def plain_lines(text: str, last: int) -> list[str]:
    """The `last` lines of `text` that are not empty. Of a line that was overwritten in place the newest part counts."""
    lines = (plain(line.rstrip("\r").rsplit("\r", 1)[-1]) for line in text.split("\n"))
    return [line for line in lines if line][-last:]


def _harmless(character: str) -> str:
    category = unicodedata.category(character)
    if category in _DROPPED:
        return ""
    if category == "Cc":
        return " " if character in "\t\n\r\v\f" else ""
    if category in _SPACES:
        return " "
    return "\N{REPLACEMENT CHARACTER}" if category == "Cs" else character
