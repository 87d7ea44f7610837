"""What the profile promises, and how far it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_tui.plain import plain
from harmonic_tui.runs.evaluated import Evaluated
from harmonic_tui.wording import STANDINGS, hundredths

if TYPE_CHECKING:
    from harmonic_core.run.case_study import Goal

_GAP = "  "


class CaseStudyCard(Widget):
    """A line a promise: whether it is kept, the figure, what it has to come to, and by when."""

    class Wanted(Message):
        """Somebody wants to see everything that was measured."""

    def __init__(self, evaluated: Evaluated) -> None:
        super().__init__(id="case-study", classes="frame")
        self._evaluated = evaluated
        self._shown: tuple[object, ...] = ()

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Case study")

    def tell(self) -> None:
        """Show what changed."""
        evaluated = self._evaluated
        shown = tuple(evaluated.goals), evaluated.measured
        if shown != self._shown:
            self._shown = shown
            reached, promised = evaluated.kept
            told = f": {reached} of {promised} reached" if evaluated.report else ""
            self.border_title = Content(f"Case study{told}")
            self.border_subtitle = Content.styled(evaluated.measured if evaluated.report else "", "$muted")
            self.refresh()

    def on_click(self) -> None:
        """A click shows everything that was measured."""
        self.post_message(self.Wanted())

    def render(self) -> Content:
        """The promises, and before the first evaluation when there will be figures."""
        width, evaluated = max(1, self.size.width), self._evaluated
        lines = goal_lines(evaluated.goals, width)
        if evaluated.report is None:
            lines = [*Content.styled(evaluated.measured, "$muted").wrap(width), *lines]
        return Content("\n").join(lines[: max(1, self.size.height)])


def goal_lines(goals: list[Goal], width: int) -> list[Content]:
    """A line a promise, aligned: `✓ kNN genre accuracy    0.46  ≥  0.40  by epoch 60  reached`.

    What there is no room for goes from the right.
    """
    names = [plain(goal.name, 40) for goal in goals]
    columns = [
        [name.ljust(max(map(len, names))) for name in names],
        _aligned([hundredths(goal.value) for goal in goals]),
        _aligned([hundredths(goal.threshold) for goal in goals], "≥ "),
        _aligned([str(goal.by_epoch) for goal in goals], "by epoch "),
        [STANDINGS[goal.standing].word for goal in goals],
    ]
    if _width_of(columns[:4]) > width:
        columns[3] = _aligned([str(goal.by_epoch) for goal in goals], "by ")
    while len(columns) > 2 and _width_of(columns) > width:
        columns.pop()
    lines = []
    for goal, cells in zip(goals, zip(*columns, strict=True), strict=True):
        mark = STANDINGS[goal.standing]
        first, value, *rest = cells
        line = Content.assemble(
            Content.styled(f"{mark.sign} ", f"${mark.hue}"),
            f"{first}{_GAP}",
            Content.styled(value, f"${mark.hue}") if goal.standing != "not yet" else Content(value),
            Content.styled("".join(f"{_GAP}{cell}" for cell in rest), "$muted"),
        )
        lines.append(line.truncate(width, ellipsis=True))
    return lines


def _aligned(cells: list[str], before: str = "") -> list[str]:
    widest = max(map(len, cells), default=0)
    return [f"{before}{cell.rjust(widest)}" for cell in cells]


def _width_of(columns: list[list[str]]) -> int:
    """Columns of the screen that a line takes, the mark included."""
    return 2 + sum(max(map(len, column), default=0) for column in columns) + len(_GAP) * (len(columns) - 1)
