"""Strings from outside, made fit to be shown."""

from __future__ import annotations

import unicodedata

_UNFIT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that move the cursor, turn the text around or show nothing."""


def plain(text: str, limit: int = 200) -> str:
    """Text on one line with everything that a terminal might obey written as an escape, cut after `limit` characters.

    Undecodable bytes of file names (surrogates) are escaped too, so the result can always be encoded.
    """
    shown = "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if unicodedata.category(character) in _UNFIT
        else character
        for character in text[: limit + 1]
    )
    return shown if len(text) <= limit else f"{shown[: limit - 1]}…"
