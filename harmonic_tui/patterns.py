"""What is searched for, as a regular expression or the reason why it is none."""

from __future__ import annotations

import re


class PatternError(ValueError):
    """What was typed is no regular expression; the message says where."""


def pattern_of(text: str) -> re.Pattern[str]:
    """The pattern that was typed. Capitals in it count; without any, large and small letters are the same.

    Raises
    ------
    PatternError
        If it is no regular expression.
    """
    flags = re.NOFLAG if any(letter.isupper() for letter in re.sub(r"\\.", "", text)) else re.IGNORECASE
    try:
        return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        where = getattr(error, "pos", None)
        place = f", at {where + 1}" if isinstance(where, int) else ""
        raise PatternError(f"{getattr(error, 'msg', error)}{place}") from error
