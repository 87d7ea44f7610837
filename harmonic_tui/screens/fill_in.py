"""A question that is answered with a line of text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from harmonic_tui.keys import bindings


class FillInScreen(ModalScreen[str | None]):
    """One line to fill in: Enter takes it, Escape goes back with None.

    Parameters
    ----------
    title, explanation
        What is asked, and what becomes of the answer; harmless to show.
    value, placeholder
        What stands there at first, and what stands there while there is nothing.
    longest
        Characters that an answer may have.
    """

    CSS_PATH = "fill_in.tcss"
    BINDINGS = bindings("fill-in")

    def __init__(
        self, title: str, explanation: str, *, value: str = "", placeholder: str = "", longest: int = 500
    ) -> None:
        super().__init__()
        self._title, self._explanation = title, explanation
        self._value, self._placeholder, self._longest = value, placeholder, longest

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(id="question") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content.styled("Enter takes it   Escape goes back", "$muted")
            yield Static(Content.styled(self._explanation, "$muted"))
            yield Input(self._value, placeholder=self._placeholder, max_length=self._longest)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        self.dismiss(event.value)
