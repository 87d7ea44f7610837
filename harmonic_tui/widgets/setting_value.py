"""Where a value is typed: over its line in the list of settings."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import Input

from harmonic_tui.keys import bindings


class SettingValue(Input):
    """One line to type in. What is typed is told at once; Escape gives back what was there before."""

    BINDINGS = bindings("setting-value")

    class Done(Message):
        """The value is taken, or not (`forgotten`); the next setting to go to lies `by` lines further."""

        def __init__(self, by: int, *, forgotten: bool = False) -> None:
            super().__init__()
            self.by = by
            self.forgotten = forgotten

    def __init__(self) -> None:
        super().__init__(compact=True, id="value")
        self.display = False

    def action_done(self, by: int) -> None:
        """Take what was typed."""
        self.post_message(self.Done(by))

    def action_forget(self) -> None:
        """Leave the value as it was."""
        self.post_message(self.Done(0, forgotten=True))

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        if self.display:
            self.post_message(self.Done(0))
