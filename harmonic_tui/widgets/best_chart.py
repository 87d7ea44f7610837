"""Error of every trial, and the best so far as a line."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from rich.text import Text
from textual.color import Color
from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.curves.series import is_finite
from harmonic_tui.widgets.axes import along_axis, value_axis
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from textual_plotext.plot import Plot

    from harmonic_tui.runs.studies import SeenTrials

_LEAST_COLUMNS, _LEAST_ROWS = 16, 5
_ROWS_BELOW = 2
_FAR = 3.0
"""A value is cut off where it lies so many times as far from the best as the middle one does."""
_MARKS = {"complete": ("•", "validation"), "pruned": ("×", "look"), "running": ("○", "good")}


class BestChart(Widget):
    """Trials along, error up; what would flatten the rest stands at the upper edge, and is counted."""

    def __init__(self) -> None:
        super().__init__(id="best-chart", classes="frame chart")
        self._seen: SeenTrials | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())
        self._entitle(0)

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment."""
        self._seen = seen
        points = self._points()
        best = self._best_so_far()
        self._entitle(self._cut(points)[1])
        foot = ""
        if seen and best:
            foot = f"best {figure(best[-1][1])} {seen.study.objective.unit} at trial {best[-1][0]}"
        self.border_subtitle = Content(foot)
        self.refresh()

    @cached_property
    def plt(self) -> Plot:
        """The figure of plotext behind the chart; loaded with the first trial."""
        from textual_plotext.plot import Plot

        return Plot()

    def render(self) -> Text | Content:
        """The picture, or in words what it waits for."""
        points = self._points()
        if not points:
            return Content.styled("The error of every trial, and the best so far, appear here.", "$muted")
        if self.size.width < _LEAST_COLUMNS or self.size.height < _LEAST_ROWS:
            return Content.styled("no room for this chart", "$muted")
        plot, rows = self.plt, self.size.height - _ROWS_BELOW
        plot.clear_data()
        plot.plotsize(self.size.width, self.size.height)
        # The widget library sets the size twice as well; a figure that was resized keeps the old one otherwise.
        plot._set_size(self.size.width, self.size.height)
        plot.canvas_color("default")
        plot.axes_color("default")
        plot.ticks_color(self._rgb("ticks"))
        plot.xaxes(True, False)
        plot.yaxes(True, False)
        highest, _ = self._cut(points)
        axis = value_axis(min(value for _, value, _ in points), highest, rows)
        last = max(1, *(number for number, _, _ in points))
        along = along_axis(0.0, float(last), 1.0, "trial", self.size.width - 14, least=1.0)
        plot.xlim(along.low, along.high)
        plot.xticks(along.ticks, along.labels)
        plot.ylim(axis.low, axis.high)
        plot.yticks(axis.ticks, axis.labels)
        best = self._best_so_far()
        if best:
            steps, values = _stairs(best, last)
            plot.plot(steps, [min(value, highest) for value in values], marker="braille", color=self._rgb("good"))
        for state, (sign, hue) in _MARKS.items():
            chosen = [(number, min(value, highest)) for number, value, each in points if each == state]
            if chosen:
                heights = [value for _, value in chosen]
                plot.scatter([number for number, _ in chosen], heights, marker=sign, color=self._rgb(hue))
        return Text.from_ansi(plot.build())

    def _points(self) -> list[tuple[int, float, str]]:
        """Number, value and state of every trial that has a value."""
        seen = self._seen
        found: list[tuple[int, float, str]] = []
        for trial in seen.trials if seen else ():
            progress = seen.running.get(trial.number) if seen else None
            value = progress.best_db if progress else seen.value(trial) if seen else None
            if is_finite(value) and trial.state in _MARKS:
                found.append((trial.number, float(value), trial.state))
        return found

    def _best_so_far(self) -> list[tuple[int, float]]:
        """Trials that were better than all before them."""
        seen, best = self._seen, list[tuple[int, float]]()
        for trial in seen.trials if seen else ():
            value = seen.value(trial) if seen and trial.state == "complete" else None
            if is_finite(value) and seen and (not best or seen.study.objective.is_better(value, best[-1][1])):
                best.append((trial.number, float(value)))
        return best

    def _cut(self, points: list[tuple[int, float, str]]) -> tuple[float, int]:
        """Upper end of the scale, and how many points lie above it."""
        values = sorted(value for _, value, _ in points)
        if not values:
            return 1.0, 0
        minimizes = self._seen is None or self._seen.study.objective.direction == "minimize"
        limit = values[0] + _FAR * (values[len(values) // 2] - values[0])
        if not minimizes or len(values) < 4 or limit <= values[0]:
            return values[-1], 0
        above = sum(value > limit for value in values)
        return (limit if above else values[-1]), above

    def _entitle(self, above: int) -> None:
        unit = self._seen.study.objective.unit if self._seen else "dB"
        states = {state for _, _, state in self._points()}
        legend = [("─", "best so far", "good")] if self._best_so_far() else []
        legend += [(sign, state, hue) for state, (sign, hue) in _MARKS.items() if state in states]
        signs = [Content.styled(f"  {sign} {word}", f"${hue}") for sign, word, hue in legend]
        title = Content.assemble(f"Error, {unit}", *signs)
        if above:
            title = Content.assemble(title, Content.styled(f"  {count(above)} above", "$look"))
        self.border_title = title

    def _rgb(self, name: str) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables.get(name, "#888888")).rgb


def _stairs(best: list[tuple[int, float]], last: int) -> tuple[list[float], list[float]]:
    """Corners of the line that falls where a trial was better, and runs level to the last trial."""
    steps, values = [float(best[0][0])], [best[0][1]]
    for number, value in best[1:]:
        steps += [number, number]
        values += [values[-1], value]
    return [*steps, float(last)], [*values, values[-1]]
