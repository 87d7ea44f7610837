"""Strings from outside, made fit to be shown."""

from __future__ import annotations


def plain(text: str, limit: int = 200) -> str:
    """Text on one line with everything that a terminal might obey written as an escape, cut after `limit` characters.

    Spaces of other widths become plain ones. Undecodable bytes of file names (surrogates) are escaped too, so the
    result can always be encoded.
    """
    shown = "".join(map(_fit, text[: limit + 1]))
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _fit(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace() and ord(character) > 0x7F and character not in "\x85\u2028\u2029":
        return " "
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
