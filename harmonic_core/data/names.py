"""Names of artists, albums, composers and pieces: when two spellings mean the same, and when a name says nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_UNKNOWN = re.compile(
    "|unknown( artist| album| artist unknown album)?|no artist|artist|album|untitled|none|n ?a|misc|others?|v ?a"
    "|various( artists?)?|diverse|compilations?|verschiedene( interpreten)?|varios artistas|artistes divers"
)
_SHELF = re.compile(
    r"(cd|dis[ck]|vol|volume|side|part|track)? ?[0-9]{1,4}|live|studio|demos?|albums?|singles?|eps?|songs?|tracks?"
    "|music|audio|recordings?|downloads?|wav|mp3|flac|ogg|m4a"
)
_GUESTS = re.compile(r"\s[(\[]?(?:feat\.?|ft\.?|featuring)\s.*", re.DOTALL | re.IGNORECASE)
_NO_WORD = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """A name for comparison: without regard to case, width and number of spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def plain_letters(text: str) -> str:
    """`folded` without accents, for searching: `Dvorak` is found in `Antonín Dvořák`."""
    parts = unicodedata.normalize("NFKD", folded(text))
    return "".join(part for part in parts if not unicodedata.combining(part))


def is_name(text: str) -> bool:
    """Whether a name tells one artist or album from another; `Various Artists` does not, nor does an empty one."""
    words = _words(text)
    # A band may be called `!!!`.
    return not _UNKNOWN.fullmatch(words) or bool(not words and folded(text).strip("-_.? <>[]()"))


def is_shelf(text: str) -> bool:
    """Whether a folder of this name only sorts what is in the one above: `CD 2`, `live`, `mp3`."""
    return bool(_SHELF.fullmatch(_words(text)))


def _words(text: str) -> str:
    return _NO_WORD.sub(" ", folded(text)).strip()


def keys_of(metadata: Mapping[str, str]) -> frozenset[str]:
    """What a track must not be divided from: its artist, else its album; nothing where neither is known."""
    for kind in ("artist", "album"):
        name = metadata.get(kind, "")
        if is_name(name):
            return frozenset({f"{kind}:{folded(_GUESTS.sub('', name)) or folded(name)}"})
    return frozenset()
