"""What the run can be asked for while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.keys import bindings

if TYPE_CHECKING:
    from harmonic_tui.watched import WatchedRun


class SteerScreen(ModalScreen[None]):
    """Commands and values. Escape goes back."""

    CSS_PATH = "steer.tcss"
    BINDINGS = bindings("steer")

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__()
        self.watched = watched

    def compose(self) -> ComposeResult:
        """The question."""
        yield Static("steer")
