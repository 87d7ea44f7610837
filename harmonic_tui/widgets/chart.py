"""A chart of curves over the steps of a run, in a frame with a title, a legend and the newest values."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.content import Content
from textual.timer import Timer

from harmonic_core.run.words import UNKNOWN, count
from harmonic_tui.widgets.axes import Axis, power_axis, step_axis, value_axis
from harmonic_tui.widgets.looking import Looking
from harmonic_tui.widgets.marks import Mark, clip_marks, gap_marks, told
from harmonic_tui.widgets.plot import Plot, PlotLine
from harmonic_tui.widgets.view import View
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_tui.curves.columns import Reals, Singles
    from harmonic_tui.curves.series import Curve, Scale
    from harmonic_tui.curves.thinning import Fences

REDRAW_INTERVAL_S = 0.5
SHARE_OF_TIME = 0.01
"""Most of one core's time that goes into drawing a chart: a console on the trainer's own machine must not slow it."""

LEFT: Literal["left"] = "left"
RIGHT: Literal["right"] = "right"
"""The value axes."""

_LEAST_COLUMNS, _LEAST_ROWS = 16, 5
_FAR_LEVEL = 1.5
"""How many times the range of the curves the picture may grow for the sake of the line across."""
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
    gap_hue: str = "look"
    """In which it is marked where the figure was no finite number."""
    short: str | None = None
    """A shorter name, for where there is little room; empty where its sign is enough."""

    @property
    def briefly(self) -> str:
        """The name for where there is little room."""
        return self.name if self.short is None else self.short


class Chart(Looking):
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

    def __init__(self, scale: Scale, view: View | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(view, id)
        self.scale = scale
        self.redraws = 0
        self._clipped: dict[str, tuple[int, int]] = {}
        self.shows_level = True
        """Whether the line across lies near enough to the curves to be drawn with them."""
        self._drawn_at = -math.inf
        self._cost_s = 0.0
        self._drawn: tuple[object, ...] = ()
        self._framed: tuple[str, str] | None = None
        self._pending: Timer | None = None

    def lines(self) -> Sequence[Line]:
        """Curves, the most important last: it lies on top."""
        raise NotImplementedError

    def feet(self) -> Sequence[Content]:
        """Newest values, for the frame: at length first, then ever shorter."""
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

    def place_in_words(self, place: float, *, short: bool = False) -> str:
        """Where the crosshair stands."""
        if short:
            return count(place)
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
        marks, head = self._marks(drawn), Content(self.heading)
        words, signs = told(marks, short=False), told(marks, short=True)
        # What is wrong with the picture goes before the names of what is in it.
        title = self._fitting(
            *(Content.assemble(head, *legend, *words) for legend in self.legends(drawn)),
            *(Content.assemble(head, *legend, *signs) for legend in self.legends(drawn)),
            *(Content.assemble(head, *each) for each in (words, signs) if marks),
            *([Content("").join(signs)] if marks else [head]),
        )
        feet = self._at_cursor(drawn) if self.view.cursor is not None else self.feet()
        foot = self._fitting(*feet) if drawn and feet else Content("")
        # Whoever sets them has the whole chart drawn anew, also where they say the same.
        if (title.markup, foot.markup) != self._framed:
            self._framed = title.markup, foot.markup
            self.border_title, self.border_subtitle = title, foot

    def _fitting(self, *forms: Content) -> Content:
        """The first of them for which the frame has room; else the last."""
        # Two columns of the frame, and a blank before and after.
        room = self.size.width - 4
        return next((form for form in forms if form.cell_length <= room), forms[-1])

    def reading_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        """In what order values are read off."""
        return lines

    def legends(self, lines: Sequence[Line]) -> Sequence[Sequence[Content]]:
        """The lines by name: at length, and shorter."""
        # Letters alone stand together.
        gaps = ["" if not line.briefly and not before.briefly else " " for before, line in pairwise(lines)]
        return [
            [Content.styled(f"  {line.sign} {line.name}", f"${line.hue}") for line in lines],
            [
                Content.styled(f"{gap}{line.sign}{line.briefly}", f"${line.hue}")
                for gap, line in zip([" ", *gaps], lines, strict=False)
            ],
        ]

    def _marks(self, lines: Sequence[Line]) -> list[Mark]:
        """What is to be known of the picture: what is missing in it, and what cannot be seen."""
        marks = [*gap_marks([line.curve for line in lines]), *clip_marks(self._clipped)]
        if not self.is_whole:
            marks.append(Mark("overview, reading all rows …", "overview", "muted"))
        if self.view.window is not None:
            marks.append(Mark("zoomed", "zoomed", "muted"))
        return marks

    def value_at(self, line: Line, place: float, near: float | None = None) -> str:
        """What a line says at a place; where the row that says it lies elsewhere than `near`, that is told too."""
        found = line.curve.at(place, self.column / 2)
        if found is None:
            return UNKNOWN
        said = figure(self._plain(found[1]))
        raw = line.raw.at(found[0]) if line.raw is not None else None
        if raw is not None:
            said = f"{said} raw {figure(self._plain(raw[1]))}"
        return said if near is None or found[0] == near else f"{said} at {self.place_in_words(found[0], short=True)}"

    def _plain(self, value: float) -> float:
        return 10.0**value if self.logarithmic and math.isfinite(value) else value

    def row_at(self, lines: Sequence[Line], asked: float) -> float:
        """Place of the row nearest to where one points; between two rows nothing is known."""
        rows = [found[0] for line in lines if (found := line.curve.at(asked, self.column / 2)) is not None]
        return min(rows, key=lambda row: abs(row - asked), default=asked)

    def _at_cursor(self, lines: Sequence[Line]) -> Sequence[Content]:
        asked = self.view.cursor
        assert asked is not None
        read = self.reading_order(lines)
        place = self.row_at(lines, asked)
        head = Content.styled(self.place_in_words(place), "bold")
        brief = Content.styled(self.place_in_words(place, short=True), "bold")
        full, plain, bare = (
            [Content.styled(f"{name} {self.value_at(line, asked, near)}", f"${line.hue}") for line, name in named]
            for near, named in (
                (place, [(line, line.end or line.name) for line in read]),
                (place, [(line, line.end or line.briefly) for line in read]),
                (None, [(line, line.end or line.briefly) for line in read]),
            )
        )
        forms = [Content("  ").join([head, *full]), Content("  ").join([brief, *plain])]
        return [*forms, Content(" ").join([brief, *bare]), head, brief]

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
        clipped, self._clipped, shows_level = self._clipped, {}, self.shows_level
        axes = {side: self._value_axis(lines, side, along) for side in (LEFT, RIGHT)}
        plot = Plot(self.size.width, self.size.height, along, axes[LEFT], axes[RIGHT])
        for raw in (line for line in lines if line.raw is not None):
            plot.line(PlotLine(raw.raw or raw.curve, "faint", raw.side))
        for line in lines:
            plot.line(PlotLine(line.curve, line.hue, line.side, line.end))
        if (level := self.level()) is not None and self.shows_level:
            plot.level(level)
        for line in lines:
            plot.gaps(line.curve, line.gap_hue)
        if (best := self.point()) is not None:
            plot.point(*best, "◆", "good")
        if self.view.cursor is not None:
            plot.cursor(self.view.cursor)
        self._plot = plot
        if (clipped, shows_level) != (self._clipped, self.shows_level):
            self.call_later(self._write_frame, drawn)
        return plot.content()

    def _value_axis(self, lines: Sequence[Line], side: str, along: Axis) -> Axis | None:
        from harmonic_tui.curves.thinning import fences

        curves = [curve for line in lines if line.side == side for curve in (line.curve, line.raw) if curve is not None]
        parts: list[Singles | Reals] = [curve.within(along.low, along.high) for curve in curves]
        if not any(map(len, parts)):
            # Nothing in the window; the axis says at least of what size the figures are.
            parts = [curve.points[1] for curve in curves]
        limits = fences(parts, clip=self.view.clipped)
        if limits is None:
            return None
        self._clipped[side] = (limits.below, limits.above)
        low, high = self._with_level(limits) if side == LEFT else limits[:2]
        rows = self.size.height - _ROWS_BELOW
        return power_axis(low, high, rows) if self.logarithmic else value_axis(low, high, rows)

    def _with_level(self, limits: Fences) -> tuple[float, float]:
        level = self.level()
        if level is None:
            return limits.low, limits.high
        low, high = min(limits.low, level), max(limits.high, level)
        self.shows_level = high - low <= _FAR_LEVEL * max(limits.high - limits.low, abs(limits.high) / 10)
        return (low, high) if self.shows_level else (limits.low, limits.high)

    def _in_words(self, lines: Sequence[Line]) -> Content:
        if any(len(line.curve) for line in lines):
            return Content.styled("no room for this chart", "$muted")
        if any(len(line.curve.bad) for line in lines):
            return Content.styled("nothing to draw: none of the figures so far is a number", "$look")
        return Content.styled(self.waiting, "$muted")
