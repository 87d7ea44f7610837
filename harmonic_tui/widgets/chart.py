"""A chart of curves over the steps of a run, in a frame with a title, a legend and the newest values."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.text import Text
from textual.color import Color
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.series import Curve, Scale
from harmonic_tui.widgets.axes import Axis, step_axis, value_axis

if TYPE_CHECKING:
    from textual_plotext.plot import Plot

REDRAW_INTERVAL_S = 0.5
SHARE_OF_TIME = 0.01
"""Most of one core's time that goes into drawing a chart: a console on the trainer's own machine must not slow it."""

LEFT: Literal[1] = 1
RIGHT: Literal[2] = 2
"""The value axes, as plotext numbers them."""

GAP = "×"
"""Marks a step at which a figure was no finite number."""

_SIDES = {LEFT: "left", RIGHT: "right"}
_LEAST_COLUMNS, _LEAST_ROWS = 16, 5
_ROWS_BELOW = 2
"""Rows that the axis of time takes."""


@dataclass(frozen=True)
class Line:
    """One curve of a chart."""

    name: str
    curve: Curve
    hue: str
    sign: str = "─"
    side: Literal[1, 2] = LEFT


class Chart(Widget):
    """Base of all charts. A chart says what its lines are; ticks, decimation and thrift with redraws are here."""

    heading: ClassVar[str] = ""
    waiting: ClassVar[str] = "waiting for the first figures"

    def __init__(self, scale: Scale, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame chart")
        self.scale = scale
        self.redraws = 0
        self._drawn_at = -math.inf
        self._cost_s = 0.0
        self._drawn: tuple[object, ...] = ()
        self._pending: Timer | None = None

    def lines(self) -> Sequence[Line]:
        """Curves, the most important last: it lies on top."""
        raise NotImplementedError

    def foot(self) -> Content:
        """Newest values, for the frame."""
        raise NotImplementedError

    def level(self) -> float | None:
        """Height of a line across the whole chart, on the left axis."""
        return None

    def point(self) -> tuple[float, float] | None:
        """A point worth a mark, as step and value on the left axis."""
        return None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())
        self.border_title = Content(self.heading)

    @cached_property
    def plt(self) -> Plot:
        """The figure of plotext behind the chart; loaded with the first curve, after the first frame."""
        from textual_plotext.plot import Plot

        return Plot()

    def touch(self) -> None:
        """Tell the chart that there are new figures: if some are its own it is drawn anew, soon and not too often."""
        if self._pending is None and self._what_is_shown() != self._drawn:
            interval = max(REDRAW_INTERVAL_S, self._cost_s / SHARE_OF_TIME)
            wait = max(0.0, self._drawn_at + interval - time.monotonic())
            self._pending = self.set_timer(wait, self._redraw) if wait else None
            if not wait:
                self._redraw()

    @property
    def is_current(self) -> bool:
        """Whether nothing newer than what is shown waits for its turn to be drawn."""
        return self._pending is None

    def _what_is_shown(self) -> tuple[object, ...]:
        """What a picture depends on, short: no two equal ones look different."""
        curves = ((line.curve.end, line.curve.newest, len(line.curve.values)) for line in self.lines())
        return (*curves, self.level(), self.point(), self.scale.best, self.scale.steps_per_epoch)

    def _redraw(self) -> None:
        self._pending = None
        self._drawn_at, self._drawn = time.monotonic(), self._what_is_shown()
        drawn = [line for line in self.lines() if line.curve.values or line.curve.gaps]
        legend = [Content.styled(f"  {line.sign} {line.name}", f"${line.hue}") for line in drawn]
        gaps = max((len(line.curve.gaps) for line in drawn), default=0)
        marked = Content.styled(f"  {GAP} {count(gaps)} not a number", "$look") if gaps else Content("")
        title = Content.assemble(self.heading, *legend, marked)
        self.border_title = (
            title if title.cell_length <= self.size.width - 2 else Content.assemble(self.heading, *legend)
        )
        self.border_subtitle = self.foot() if drawn else Content("")
        self.refresh()

    def render(self) -> Text | Content:
        """The picture, or in words what it waits for."""
        self.redraws += 1
        began = time.thread_time()
        picture = self._picture()
        self._cost_s = time.thread_time() - began
        return picture

    def _picture(self) -> Text | Content:
        lines = [line for line in self.lines() if line.curve.values]
        if not lines or self.size.width < _LEAST_COLUMNS or self.size.height < _LEAST_ROWS:
            return self._in_words(bool(lines))
        plot = self.plt
        plot.clear_data()
        plot.plotsize(self.size.width, self.size.height)
        # The widget library sets the size twice as well; a figure that was resized keeps the old one otherwise.
        plot._set_size(self.size.width, self.size.height)
        plot.canvas_color("default")
        plot.axes_color("default")
        plot.ticks_color(self._rgb("ticks"))
        plot.xaxes(True, False)
        plot.yaxes(True, any(line.side == RIGHT for line in lines))
        self._draw_axes(lines)
        self._draw_lines(lines)
        return Text.from_ansi(plot.build())

    def _draw_axes(self, lines: Sequence[Line]) -> None:
        last = max(line.curve.end for line in lines)
        along = step_axis(last, self.scale.steps_per_epoch, self.size.width - 14)
        self.plt.xlim(along.low, along.high)
        self.plt.xticks(along.ticks, along.labels)
        for side in (LEFT, RIGHT):
            axis = self._value_axis([line for line in lines if line.side == side], side)
            if axis:
                self.plt.ylim(axis.low, axis.high, yside=side)
                self.plt.yticks(axis.ticks, axis.labels, yside=side)
            else:
                self.plt.yticks([], [], yside=side)

    def _value_axis(self, lines: Sequence[Line], side: int) -> Axis | None:
        values = [value for line in lines for value in (min(line.curve.values), max(line.curve.values))]
        level = self.level()
        if level is not None and side == LEFT:
            values.append(level)
        return value_axis(min(values), max(values), self.size.height - _ROWS_BELOW) if values else None

    def _draw_lines(self, lines: Sequence[Line]) -> None:
        rows = self.size.height - _ROWS_BELOW
        left = self._value_axis([line for line in lines if line.side == LEFT], LEFT)
        level, point = self.level(), self.point()
        if level is not None and left is not None:
            self.plt.hline(left.middle_of_row(level, rows), self._rgb("faint"))
        for line in lines:
            for steps, values in line.curve.pieces(2 * self.size.width):
                self.plt.plot(steps, values, marker="braille", color=self._rgb(line.hue), yside=_SIDES[line.side])
        if left is None:
            return
        if gaps := self._gaps(lines):
            bottom = left.middle_of_row(left.low, rows)
            self.plt.scatter(gaps, [bottom] * len(gaps), marker=GAP, color=self._rgb("look"))
        if point is not None:
            self.plt.scatter([point[0]], [left.middle_of_row(point[1], rows)], marker="◆", color=self._rgb("good"))

    def _gaps(self, lines: Sequence[Line]) -> list[float]:
        """Steps at which a curve has no number, one a column."""
        per_column = max(line.curve.end for line in lines) / self.size.width or 1.0
        by_column = {gap // per_column: gap for line in lines for gap in line.curve.gaps}
        return list(by_column.values())

    def _in_words(self, there_is_data: bool) -> Content:
        if there_is_data:
            return Content.styled("no room for this chart", "$muted")
        if any(line.curve.gaps for line in self.lines()):
            return Content.styled("nothing to draw: none of the figures so far is a number", "$look")
        return Content.styled(self.waiting, "$muted")

    def _rgb(self, name: str) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables.get(name, "#888888")).rgb
