"""A question before something that cannot be undone."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from harmonic_tui.keys import bindings


class ConfirmScreen(ModalScreen[bool]):
    """No comes first, and is what Escape says.

    Parameters
    ----------
    title, question
        What is asked; harmless to show.
    yes
        What it is called.
    """

    CSS_PATH = "confirm.tcss"
    BINDINGS = bindings("confirm")

    def __init__(self, title: str, question: str, yes: str) -> None:
        super().__init__()
        self._title, self._question, self._yes = title, question, yes

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical(id="question") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content.styled("Enter chooses   Escape goes back", "$muted")
            yield Static(Content(self._question))
            yield OptionList(
                Option(Content.styled("No, leave it running", "bold"), id="no"),
                Option(Content.styled(f"{self._yes} it", "$bad"), id="yes"),
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        self.dismiss(event.option.id == "yes")

    def action_cursor(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()
