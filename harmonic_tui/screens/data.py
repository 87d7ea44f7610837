"""The music of the run."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings
from harmonic_tui.screens.run_screen import RunScreen


class DataScreen(RunScreen):
    """The music of the run."""

    CSS_PATH = "data.tcss"
    BINDINGS = bindings("data")

    def compose(self) -> ComposeResult:
        """The frame."""
        yield Static("data")
        yield Footer(show_command_palette=False)
