"""Every sound that the run made."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings
from harmonic_tui.screens.run_screen import RunScreen


class SamplesScreen(RunScreen):
    """Every sound that the run made."""

    CSS_PATH = "samples.tcss"
    BINDINGS = bindings("samples")

    def compose(self) -> ComposeResult:
        """The frame."""
        yield Static("samples")
        yield Footer(show_command_palette=False)
