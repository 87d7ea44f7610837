"""The whole log of the trainer, line by line; what is out of sight is not read."""

from __future__ import annotations

import asyncio

from textual.content import Content

from harmonic_core.run.words import count
from harmonic_tui.runs.log_file import LogFile
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.wording import percent

_MARGIN = 200
"""Lines read beyond those in sight, so that scrolling a little finds them there."""


class LogLines(Listing):
    """Lines of a log with their numbers."""

    def __init__(self, log: LogFile) -> None:
        super().__init__("log-lines")
        self._log = log
        self._first = 0
        self._read: list[str] = []
        self._restarts = 0
        self._reading = False
        self._stale = False
        self._share: float | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is read."""
        self.follows = True
        self._show_title()

    def empty(self) -> Content:
        """What will stand here."""
        return Content.styled("What the trainer prints appears here, from its first line on.", "$muted")

    def line(self, index: int, width: int) -> Content:
        """A line, or a sign that it is being read."""
        place = index - self._first
        if 0 <= place < len(self._read):
            said = Content(self._read[place])
        else:
            said = Content.styled("…", "$faint")
            self._want()
        digits = len(count(max(1, self.count)))
        number = Content.styled(f"{count(index + 1):>{digits}}", "$faint")
        return Content.assemble(number, "  ", said).truncate(width, ellipsis=True)

    def text(self, index: int) -> str:
        """The whole line; empty while it is not read."""
        place = index - self._first
        return self._read[place] if 0 <= place < len(self._read) else ""

    async def look(self) -> bool:
        """Find what was added; whether the log was replaced."""
        changed = await asyncio.to_thread(self._log.scan, self._tell_share)
        self._share = None
        replaced = self._log.restarts != self._restarts
        if changed or replaced:
            self._restarts = self._log.restarts
            if replaced:
                self._read, self._first = [], 0
            self.show(self._log.count)
            # The last line may have been read before it was complete.
            self._stale = True
            self._want()
        self._show_title()
        return replaced

    def on_resize(self) -> None:
        """More may be in sight now."""
        super().on_resize()
        self._want()

    def _tell_share(self, share: float) -> None:
        self.app.call_from_thread(self._show_share, share)

    def _show_share(self, share: float) -> None:
        self._share = share if share < 1 else None
        self._show_title()

    def _show_title(self) -> None:
        title = Content.assemble("Log", Content.styled(f"  {count(self.count)} lines", "$muted") if self.count else "")
        if self._share is not None:
            title = Content.assemble(title, Content.styled(f"  reading {percent(self._share)}", "$look"))
        self.border_title = title

    def _want(self) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(self._read_what_is_in_sight(), group="log-lines")

    async def _read_what_is_in_sight(self) -> None:
        try:
            while self._lacks_something():
                self._stale = False
                first = max(0, self.scroll_offset.y - _MARGIN)
                number = self.size.height + 2 * _MARGIN
                lines = await asyncio.to_thread(self._log.read, first, number)
                self._first, self._read = first, lines
                self.refresh()
                if not lines:
                    break
        finally:
            self._reading = False

    def _lacks_something(self) -> bool:
        first = self.scroll_offset.y
        last = min(self.count, first + self.size.height)
        return self._stale or not (self._first <= first and last <= self._first + len(self._read))
