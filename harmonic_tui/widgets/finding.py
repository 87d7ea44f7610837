"""Where words to look for are typed, above a list that shows only what they are found in."""

from __future__ import annotations

from textual.message import Message
from textual.widgets import Input

from harmonic_tui.keys import bindings


class Finding(Input):
    """Hidden until somebody asks for it. Enter and the arrows go on to what was found, Escape forgets it."""

    BINDINGS = bindings("finding")

    class Found(Message):
        """Somebody wants to go on to what was found."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True)
        self.display = False

    def ask(self) -> None:
        """Let words be typed."""
        self.display = True
        self.focus()

    def forget(self) -> None:
        """Look for nothing any more."""
        self.value = ""
        self.display = False

    def action_found(self) -> None:
        """Go on to what was found."""
        self.post_message(self.Found())

    def action_forget(self) -> None:
        """Look for nothing any more, and go on."""
        self.forget()
        self.post_message(self.Found())
