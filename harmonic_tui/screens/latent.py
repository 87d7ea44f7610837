"""The latent space of the run."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings
from harmonic_tui.screens.run_screen import RunScreen


class LatentScreen(RunScreen):
    """The latent space of the run."""

    CSS_PATH = "latent.tcss"
    BINDINGS = bindings("latent")

    def compose(self) -> ComposeResult:
        """The frame."""
        yield Static("latent")
        yield Footer(show_command_palette=False)
