"""How trials are marked, in the table and in the charts: by shape as well as by colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harmonic_tui.plain import plain
from harmonic_tui.wording import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harmonic_core.run.studies import Objective
    from harmonic_tui.curves.series import Curve

TRIAL_STATES: dict[str, Mark] = {
    "running": Mark("●", "running", "good"),
    "complete": Mark("✓", "complete", "good"),
    "pruned": Mark("✂", "pruned", "look"),
    "failed": Mark("✗", "failed", "bad"),
    "interrupted": Mark("■", "interrupted", "look"),
}


class Sign(NamedTuple):
    """A character and the hue it has."""

    character: str
    hue: str


RECOMMENDED, FRONT, CURSOR = Sign("◆", "good"), Sign("◇", "good"), Sign("◉", "primary")
POINTS: dict[str, Sign] = {
    "complete": Sign("•", "validation"),
    "pruned": Sign("×", "look"),
    "running": Sign("○", "good"),
    "failed": Sign("✗", "bad"),
}
"""Trials in the charts, by state."""

_WORDS = {"recon_db": "error", "mel_fd": "mel-FD"}
_FAR = 4.0
"""A value is cut off where it lies so many times as far from the best as the middle one does."""


def named(objective: Objective, unit: bool = True) -> str:
    """An objective in a word, with its unit: `error dB`."""
    word = _WORDS.get(objective.name, plain(objective.name, 20))
    return f"{word} {plain(objective.unit, 12)}" if unit and objective.unit else word


def worst_shown(values: Sequence[float], objective: Objective, needed: Sequence[float] = ()) -> float:
    """The worst value that has its place on a scale; what is worse would flatten all others, and stands at the edge.

    Parameters
    ----------
    values
        All of them, one at least.
    objective
        Says what is worse.
    needed
        Those that have to be on the scale, however far they lie.
    """
    sign = 1.0 if objective.direction == "minimize" else -1.0
    ordered = sorted(sign * value for value in values)
    limit = ordered[0] + _FAR * (ordered[len(ordered) // 2] - ordered[0])
    kept = [value for value in ordered if value <= limit or len(ordered) < 4 or limit <= ordered[0]]
    return sign * max([kept[-1], *(sign * value for value in needed)])


def stairs(corners: Sequence[tuple[float, float]]) -> Curve:
    """A line that runs level from each corner to the next one, and changes there."""
    import numpy as np

    from harmonic_tui.curves.series import Curve

    across, up = [corners[0][0]], [corners[0][1]]
    for x, y in corners[1:]:
        across += [x, x]
        up += [up[-1], y]
    places, nothing = np.array(across, float), np.empty(0)
    return Curve(places, np.array(up, float), np.empty(0, np.int64), nothing.astype(np.float32), nothing)
