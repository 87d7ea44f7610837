"""What the figures of a study share: colours, scales, legends and words."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harmonic_core.run.studies import Objective, Study, Trial
from harmonic_core.text import plain
from harmonic_core.tuning.best import objective_words, value_of

COMPLETE, FRONT, PRUNED, FAILED, UNFINISHED, BEYOND, RECOMMENDED = "C0", "C2", "C1", "C3", "0.35", "0.5", "C4"
"""Colours of trials; each kind has a shape of its own, too."""
EDGE = 0.03
"""Where marks of trials without a value stand, as a share of the height."""

_FAR = 4.0
"""A value is cut off where it lies so many times as far from the best as the middle one does."""
_FEW = 40
"""Trials up to which marks are large."""


def worst_shown(objective: Objective, values: Sequence[float], needed: Sequence[float]) -> float:
    """Worst value that is shown in its place: a few far ones would flatten all others."""
    sign = 1.0 if objective.direction == "minimize" else -1.0
    ordered = sorted(sign * value for value in values)
    if not ordered:
        return sign
    limit = ordered[0] + _FAR * (ordered[len(ordered) // 2] - ordered[0])
    kept = [value for value in ordered if value <= limit or len(ordered) < 4 or limit <= ordered[0]]
    return sign * max([kept[-1], *(sign * value for value in needed)])


def is_within(trial: Trial, objective: Objective, limit: float) -> bool:
    """Whether a trial has its own place on a scale that ends at `limit`."""
    return not objective.is_better(limit, known_value(trial, objective))


def known_value(trial: Trial, objective: Objective) -> float:
    """What a trial came to, of one that is known to have come to something."""
    value = value_of(trial, objective)
    assert value is not None
    return value


def held(trial: Trial, objective: Objective, limit: float) -> float:
    """A value, or the end of the scale where it lies beyond."""
    return known_value(trial, objective) if is_within(trial, objective, limit) else limit


def dress(axes: Axes) -> None:
    """Lay a faint grid below everything."""
    axes.grid(visible=True, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)


def add_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend below for all panels, each entry once."""
    entries = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if entries:
        figure.legend(
            entries.values(), entries.keys(), loc="outside lower center", ncols=min(4, len(entries)), frameon=False
        )


def nothing(words: str) -> Figure:
    """A figure of words, where there is nothing to draw."""
    figure = Figure(figsize=(6.0, 2.0))
    figure.text(0.5, 0.5, words, ha="center", va="center")
    return figure


def title_of(study: Study) -> str:
    """Name of a study, as it begins a title."""
    return f"Study {plain(study.name, 40)}"


def counted(study: Study) -> str:
    """How many trials there are in each state."""
    states = ("complete", "pruned", "failed", "interrupted", "running")
    numbers = {state: sum(trial.state == state for trial in study.trials) for state in states}
    return ", ".join(f"{number} {state}" for state, number in numbers.items() if number) or "no trial yet"


def label_of(objective: Objective) -> str:
    """An objective in words, with its unit."""
    return f"{objective_words(objective)}{f', {plain(objective.unit, 12)}' if objective.unit else ''}"


def mark_size(study: Study) -> float:
    """Area of a mark, in points squared."""
    return 30.0 if len(study.trials) <= _FEW else 14.0
