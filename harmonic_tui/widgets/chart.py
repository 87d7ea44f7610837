"""A chart of curves over the steps of a run, in a frame with a title, a legend and the newest values."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.widgets.axes import Axis, power_axis, step_axis, value_axis
from harmonic_tui.widgets.plot import Plot, PlotLine
from harmonic_tui.widgets.view import View
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_tui.curves.series import Curve, Scale
    from harmonic_tui.curves.thinning import Fences

REDRAW_INTERVAL_S = 0.5
SHARE_OF_TIME = 0.01
"""Most of one core's time that goes into drawing a chart: a console on the trainer's own machine must not slow it."""

LEFT: Literal["left"] = "left"
RIGHT: Literal["right"] = "right"
"""The value axes."""

GAP = "×"
"""Marks a place at which a figure was no finite number."""

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
    side: Literal["left", "right"] = LEFT
    raw: Curve | None = None
    """What `curve` is the smoothed form of; it lies faint behind."""
    end: str = ""
    """A letter at the line's end."""


class Chart(Widget, can_focus=True):
    """Base of all charts. A chart says what its lines are; ticks, windows, marks and thrift with redraws are here.

    Parameters
    ----------
    scale
        Curves of a run, and what its charts have in common.
    view
        Window and crosshair, shared with other charts; without one it has its own.
    """

    heading: ClassVar[str] = ""
    waiting: ClassVar[str] = "waiting for the first figures"
    BINDINGS = [*bindings("chart"), *bindings("chart-focus")]  # noqa: RUF012 - the name of the framework

    def __init__(self, scale: Scale, view: View | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame chart")
        self.scale = scale
        self.view = view or View()
        self.redraws = 0
        self._plot: Plot | None = None
        self._clipped = (0, 0)
        self._drawn_at = -math.inf
        self._cost_s = 0.0
        self._drawn: tuple[object, ...] = ()
        self._pending: Timer | None = None
        self._dragged_from: int | None = None

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
        """A point worth a mark, as place and value on the left axis."""
        return None

    def along(self, low: float, high: float, columns: int) -> Axis:
        """Axis that the curves go along, from `low` to `high`."""
        return step_axis(high, self.scale.steps_per_epoch, columns, low)

    def place_in_words(self, place: float) -> str:
        """Where the crosshair stands."""
        words = f"step {count(place)}"
        epoch = self.scale.steps_per_epoch
        return f"{words}, epoch {place / epoch:.2f}" if epoch and self.size.width > 60 else words

    @property
    def logarithmic(self) -> bool:
        """Whether values of the curves are given as their logarithms to base ten."""
        return False

    @property
    def has_rows(self) -> bool:
        """Whether any row was read of which the lines are made."""
        return self.scale.curves.has_rows

    @property
    def is_whole(self) -> bool:
        """Whether every row was read that there is."""
        return self.scale.curves.whole

    def begin(self, lines: Sequence[Line]) -> float:
        """Where the axis begins while everything is shown."""
        return 0.0

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())
        self.border_title = Content(self.heading)
        self.view.watch(self.look)

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self.view.leave(self, self.look)

    def touch(self) -> None:
        """Tell the chart that there are new figures: if some are its own it is drawn anew, soon and not too often."""
        if not self.has_rows and not self._drawn:
            return
        if self._pending is None and self._what_is_shown() != self._drawn:
            interval = max(REDRAW_INTERVAL_S, self._cost_s / SHARE_OF_TIME)
            wait = max(0.0, self._drawn_at + interval - time.monotonic())
            self._pending = self.set_timer(wait, self._redraw) if wait else None
            if not wait:
                self._redraw()

    def look(self) -> None:
        """Draw at once, since somebody moved the window or the crosshair."""
        if self._pending is not None:
            self._pending.stop()
        self._redraw()

    @property
    def is_current(self) -> bool:
        """Whether nothing newer than what is shown waits for its turn to be drawn."""
        return self._pending is None

    def _what_is_shown(self) -> tuple[object, ...]:
        """What a picture depends on, short: no two equal ones look different."""
        curves = ((line.curve.end, line.curve.newest, line.curve.last, len(line.curve.bad)) for line in self.lines())
        return (*curves, self.level(), self.point(), self.scale.best, self.scale.steps_per_epoch)

    def _redraw(self) -> None:
        self._pending = None
        self._drawn_at, self._drawn = time.monotonic(), self._what_is_shown()
        self.refresh()
        self._write_frame(self.lines())

    def _write_frame(self, lines: Sequence[Line]) -> None:
        drawn = [line for line in lines if line.curve.last >= 0]
        room = self.size.width - 2
        legend = self.legend(drawn)
        marks = self._marks(drawn)
        titles = [Content.assemble(self.heading, *legend, *marks), Content.assemble(self.heading, *marks)]
        fitting = [title for title in titles if title.cell_length <= room]
        self.border_title = fitting[0] if fitting else Content.assemble(self.heading, *legend)
        foot = self._at_cursor(drawn) if self.view.cursor is not None else self.foot()
        self.border_subtitle = foot if drawn else Content("")

    def reading_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        """In what order values are read off."""
        return lines

    def legend(self, lines: Sequence[Line]) -> Sequence[Content]:
        """The lines by name."""
        return [Content.styled(f"  {line.sign} {line.name}", f"${line.hue}") for line in lines]

    def _marks(self, lines: Sequence[Line]) -> list[Content]:
        """What is to be known of the picture: what is missing in it, and what cannot be seen."""
        marks = []
        if gaps := max((len(line.curve.bad) for line in lines), default=0):
            marks.append(Content.styled(f"  {GAP} {count(gaps)} not a number", "$look"))
        below, above = self._clipped
        parts = [f"{count(number)} {side}" for number, side in ((above, "above"), (below, "below")) if number]
        if parts:
            word = "point" if above + below == 1 else "points"
            first, *rest = parts
            number, side = first.rsplit(" ", 1)
            marks.append(Content.styled(f"  clipped: {', '.join([f'{number} {word} {side}', *rest])}", "$look"))
        if not self.is_whole:
            marks.append(Content.styled("  overview, reading all rows …", "$muted"))
        if self.view.window is not None:
            marks.append(Content.styled("  zoomed", "$muted"))
        return marks

    def _at_cursor(self, lines: Sequence[Line]) -> Content:
        place = self.view.cursor
        assert place is not None
        parts = [Content.styled(self.place_in_words(place), "bold")]
        for line in self.reading_order(lines):
            found = line.curve.at(place)
            if found is not None:
                value = 10.0 ** found[1] if self.logarithmic and math.isfinite(found[1]) else found[1]
                parts.append(Content.styled(f"{line.end or line.name} {figure(value)}", f"${line.hue}"))
        return Content("  ").join(parts)

    def render(self) -> Content:
        """The picture, or in words what it waits for."""
        self.redraws += 1
        began = time.thread_time()
        picture = self._picture()
        self._cost_s = time.thread_time() - began
        return picture

    def _picture(self) -> Content:
        self._plot = None
        if not self.has_rows:
            return Content.styled(self.waiting, "$muted")
        drawn = self.lines()
        lines = [line for line in drawn if len(line.curve)]
        if not lines or self.size.width < _LEAST_COLUMNS or self.size.height < _LEAST_ROWS:
            return self._in_words(drawn)
        whole = self.begin(lines), max(line.curve.end for line in lines)
        self.view.tell_extent(self, *whole)
        low, high = self.view.window or whole
        along = self.along(low, high, self.size.width - 14)
        clipped, axes = self._clipped, {side: self._value_axis(lines, side, along) for side in (LEFT, RIGHT)}
        plot = Plot(self.size.width, self.size.height, along, axes[LEFT], axes[RIGHT])
        for raw in (line for line in lines if line.raw is not None):
            plot.line(PlotLine(raw.raw or raw.curve, "faint", raw.side))
        for line in lines:
            plot.line(PlotLine(line.curve, line.hue, line.side, line.end))
        if (level := self.level()) is not None:
            plot.level(level)
        plot.gaps([line.curve for line in lines], GAP)
        if (best := self.point()) is not None:
            plot.point(*best, "◆", "good")
        if self.view.cursor is not None:
            plot.cursor(self.view.cursor)
        self._plot = plot
        if clipped != self._clipped:
            self.call_later(self._write_frame, drawn)
        return plot.content()

    def _value_axis(self, lines: Sequence[Line], side: str, along: Axis) -> Axis | None:
        from harmonic_tui.curves.thinning import fences

        parts = [line.curve.within(along.low, along.high) for line in lines if line.side == side]
        if not any(map(len, parts)):
            # Nothing in the window; the axis says at least of what size the figures are.
            parts = [line.curve.points[1] for line in lines if line.side == side]
        limits = fences(parts, clip=self.view.clipped)
        if side == LEFT:
            self._clipped = (limits.below, limits.above) if limits else (0, 0)
        if limits is None:
            return None
        low, high = self._with_level(limits) if side == LEFT else limits[:2]
        rows = self.size.height - _ROWS_BELOW
        return power_axis(low, high, rows) if self.logarithmic else value_axis(low, high, rows)

    def _with_level(self, limits: Fences) -> tuple[float, float]:
        level = self.level()
        return (limits.low, limits.high) if level is None else (min(limits.low, level), max(limits.high, level))

    def _in_words(self, lines: Sequence[Line]) -> Content:
        if any(len(line.curve) for line in lines):
            return Content.styled("no room for this chart", "$muted")
        if any(len(line.curve.bad) for line in lines):
            return Content.styled("nothing to draw: none of the figures so far is a number", "$look")
        return Content.styled(self.waiting, "$muted")

    # Looking closer, by keys and by mouse.

    def action_zoom(self, towards: int) -> None:
        """Look closer, or from further away."""
        self.view.zoom(towards)

    def action_pan(self, windows: int) -> None:
        """Move along."""
        self.view.pan(windows)

    def action_cursor(self, columns: int) -> None:
        """Move the crosshair."""
        self.view.step(columns, self._plot.columns if self._plot else 1)

    def action_whole(self) -> None:
        """Show everything, and follow the newest figures."""
        self.view.whole()

    def action_clip(self) -> None:
        """Cut outliers off, or show them."""
        self.view.clip()

    def action_done(self) -> None:
        """Leave the chart as it is, and give the keys back to the screen."""
        self.view.point(None)
        self.screen.set_focus(None)
        if self.screen.AUTO_FOCUS:
            self.screen.query_one(self.screen.AUTO_FOCUS).focus()

    def _place_under(self, event: events.MouseEvent) -> float | None:
        offset = event.get_content_offset(self)
        return self._plot.place_at(offset.x) if self._plot and offset is not None else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point at what lies under the mouse; with a button held, move along."""
        if self._dragged_from is not None and self._plot:
            self.view.shift(self._plot.distance(self._dragged_from - event.x))
            self._dragged_from = event.x
        else:
            self.view.point(self._place_under(event))

    def on_leave(self, event: events.Leave) -> None:
        """Point at nothing."""
        if not self.has_focus and not self.is_mouse_over:
            self.view.point(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the curves."""
        self._dragged_from = event.x
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of them."""
        self._dragged_from = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """A double click shows everything."""
        if event.chain == 2:
            self.view.whole()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look closer at what lies under the mouse."""
        event.stop()
        self.view.zoom(1, self._place_under(event))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look from further away."""
        event.stop()
        self.view.zoom(-1, self._place_under(event))
