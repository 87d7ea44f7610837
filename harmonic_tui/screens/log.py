"""Log and events, searchable."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings
from harmonic_tui.screens.run_screen import RunScreen


class LogScreen(RunScreen):
    """Log and events, searchable."""

    CSS_PATH = "log.tcss"
    BINDINGS = bindings("log")

    def compose(self) -> ComposeResult:
        """The frame."""
        yield Static("log")
        yield Footer(show_command_palette=False)
