"""What was traded for what: both objectives of a study against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.curves.series import is_finite
from harmonic_tui.widgets.axes import along_axis, value_axis
from harmonic_tui.widgets.plot import Plot, PlotLine
from harmonic_tui.widgets.trial_marks import CURSOR, FRONT, POINTS, RECOMMENDED, Sign, named, stairs, worst_shown
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_tui.runs.studies import SeenTrials

_LEAST_COLUMNS, _LEAST_ROWS = 24, 6
_ROWS_BELOW = 2
_ALONE = "This study has one objective, so nothing is traded for anything."
_WAITING = "Completed trials appear here by both objectives, with the front of those that none beats in both."


class _Point(NamedTuple):
    number: int
    across: float
    up: float


class ParetoChart(Widget):
    """Completed trials by both objectives; the border of the front is a line, its trials are diamonds."""

    def __init__(self) -> None:
        super().__init__(id="pareto-chart", classes="frame chart")
        self._seen: SeenTrials | None = None
        self._points: list[_Point] = []
        self._chosen: int | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self._entitle()

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment."""
        self._seen, self._points = seen, _points(seen)
        self._entitle()
        self.refresh()

    def choose(self, number: int | None) -> None:
        """Mark the trial under the cursor."""
        if number != self._chosen:
            self._chosen = number
            self.refresh()

    def render(self) -> Content:
        """The picture, or in words what it waits for."""
        seen = self._seen
        if seen is None or not self._points:
            return Content.styled(_ALONE if seen and len(seen.study.objectives) == 1 else _WAITING, "$muted")
        if self.size.width < _LEAST_COLUMNS or self.size.height < _LEAST_ROWS:
            return Content.styled("no room for this chart", "$muted")
        right, top = self._worst()
        low, rows = min(point.across for point in self._points), self.size.height - _ROWS_BELOW
        left = value_axis(min(point.up for point in self._points), top, rows)
        margin = 0.06 * (right - low) or 0.02 * abs(low) or 1.0
        columns = self.size.width - max(map(len, left.labels)) - 1
        name = named(seen.study.objectives[0])
        along = along_axis(low - margin, right + margin, 1.0, name, columns, divisible=True)
        plot = Plot(self.size.width, self.size.height, along, left, None)
        front = sorted((point.across, point.up) for point in self._points if point.number in seen.front)
        if len(front) > 1:
            plot.line(PlotLine(stairs(front), FRONT.hue))
        for point in sorted(self._points, key=self._weight):
            plot.point(min(point.across, right), min(point.up, top), *self._sign(point))
        return plot.content()

    def _worst(self) -> tuple[float, float]:
        """The farthest right and the highest place of the scales."""
        assert self._seen is not None
        front = [point for point in self._points if point.number in self._seen.front]
        across, up = self._seen.study.objectives[:2]
        return (
            worst_shown([each.across for each in self._points], across, [each.across for each in front]),
            worst_shown([each.up for each in self._points], up, [each.up for each in front]),
        )

    def _weight(self, point: _Point) -> tuple[bool, bool, bool]:
        """What must not be hidden comes last."""
        assert self._seen is not None
        number = point.number
        return number == self._chosen, number == self._seen.study.best, number in self._seen.front

    def _sign(self, point: _Point) -> Sign:
        assert self._seen is not None
        if point.number == self._chosen:
            return CURSOR
        if point.number == self._seen.study.best:
            return RECOMMENDED
        return FRONT if point.number in self._seen.front else POINTS["complete"]

    def _entitle(self) -> None:
        seen = self._seen
        title, foot = Content("What is traded for what"), Content("")
        if seen is not None and len(seen.study.objectives) > 1:
            first, second = seen.study.objectives[:2]
            title = Content(f"{named(second)} over {named(first, unit=False)}")
            title = Content.assemble(title, Content.styled(f"  {FRONT.character}─ front", f"${FRONT.hue}"))
        if seen is not None and self._points:
            best = next((point for point in self._points if point.number == seen.study.best), None)
            right, top = self._worst()
            beyond = sum(point.across > right or point.up > top for point in self._points)
            if best is not None:
                foot = Content(f"{RECOMMENDED.character} trial {best.number}: {figure(best.across)}, {figure(best.up)}")
            if beyond:
                foot = Content.assemble(foot, Content.styled(f"  {count(beyond)} beyond", "$look"))
        self.border_title, self.border_subtitle = title, foot


def _points(seen: SeenTrials | None) -> list[_Point]:
    if seen is None or len(seen.study.objectives) < 2:
        return []
    across, up = (objective.name for objective in seen.study.objectives[:2])
    found = []
    for trial in seen.trials:
        x, y = trial.values.get(across), trial.values.get(up)
        if trial.state == "complete" and is_finite(x) and is_finite(y):
            found.append(_Point(trial.number, float(x), float(y)))
    return found
