"""The question on leaving while a trainer works."""

from __future__ import annotations

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain

Choice = Literal["leave", "stop", "kill"]


class LeaveScreen(ModalScreen[Choice | None]):
    """Leave the run alone, stop it well, or kill it. Escape goes back."""

    CSS_PATH = "leave.tcss"
    BINDINGS = bindings("leave")

    def __init__(self, run: str, *, starting: bool = False) -> None:
        super().__init__()
        self._run = plain(run, 60)
        self._starting = starting

    def compose(self) -> ComposeResult:
        """The question and its answers, the safe one first."""
        with Vertical(id="question") as box:
            box.border_title = Content("Leave the console?")
            box.border_subtitle = Content.styled("Enter chooses   Escape goes back", "$muted")
            yield Static(Content.assemble(Content.styled(self._run, "bold"), " is still training."))
            yield OptionList(
                Option(_answer("Leave it running", "training goes on; come back any time"), id="leave"),
                Option(
                    _answer("Stop after a checkpoint", "the step is finished and saved; it can be continued"),
                    id="stop",
                    disabled=self._starting,
                ),
                Option(_answer("Kill it now", "everything since the last checkpoint is lost", "$bad"), id="kill"),
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        choices: dict[str | None, Choice] = {"leave": "leave", "stop": "stop", "kill": "kill"}
        self.dismiss(choices[event.option.id])

    def action_cursor(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()


def _answer(title: str, consequence: str, style: str = "") -> Content:
    heading = Content.styled(f"{title}\n", f"bold {style}".strip())
    return Content.assemble(heading, Content.styled(consequence, "$muted"))
