"""Trials of a study."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings


class TuningScreen(Screen[None]):
    """Trials of a study."""

    CSS_PATH = "tuning.tcss"
    BINDINGS = bindings("tuning")

    def compose(self) -> ComposeResult:
        """The frame."""
        yield Static("tuning")
        yield Footer(show_command_palette=False)
