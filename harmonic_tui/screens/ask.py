"""A question before something that cannot be taken back. The safe answer is the default."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from harmonic_tui.keys import bindings


class AskScreen(ModalScreen[bool]):
    """Yes or no; Escape is no.

    Parameters
    ----------
    question
        What is asked; harmless to show.
    yes, no
        The answers.
    """

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "#no"
    BINDINGS = bindings("ask")

    def __init__(self, question: str, yes: str, no: str = "No, go back") -> None:
        super().__init__()
        self._question, self._yes, self._no = question, yes, no

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical(id="question") as box:
            box.border_subtitle = Content.styled("Escape goes back", "$muted")
            yield Static(Content(self._question))
            with Horizontal(id="answers"):
                yield Button(Content(self._no), id="no", compact=True)
                yield Button(Content(self._yes), id="yes", variant="warning", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")
