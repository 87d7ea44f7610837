"""The figure of what was traded for what: both objectives of a study against each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harmonic_core.run.studies import Objective, Study, Trial
from harmonic_core.tuning.best import completed, front_of, recommended, value_of
from harmonic_core.tuning.figure_parts import (
    BEYOND,
    COMPLETE,
    EDGE,
    FRONT,
    PRUNED,
    RECOMMENDED,
    add_legend,
    counted,
    dress,
    held,
    is_within,
    known_value,
    label_of,
    mark_size,
    nothing,
    title_of,
    worst_shown,
)

_ROOM = (0.06, 0.035)
"""What a number needs, as shares of the width and the height."""


def pareto(study: Study) -> Figure:
    """Both objectives against each other; the line borders what no trial has reached, and its trials are diamonds."""
    if len(study.objectives) < 2:
        return nothing(f"{title_of(study)}\n\nIt has one objective, so nothing was traded for anything.")
    across, up = study.objectives[:2]
    both = [trial for trial in completed(study) if None not in (value_of(trial, across), value_of(trial, up))]
    if not both:
        return nothing(f"{title_of(study)}\n\nNo trial has both figures yet: {counted(study)}.")
    front = sorted(front_of(study), key=lambda trial: known_value(trial, across))
    figure = Figure(figsize=(8.0, 6.6), layout="constrained")
    axes = figure.subplots()
    dress(axes)
    limits = _Limits(across, _limit(across, both, front), up, _limit(up, both, front))
    _draw_trials(axes, study, both, front, limits)
    axes.margins(0.1)
    axes.autoscale_view()
    chosen = recommended(study)
    _number(axes, sorted(front, key=lambda trial: trial != chosen), limits)
    axes.set(xlabel=f"{label_of(across)} ({_better(across)})", ylabel=f"{label_of(up)} ({_better(up)})")
    add_legend(figure, [axes])
    figure.suptitle(f"{title_of(study)}: {len(front)} of {len(both)} trials on the Pareto front")
    return figure


class _Limits(NamedTuple):
    """Both objectives, each with the worst value that is shown in its place."""

    across: Objective
    right: float
    up: Objective
    top: float

    def places(self, trials: Iterable[Trial]) -> tuple[list[float], list[float]]:
        """Where trials stand; those beyond the scales at the edges."""
        shown = list(trials)
        return (
            [held(trial, self.across, self.right) for trial in shown],
            [held(trial, self.up, self.top) for trial in shown],
        )


def _limit(objective: Objective, both: Sequence[Trial], front: Sequence[Trial]) -> float:
    values, needed = ([known_value(trial, objective) for trial in trials] for trials in (both, front))
    return worst_shown(objective, values, needed)


def _draw_trials(axes: Axes, study: Study, both: Sequence[Trial], front: Sequence[Trial], limits: _Limits) -> None:
    size, chosen = mark_size(study), recommended(study)
    right = [trial for trial in both if not is_within(trial, limits.across, limits.right)]
    top = [trial for trial in both if not is_within(trial, limits.up, limits.top)]
    inside = [trial for trial in both if trial not in front and trial not in right and trial not in top]
    for trials, marker, colour, larger, words in (
        (inside, "o", COMPLETE, 1.0, "complete"),
        (right, ">", BEYOND, 1.4, "beyond the scale"),
        (top, "^", BEYOND, 1.4, "beyond the scale"),
        (front, "D", FRONT, 1.8, "Pareto front"),
    ):
        if trials:
            x, y = limits.places(trials)
            axes.scatter(x, y, s=larger * size, marker=marker, color=colour, linewidths=0, zorder=3, label=words)
    axes.step(*limits.places(front), where="post", color=FRONT, linewidth=1.4, zorder=2)
    pruned = [trial for trial in study.trials if trial.state == "pruned" and value_of(trial, limits.across) is not None]
    x = [known_value(trial, limits.across) for trial in pruned if is_within(trial, limits.across, limits.right)]
    if x:
        above = axes.get_xaxis_transform()
        axes.scatter(x, [1 - EDGE] * len(x), s=size, marker="x", color=PRUNED, transform=above, label="pruned before")
    if chosen is not None and chosen in both:
        x, y = limits.places([chosen])
        words = f"recommended: trial {chosen.number}"
        axes.scatter(x, y, s=5 * size, facecolors="none", edgecolors=RECOMMENDED, zorder=4, label=words)


def _number(axes: Axes, trials: Sequence[Trial], limits: _Limits) -> None:
    """Write the numbers of trials beside them, as far as they leave each other room; the first have it first."""
    written: list[tuple[float, float]] = []
    for trial, place in zip(trials, zip(*limits.places(trials), strict=True), strict=True):
        x, y = axes.transAxes.inverted().transform(axes.transData.transform(place))
        if all(abs(x - other) > _ROOM[0] or abs(y - above) > _ROOM[1] for other, above in written):
            axes.annotate(str(trial.number), place, xytext=(7, 6), textcoords="offset points", color=FRONT)
            written.append((x, y))


def _better(objective: Objective) -> str:
    return "lower is better" if objective.direction == "minimize" else "higher is better"
