"""A letter and a hue for every value of a label, the commonest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from string import ascii_uppercase, digits
from typing import NamedTuple

from harmonic_tui.plain import plain

_HUES = ("original", "look", "kl", "validation", "reconstruction", "good", "beta", "train")
_SIGNS = ascii_uppercase + digits


class Letter(NamedTuple):
    """How the points of a value are shown."""

    sign: str
    hue: str
    """Name of a theme variable."""
    name: str
    """The value, harmless to show."""
    points: int


UNKNOWN = Letter("·", "muted", "not known", 0)
_OTHER = "•"


def letters(values: Sequence[str]) -> Mapping[str, Letter]:
    """For each value how it is shown: by a letter of its own name where that is free, else by any other.

    Parameters
    ----------
    values
        Of all points, as they are in the music; empty ones are not known.
    """
    counts = Counter(value for value in values if value)
    free = dict.fromkeys(_SIGNS)
    found: dict[str, Letter] = {}
    for number, (value, count) in enumerate(sorted(counts.items(), key=lambda each: (-each[1], each[0]))):
        name = plain(value, 24)
        sign = next((sign for sign in [*name.upper(), *free] if sign in free), _OTHER)
        free.pop(sign, None)
        found[value] = Letter(sign, _HUES[number % len(_HUES)], name, count)
    return found
