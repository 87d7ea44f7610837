"""What is searched for, as a regular expression or the reason why it is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MOST_LETTERS = 200
"""Length of an expression."""
_MANY = 10
"""From so many repeats on one within another takes time without end."""
_MOST_WILD = 3
"""Repeats of anything whatever in one expression; every further one multiplies the time by the length of a line."""


class PatternError(ValueError):
    """What was typed is no regular expression that could be looked for; the message says why."""


def pattern_of(text: str) -> re.Pattern[str]:
    """The pattern that was typed. Capitals in it count; without any, large and small letters are the same.

    Raises
    ------
    PatternError
        If it is no regular expression, or one that could take for ever: nothing can stop a search that has begun.
    """
    if len(text) > MOST_LETTERS:
        raise PatternError(f"longer than {MOST_LETTERS} letters")
    flags = re.NOFLAG if any(letter.isupper() for letter in re.sub(r"\\.", "", text)) else re.IGNORECASE
    try:
        pattern = re.compile(text, flags)
        parsed = re._parser.parse(text, flags)  # type: ignore[attr-defined]
        endless, wild = _is_endless(parsed), _wild_repeats(parsed)
    except (re.error, OverflowError, RecursionError) as error:
        where = getattr(error, "pos", None)
        place = f", at {where + 1}" if isinstance(where, int) else ""
        raise PatternError(f"{getattr(error, 'msg', error)}{place}") from error
    if endless:
        raise PatternError("a repeat within a repeat, or a choice within one, could take for ever")
    if wild > _MOST_WILD:
        raise PatternError(f"more than {_MOST_WILD} times .* could take for ever")
    return pattern


def _is_endless(parsed: Iterable[tuple[Any, Any]], *, repeated: bool = False) -> bool:
    """Whether a part that is repeated many times can itself match the same text in several ways."""
    for kind, argument in parsed:
        name = str(kind)
        if name.endswith("_REPEAT"):
            least, most, inner = argument
            if (repeated and least != most) or _is_endless(inner, repeated=repeated or int(most) >= _MANY):
                return True
        elif (repeated and name == "BRANCH") or any(_is_endless(part, repeated=repeated) for part in _parts(argument)):
            return True
    return False


def _wild_repeats(parsed: Iterable[tuple[Any, Any]]) -> int:
    found = 0
    for kind, argument in parsed:
        if str(kind).endswith("_REPEAT"):
            _, most, inner = argument
            found += int(most) >= _MANY and any(_is_wild(part, what) for part, what in inner)
            found += _wild_repeats(inner)
        else:
            found += sum(map(_wild_repeats, _parts(argument)))
    return found


def _is_wild(kind: object, argument: Any) -> bool:
    """Whether it stands for nearly any letter."""
    if str(kind) == "IN":
        return any(str(part) == "NEGATE" or str(what).startswith("CATEGORY_NOT") for part, what in argument)
    return str(kind) in {"ANY", "NOT_LITERAL"}


def _parts(argument: Any) -> list[Any]:
    """Parsed parts within an argument, however deep its tuples and lists go."""
    if isinstance(argument, re._parser.SubPattern):  # type: ignore[attr-defined]
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [part for each in argument for part in _parts(each)]
    return []
