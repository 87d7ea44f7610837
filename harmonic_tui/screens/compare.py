"""Curves of any runs over each other."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings


class CompareScreen(Screen[None]):
    """Curves of any runs over each other."""

    CSS_PATH = "compare.tcss"
    BINDINGS = bindings("compare")

    def compose(self) -> ComposeResult:
        """The frame."""
        yield Static("compare")
        yield Footer(show_command_palette=False)
