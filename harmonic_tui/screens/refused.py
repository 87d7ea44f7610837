"""Every refused file with its whole name and the whole reason."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.refusals import Refusals
from harmonic_tui.widgets.refused import RefusedList


class RefusedScreen(ModalScreen[None]):
    """The list, and below it the chosen file. Escape goes back."""

    CSS_PATH = "refused.tcss"
    BINDINGS = bindings("refused")

    def __init__(self, refusals: Refusals, index: int | None = None) -> None:
        super().__init__()
        self._refusals = refusals
        self._index = index

    def compose(self) -> ComposeResult:
        """The list and the chosen file."""
        with Vertical(id="all-refused"):
            yield RefusedList(self._refusals, "refused-list")
            with VerticalScroll(id="whole", classes="frame", can_focus=False) as whole:
                whole.border_subtitle = Content.styled("Escape goes back", "$muted")
                yield Static()

    def on_mount(self) -> None:
        """Choose the file that was asked for."""
        if self._index is not None:
            self.query_one(RefusedList).cursor = self._index

    def on_refused_list_moved(self) -> None:
        """Show the chosen file in full, once there is a place for it: what is told too early is measured wrongly."""
        self.call_after_refresh(self._show_whole)

    def _show_whole(self) -> None:
        listed = self.query_one(RefusedList)
        if 0 <= listed.cursor < len(self._refusals):
            name, reason, _ = self._refusals[listed.cursor]
            shown = Content.assemble(Content.styled(plain(name, 600), "bold"), "\n", plain(reason, 600))
            self.query_one("#whole Static", Static).update(shown)
