"""What is said where something could not be heard, for as long as the screen is in front on which it was wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from textual.app import App

    from harmonic_tui.sound.heard import Heard

_TITLE = "Not played"
_SHOWN_S = 8.0


def say_not_played(app: App[str], heard: Heard) -> None:
    """Say why nothing is heard and what can be done; also whether there is something in the clipboard now."""
    lines = [plain(line) for line in heard.reason.splitlines()]
    if heard.copy:
        lines.append("The command was sent to your clipboard.")
    app.notify("\n".join(lines), title=_TITLE, severity="warning", timeout=_SHOWN_S, markup=False)


def forget_not_played(app: App[str]) -> None:
    """Take it away: on another screen it would only be in the way."""
    told = [notification for notification in app._notifications if notification.title == _TITLE]
    for notification in told:
        app._unnotify(notification, refresh=notification is told[-1])
