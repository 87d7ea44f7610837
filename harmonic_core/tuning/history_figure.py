"""The figure of how a search went: what every trial came to, in its order."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harmonic_core.run.studies import Objective, Study, Trial
from harmonic_core.text import plain
from harmonic_core.tuning.best import completed, front_of, value_of
from harmonic_core.tuning.figure_parts import (
    BEYOND,
    COMPLETE,
    EDGE,
    FAILED,
    FRONT,
    PRUNED,
    UNFINISHED,
    add_legend,
    counted,
    dress,
    is_within,
    known_value,
    label_of,
    mark_size,
    title_of,
    worst_shown,
)


def history(study: Study) -> Figure:
    """Every trial in its order, an objective a panel, with the best so far; those without a value at the lower edge."""
    objectives = study.objectives or (study.objective,)
    figure = Figure(figsize=(9.0, 1.8 + 2.9 * len(objectives)), layout="constrained")
    panels = figure.subplots(len(objectives), 1, sharex=True, squeeze=False)[:, 0]
    last = max((trial.number for trial in study.trials), default=0)
    for axes, objective in zip(panels, objectives, strict=True):
        dress(axes)
        _history_of(axes, study, objective, last)
        axes.set_ylabel(label_of(objective))
    _mark_stages(panels[0], study)
    panels[-1].set_xlim(-0.6, last + 0.6)
    panels[-1].set_xlabel("trial")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    add_legend(figure, list(panels))
    figure.suptitle(f"{title_of(study)}: {counted(study)}")
    return figure


def _history_of(axes: Axes, study: Study, objective: Objective, last: int) -> None:
    """One objective over the trials."""
    size = mark_size(study)
    finished = [trial for trial in completed(study) if value_of(trial, objective) is not None]
    front = front_of(study)
    known = [value for trial in study.trials if (value := value_of(trial, objective)) is not None]
    limit = worst_shown(objective, known, [known_value(trial, objective) for trial in front if trial in finished])
    shown = [trial for trial in study.trials if value_of(trial, objective) is not None]
    kinds = (
        ([t for t in shown if t.state == "complete" and t not in front], "o", COMPLETE, "complete", 1.0),
        ([t for t in shown if t in front and t in finished], "D", FRONT, "on the front", 1.4),
        ([t for t in shown if t.state == "pruned"], "x", PRUNED, "pruned", 1.0),
        ([t for t in shown if t.state in {"running", "interrupted"}], "s", UNFINISHED, "not at its end", 1.0),
    )
    for trials, marker, colour, words, larger in kinds:
        within = [trial for trial in trials if is_within(trial, objective, limit)]
        places = [trial.number for trial in within], [known_value(trial, objective) for trial in within]
        if within:
            axes.scatter(*places, s=larger * size, marker=marker, color=colour, zorder=3, label=words)
    beyond = [trial.number for trial in shown if not is_within(trial, objective, limit)]
    if beyond:
        edge = [limit] * len(beyond)
        axes.scatter(beyond, edge, s=1.4 * size, marker="^", color=BEYOND, linewidths=0, label="beyond the scale")
    # A trial that has no value has its place in the order all the same.
    for state, marker, colour, words in (
        ("failed", "v", FAILED, "failed"),
        ("pruned", "x", PRUNED, "pruned"),
    ):
        at = [t.number for t in study.trials if t.state == state and (t not in shown or state == "failed")]
        if at:
            below = axes.get_xaxis_transform()
            axes.scatter(at, [EDGE] * len(at), s=size, marker=marker, color=colour, transform=below, label=words)
    _draw_best_so_far(axes, finished, objective, last, limit)
    if not known:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no trial has this figure", transform=axes.transAxes, ha="center", color="0.4")
    axes.margins(y=0.14)


def _draw_best_so_far(axes: Axes, finished: Sequence[Trial], objective: Objective, last: int, limit: float) -> None:
    places: list[float] = []
    values: list[float] = []
    for trial in finished:
        value = known_value(trial, objective)
        if not values or objective.is_better(value, values[-1]):
            places.append(trial.number)
            values.append(value)
    if values:
        held = [limit if objective.is_better(limit, value) else value for value in values]
        axes.step([*places, last], [*held, held[-1]], where="post", color=FRONT, linewidth=1.4, label="best so far")


def _mark_stages(axes: Axes, study: Study) -> None:
    """Name the stages of a search at the top, where each begins."""
    begun = dict[str, int]()
    for trial in study.trials:
        if trial.stage:
            # Its first word: what each of many refinements is about has no room.
            begun.setdefault(trial.stage.split()[0], trial.number)
    for place, (stage, number) in enumerate(begun.items()):
        axes.axvline(number - 0.5, color="0.6", linewidth=0.8, linestyle=":")
        axes.annotate(
            plain(stage, 30),
            (number - 0.5, 1.0),
            xycoords=axes.get_xaxis_transform(),
            # A stage may be one trial long: names of neighbours stand above each other.
            xytext=(3, 3 + 11 * (place % 2)),
            textcoords="offset points",
            color="0.35",
        )
