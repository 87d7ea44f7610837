"""What every trial came to in one objective, and the best so far as a line."""

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
    from harmonic_core.run.studies import Objective
    from harmonic_tui.runs.studies import SeenTrials

_LEAST_COLUMNS, _LEAST_ROWS = 16, 5
_ROWS_BELOW = 2


class _Point(NamedTuple):
    number: int
    value: float
    state: str


class BestChart(Widget):
    """Trials along, an objective up; what would flatten the rest stands at the edge, and is counted."""

    def __init__(self) -> None:
        super().__init__(id="best-chart", classes="frame chart")
        self._seen: SeenTrials | None = None
        self._place = 0
        self._chosen: int | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self._entitle()

    def tell(self, seen: SeenTrials | None) -> None:
        """Show another moment."""
        self._seen = seen
        self._entitle()
        self.refresh()

    def choose(self, number: int | None) -> None:
        """Mark the trial under the cursor."""
        if number != self._chosen:
            self._chosen = number
            self.refresh()

    def next_objective(self) -> None:
        """Show the other objective."""
        self._place += 1
        self.tell(self._seen)

    def render(self) -> Content:
        """The picture, or in words what it waits for."""
        points = self._points()
        if not points:
            return Content.styled("What every trial came to, and the best so far, appear here.", "$muted")
        if self.size.width < _LEAST_COLUMNS or self.size.height < _LEAST_ROWS:
            return Content.styled("no room for this chart", "$muted")
        worst, rows = self._worst(points), self.size.height - _ROWS_BELOW
        values = [point.value for point in points if not self._is_beyond(point, worst)]
        axis = value_axis(min(values), max(values), rows)
        last = max(1, *(point.number for point in points))
        columns = self.size.width - max(map(len, axis.labels)) - 1
        along = along_axis(-0.5, last + 0.5, 1.0, "trial", columns, least=1.0)
        plot = Plot(self.size.width, self.size.height, along, axis, None)
        best = [(float(number), value) for number, value in self._best_so_far()]
        if best:
            plot.line(PlotLine(stairs([*best, (float(last), best[-1][1])]), "good"))
        for point in sorted(points, key=self._weight):
            plot.point(float(point.number), worst if self._is_beyond(point, worst) else point.value, *self._sign(point))
        return plot.content()

    @property
    def _objective(self) -> Objective | None:
        if self._seen is None:
            return None
        objectives = self._seen.study.objectives or (self._seen.study.objective,)
        return objectives[self._place % len(objectives)]

    def _points(self) -> list[_Point]:
        """Every trial that has a value."""
        seen, objective = self._seen, self._objective
        found: list[_Point] = []
        for trial in seen.trials if seen else ():
            value = seen.value(trial, objective) if seen and objective else None
            if is_finite(value) and trial.state in POINTS:
                found.append(_Point(trial.number, float(value), trial.state))
        return found

    def _best_so_far(self) -> list[tuple[int, float]]:
        """Trials that were better than all before them."""
        objective, best = self._objective, list[tuple[int, float]]()
        for point in self._points():
            if point.state == "complete" and objective and (not best or objective.is_better(point.value, best[-1][1])):
                best.append((point.number, point.value))
        return best

    def _worst(self, points: list[_Point]) -> float:
        assert self._objective is not None
        best = [value for _, value in self._best_so_far()[-1:]]
        return worst_shown([point.value for point in points], self._objective, best)

    def _is_beyond(self, point: _Point, worst: float) -> bool:
        return self._objective is not None and self._objective.is_better(worst, point.value)

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
        return FRONT if point.number in self._seen.front else POINTS[point.state]

    def _entitle(self) -> None:
        points, best = self._points(), self._best_so_far()
        if self._objective is None:
            self.border_title, self.border_subtitle = Content("History"), Content("")
            return
        states = {point.state for point in points}
        signs = [Content.styled("  ─ best so far", "$good")] if best else []
        signs += [
            Content.styled(f"  {sign.character} {state}", f"${sign.hue}")
            for state, sign in POINTS.items()
            if state in states - {"complete"}
        ]
        beyond = sum(self._is_beyond(point, self._worst(points)) for point in points)
        if beyond:
            signs.append(Content.styled(f"  {count(beyond)} beyond", "$look"))
        name = named(self._objective)
        self.border_title = Content.assemble(f"{name[0].upper()}{name[1:]}", *signs)
        unit = f" {self._objective.unit}" if self._objective.unit else ""
        self.border_subtitle = Content(f"best {figure(best[-1][1])}{unit} at trial {best[-1][0]}" if best else "")
