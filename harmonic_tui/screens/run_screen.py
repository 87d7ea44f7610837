"""What all screens that show the open run have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from harmonic_tui.app import Console
    from harmonic_tui.runs.watched import WatchedRun


class RunScreen(Screen[None]):
    """Hears of the open run through the messages of `messages.py`; what it knows stands in `watched` by then.

    While another screen is in front it hears nothing, and everything at once when it comes back.

    Parameters
    ----------
    watched
        The run that is open.
    """

    app: Console

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__()
        self.watched = watched
        self.missed = True
        """Whether there is something that it was not told."""

    def on_mount(self) -> None:
        """Begin to follow the run, if nobody does."""
        self.app.begin_to_watch()
        self.catch_up()

    def on_screen_resume(self) -> None:
        """Hear what came while another screen was in front."""
        self.catch_up()

    def catch_up(self) -> None:
        """Hear everything that is known, if something was missed."""
        if self.missed and self.is_mounted:
            self.missed = False
            for message in self.watched.so_far():
                self.post_message(message)
