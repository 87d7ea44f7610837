"""The picture of a chart: axes with their ticks, and the curves between them, in characters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from harmonic_tui.curves.thinning import outline
from harmonic_tui.widgets.axes import Axis
from harmonic_tui.widgets.canvas import DOTS_ACROSS, DOTS_DOWN, Canvas

if TYPE_CHECKING:
    from harmonic_tui.curves.columns import Reals, Singles
    from harmonic_tui.curves.series import Curve

_ABOVE, _BELOW = "▴", "▾"
"""Mark where a curve goes on beyond the chart."""
NOT_A_NUMBER, INFINITE = "×", "∞"
"""Mark where a figure was no finite number."""


class PlotLine(NamedTuple):
    """A curve as it is drawn."""

    curve: Curve
    hue: str
    side: str = "left"
    end: str = ""


class Plot:
    """Draws into a field of characters.

    Parameters
    ----------
    width, height
        Size of the whole picture in cells.
    along
        Axis below.
    left, right
        Axes of values; None where nothing is measured on them.
    """

    def __init__(self, width: int, height: int, along: Axis, left: Axis | None, right: Axis | None) -> None:
        self._along, self._left, self._right = along, left, right
        self._before = max(map(len, left.labels), default=0) if left else 0
        after = max(map(len, right.labels), default=0) + 1 if right else 0
        self.rows, self.columns = max(1, height - 2), max(1, width - self._before - 1 - after)
        self._width = width
        self._canvas = Canvas(self.columns, self.rows)

    def line(self, line: PlotLine) -> None:
        """Draw a curve. Where it leaves the chart a mark says so."""
        import numpy as np

        axis = self._axis(line.side)
        if axis is None:
            return
        places, values = outline(line.curve, self._along.low, self._along.high, self._canvas.width)
        across = self._across(places)
        down = self._down(values, axis)
        self._canvas.line(across, down, line.hue)
        inside = np.isfinite(down) & (across >= 0) & (across <= self._canvas.width - 1)
        for beyond, row, sign in ((down < -0.5, 0, _ABOVE), (down > self._canvas.height - 0.5, self.rows - 1, _BELOW)):
            for column in np.unique(np.rint(across[inside & beyond]).astype(np.int64) // DOTS_ACROSS).tolist():
                self._canvas.put(row, column, sign, line.hue)
        if line.end and inside.any():
            last = int(np.flatnonzero(inside)[-1])
            row = int(min(max(down[last], 0), self._canvas.height - 1)) // DOTS_DOWN
            column = min(self.columns - len(line.end), int(across[last]) // DOTS_ACROSS)
            for at, letter in enumerate(line.end, column):
                self._canvas.put(row, at, letter, line.hue)

    def level(self, value: float) -> None:
        """Draw a faint line across."""
        if self._left is not None:
            row = self._row(value, self._left)
            for column in range(self.columns):
                self._canvas.put(row, column, "─", "faint", behind=True)

    def point(self, place: float, value: float, sign: str, hue: str) -> None:
        """Mark a point on the left axis."""
        if self._left is not None and self._along.low <= place <= self._along.high:
            self._canvas.put(self._row(value, self._left), self._column(place), sign, hue)

    def gaps(self, curve: Curve, hue: str) -> None:
        """Mark the places at which a curve has no finite number: infinities at the edge towards which they lie."""
        import numpy as np

        gaps = curve.gaps
        seen = slice(np.searchsorted(gaps, self._along.low), np.searchsorted(gaps, self._along.high, side="right"))
        columns, values = np.rint(self._across(gaps[seen])).astype(np.int64) // DOTS_ACROSS, curve.bad_values[seen]
        for among, row, sign in (
            (np.isnan(values), self.rows - 1, NOT_A_NUMBER),
            (np.isposinf(values), 0, INFINITE),
            (np.isneginf(values), self.rows - 1, INFINITE),
        ):
            for column in np.unique(columns[among]).tolist():
                self._canvas.put(row, column, sign, hue)

    def cursor(self, place: float) -> None:
        """Draw the crosshair's line."""
        if self._along.low <= place <= self._along.high:
            for row in range(self.rows):
                self._canvas.put(row, self._column(place), "┊", "ticks", behind=True)

    def place_at(self, column: int) -> float | None:
        """What place along the axis a column of the picture stands for."""
        share = (column - self._before - 1) / max(1, self.columns - 1)
        return self._along.low + share * (self._along.high - self._along.low) if 0 <= share <= 1 else None

    def distance(self, columns: int) -> float:
        """How far along the axis a number of columns reaches."""
        return columns * (self._along.high - self._along.low) / max(1, self.columns - 1)

    def content(self) -> Content:
        """The picture as text."""
        left = _marks(self._left, self.rows)
        right = _marks(self._right, self.rows)
        parts: list[tuple[str, str]] = []
        for row, drawn in enumerate(self._canvas.lines()):
            if self._left is None:
                parts.append(("│", "$ticks"))
            else:
                parts.append(((left[row] + "┤") if row in left else " " * self._before + "│", "$ticks"))
            parts += [(text, f"${hue}" if hue else "") for text, hue in drawn]
            if self._right is not None:
                parts.append((f"├{right[row]}" if row in right else "│", "$ticks"))
            parts.append(("\n", ""))
        parts.append((self._bottom(), "$ticks"))
        return Content.assemble(*parts)

    def _bottom(self) -> str:
        line, labels = ["─"] * self.columns, [" "] * self._width
        reached = -1
        for place, label in zip(self._along.ticks, self._along.labels, strict=True):
            column = self._column(place)
            line[column] = "┬"
            at = self._before + 1 + column
            start = max(0, min(at - len(label) // 2, self._width - len(label)))
            if start > reached:
                labels[start : start + len(label)] = label
                reached = start + len(label)
        end = "┘" if self._right is not None else ""
        return f"{' ' * self._before}└{''.join(line)}{end}\n{''.join(labels).rstrip()}"

    def _axis(self, side: str) -> Axis | None:
        return self._left if side == "left" else self._right

    def _across(self, places: Reals) -> Reals:
        span = self._along.high - self._along.low
        return (places - self._along.low) / (span or 1.0) * (self._canvas.width - 1)

    def _down(self, values: Singles | Reals, axis: Axis) -> Reals:
        """Dots from the top; the ends of the axis are the outer edges of the outermost dots."""
        down: Reals = self._canvas.height * (axis.high - values.astype(float)) / (axis.high - axis.low) - 0.5
        return down

    def _row(self, value: float, axis: Axis) -> int:
        return min(self.rows - 1, max(0, math.floor((1 - axis.share(value)) * self.rows)))

    def _column(self, place: float) -> int:
        return min(self.columns - 1, max(0, round(self._along.share(place) * (self.columns * 2 - 1)) // 2))


def _marks(axis: Axis | None, rows: int) -> dict[int, str]:
    """Labels of an axis by row."""
    if axis is None:
        return {}
    labelled = {}
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        row = math.floor((1 - axis.share(tick)) * rows)
        if 0 <= row < rows:
            labelled[row] = label
    return labelled
