"""Everything that was measured of the model last."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.keys import bindings
from harmonic_tui.runs.evaluated import Evaluated
from harmonic_tui.widgets.report import COLUMNS, Block, block, heading


class EvaluationScreen(ModalScreen[None]):
    """The newest evaluation in blocks, side by side where there is room. Escape goes back."""

    CSS_PATH = "evaluation.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (112, "-wide")]  # noqa: RUF012 - the name of the framework
    BINDINGS = bindings("evaluation")

    def __init__(self, evaluated: Evaluated) -> None:
        super().__init__()
        self._evaluated = evaluated

    def compose(self) -> ComposeResult:
        """What was measured, and below it the blocks."""
        with VerticalScroll(id="whole") as whole:
            whole.border_title = Content("Evaluation")
            whole.border_subtitle = Content.styled("Escape goes back", "$muted")
            yield Static(id="measured")
            with Container(id="columns"):
                for column in COLUMNS:
                    with Vertical():
                        for name, title in column.items():
                            yield Block(name, title)

    def on_mount(self) -> None:
        """Show what there is, once there is a place for it."""
        self.call_after_refresh(self.tell)

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.call_after_refresh(self.tell)

    def tell(self) -> None:
        """Show the newest evaluation."""
        evaluated = self._evaluated
        self.query_one("#measured", Static).update(heading(evaluated))
        for each in self.query(Block):
            shown = block(str(each.id), evaluated, max(1, each.size.width))
            each.display = bool(shown.plain)
            each.update(shown)

    def action_scroll(self, lines: int) -> None:
        """Move as the arrows do."""
        self.query_one("#whole").scroll_relative(y=lines, animate=False)
