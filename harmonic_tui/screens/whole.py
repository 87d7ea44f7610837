"""The whole of a line that had no room."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.keys import bindings


class WholeTextScreen(ModalScreen[None]):
    """A text in a box. Escape goes back.

    Parameters
    ----------
    title
        What it is.
    text
        What it says; harmless to show.
    copied
        What the clipboard gets: the text, where nothing is given.
    """

    CSS_PATH = "whole.tcss"
    BINDINGS = bindings("whole-text")

    def __init__(self, title: str, text: Content, copied: str = "") -> None:
        super().__init__()
        self._title, self._text = title, text
        self._copied = copied or text.plain

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="whole") as whole:
            whole.border_title = Content(self._title)
            whole.border_subtitle = Content.styled("y copies   Escape goes back", "$muted")
            yield Static(self._text)

    def action_copy(self) -> None:
        """Give the text to the clipboard."""
        self.app.copy_to_clipboard(self._copied)
        self.notify("Copied.")

    def action_scroll(self, lines: int) -> None:
        """Move as the arrows do."""
        self.query_one("#whole").scroll_relative(y=lines, animate=False)
