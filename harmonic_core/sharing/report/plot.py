"""A chart as shapes in a small coordinate system, ready to be written as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harmonic_core.sharing.report.scale import Scale, Tick
from harmonic_core.sharing.report.thinning import Floats, outline
from harmonic_core.sharing.report.words import figure

WIDTH, HEIGHT = 440.0, 264.0
_LEFT, _TOP, _BOTTOM = 52.0, 14.0, 38.0
_RIGHT_ALONE, _RIGHT_WITH_AXIS = 14.0, 52.0
_COLUMNS = 360
_FEW = 40
"""Points of a curve up to which each has a dot."""
_REFERENCE_BAND = 18.0
"""Room above the curves for a reference that lies far beyond them."""
_MARK_WIDTH = 5.0
_FAR = 1.0
"""How many times the range of the curves a reference may lie above them and still stretch the scale."""


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes
    ----------
    name, hue
        What it is called, and the colour that it has on every page of the project.
    steps : (points,)
        Updates, ascending.
    values : (points,)
        May be NaN or infinite.
    right
        Whether it has the scale on the right.
    """

    name: str
    hue: str
    steps: Floats
    values: Floats
    right: bool = False


@dataclass(frozen=True)
class Chart:
    """What a chart shows: curves over updates, and maybe one level to compare them with, and one best point."""

    title: str
    unit: str
    """Of the scale on the left."""
    series: list[Series]
    right_unit: str = ""
    reference: tuple[str, float] | None = None
    best: tuple[float, float] | None = None
    """Step and value."""
    includes: tuple[float, ...] = ()
    """Values that the scale on the left reaches to."""
    whole: bool = False
    """Whether the scale on the left counts something."""
    steps: float = 0.0
    """Last step of the run, so that all charts of a page have the same scale."""


@dataclass
class Line:
    """A curve as drawn."""

    name: str
    hue: str
    path: str
    dots: list[tuple[float, float]]
    points: list[list[Any]]
    """For whoever asks with a pointer: x, y (None for what is no number), step, value in words."""


@dataclass
class Plot:
    """A chart as shapes."""

    title: str
    unit: str
    right_unit: str
    lines: list[Line]
    left: float
    right: float
    top: float
    bottom: float
    y_ticks: list[Tick]
    right_ticks: list[Tick]
    x_ticks: list[Tick]
    words: str
    """The chart for those who cannot see it."""
    newest: str
    """Where every curve is now."""
    reference: Tick | None = None
    reference_is_beyond: bool = False
    best: tuple[float, float] | None = None
    broken: list[float] = field(default_factory=list)
    """Where figures were no finite numbers."""
    above: list[float] = field(default_factory=list)
    below: list[float] = field(default_factory=list)
    """Where points lie beyond the scale."""
    beyond_count: int = 0


def plot(chart: Chart) -> Plot | None:
    """Draw a chart; None where no curve has a point."""
    series = [each for each in chart.series if len(each.steps)]
    if not series:
        return None
    has_right = any(each.right for each in series)
    left_scale, right_scale = (
        Scale.of([each.values for each in series if each.right is side]) for side in (False, True)
    )
    left_scale = replace(left_scale.reaching(*chart.includes), whole=chart.whole)
    left_scale, is_beyond = _with_reference(left_scale, chart.reference)
    top, bottom = _TOP + (_REFERENCE_BAND if is_beyond else 0.0), HEIGHT - _BOTTOM
    right = WIDTH - (_RIGHT_WITH_AXIS if has_right else _RIGHT_ALONE)
    across = Scale.across(max(chart.steps, *(float(each.steps[-1]) for each in series)))
    drawn = Plot(
        title=chart.title,
        unit=chart.unit,
        right_unit=chart.right_unit if has_right else "",
        lines=[],
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        y_ticks=left_scale.ticks(bottom, top),
        right_ticks=right_scale.ticks(bottom, top) if has_right else [],
        x_ticks=across.ticks(_LEFT, right),
        words=_words(chart, series),
        newest="; ".join(f"{each.name} {figure(float(each.values[-1]))}" for each in series),
        reference_is_beyond=is_beyond,
        beyond_count=left_scale.beyond + right_scale.beyond,
    )
    for each in series:
        _add_line(drawn, each, across, right_scale if each.right else left_scale, top)
    drawn.broken, drawn.above, drawn.below = map(_apart, (drawn.broken, drawn.above, drawn.below))
    if chart.reference and left_scale.known:
        name, level = chart.reference
        at = _TOP + _REFERENCE_BAND / 3 if is_beyond else left_scale.height(level, top, bottom)
        drawn.reference = Tick(round(at, 1), f"{name} {figure(level)} {chart.unit}")
    if chart.best and left_scale.known:
        step, value = chart.best
        drawn.best = round(across.place(step, _LEFT, right), 1), round(left_scale.height(value, top, bottom), 1)
    return drawn


def _with_reference(scale: Scale, reference: tuple[str, float] | None) -> tuple[Scale, bool]:
    """The scale stretched to a level that is near, and whether it is too far for that."""
    if reference is None or not scale.known:
        return scale, False
    level, reach = reference[1], _FAR * (scale.high - scale.low)
    if scale.low - reach <= level <= scale.high + reach:
        return scale.reaching(level), False
    return scale, True


def _add_line(drawn: Plot, series: Series, across: Scale, scale: Scale, top: float) -> None:
    line = Line(series.name, series.hue, "", [], [])
    parts: list[str] = []
    joined = False
    kept = outline(series.steps, series.values, _COLUMNS)
    for index in kept:
        step, value = int(series.steps[index]), float(series.values[index])
        x = round(across.place(step, drawn.left, drawn.right), 1)
        if not math.isfinite(value) or not scale.known:
            drawn.broken.append(x)
            line.points.append([x, None, step, figure(value)])
            joined = False
            continue
        y = round(scale.height(value, top, drawn.bottom), 1)
        if scale.is_beyond(value):
            (drawn.above if value > scale.high else drawn.below).append(x)
        line.points.append([x, y, step, figure(value)])
        # A place of its own, between two that are no numbers, is a line of no length: with round ends a dot.
        parts.append(f"L{x:g} {y:g}" if joined else f"M{x:g} {y:g}h0")
        joined = True
    line.path = "".join(parts)
    if len(kept) <= _FEW:
        line.dots = [(x, y) for x, y, *_ in line.points if y is not None]
    drawn.lines.append(line)


def _apart(places: Iterable[float]) -> list[float]:
    """Marks that do not lie upon one another."""
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] >= _MARK_WIDTH:
            kept.append(place)
    return kept


def _words(chart: Chart, series: Sequence[Series]) -> str:
    told = [
        f"{each.name} from {figure(float(each.values[0]))} to {figure(float(each.values[-1]))}"
        f"{'' if each.right or not chart.unit else f' {chart.unit}'}"
        for each in series
    ]
    reference = [f"{chart.reference[0]} {figure(chart.reference[1])} {chart.unit}"] if chart.reference else []
    last = max(float(each.steps[-1]) for each in series)
    return f"{chart.title} up to step {last:.0f}: {'; '.join([*told, *reference])}"
