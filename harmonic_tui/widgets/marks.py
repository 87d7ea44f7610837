"""What is to be known of a chart's picture, in words or as signs: what is missing in it, and what cannot be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from harmonic_core.run.words import count
from harmonic_tui.widgets.plot import INFINITE, NOT_A_NUMBER

if TYPE_CHECKING:
    from harmonic_tui.curves.series import Curve


class Mark(NamedTuple):
    """One thing to be known, at length and as short as can be."""

    words: str
    short: str
    hue: str = "look"


def told(marks: Sequence[Mark], *, short: bool) -> list[Content]:
    """Marks for a title."""
    return [Content.styled(f"  {mark.short if short else mark.words}", f"${mark.hue}") for mark in marks]


def gap_marks(curves: Sequence[Curve]) -> list[Mark]:
    """How often figures of all curves were no finite numbers, by kind."""
    import numpy as np

    values = np.concatenate([curve.bad_values for curve in curves] or [np.empty(0, np.float32)])
    marks = []
    if not_numbers := int(np.isnan(values).sum()):
        marks.append(Mark(f"{NOT_A_NUMBER} {count(not_numbers)} NaN", f"{NOT_A_NUMBER}{count(not_numbers)}"))
    for sign, number in (("", int(np.isposinf(values).sum())), ("−", int(np.isneginf(values).sum()))):
        if number:
            marks.append(Mark(f"{sign}{INFINITE} {count(number)} infinite", f"{sign}{INFINITE}{count(number)}"))
    return marks


def clip_marks(clipped: Mapping[str, tuple[int, int]]) -> list[Mark]:
    """How many points lie beyond the picture: below and above, by the side of their axis."""
    words: list[str] = []
    for side, (below, above) in clipped.items():
        on_the_right = " on the right" if side == "right" else ""
        for number, where in ((above, "above"), (below, "below")):
            noun = "" if words else " point" if number == 1 else " points"
            words += [f"{count(number)}{noun} {where}{on_the_right}"] if number else []
    if not words:
        return []
    below, above = (sum(each[end] for each in clipped.values()) for end in (0, 1))
    signs = [f"{sign}{count(number)}" for sign, number in (("▴", above), ("▾", below)) if number]
    return [Mark(f"clipped: {', '.join(words)}", " ".join(signs))]
