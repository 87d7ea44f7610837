"""A list of any length, of which only the lines in sight are made."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from harmonic_tui.keys import bindings

HIT = "bold underline $look"
"""How what was searched for looks: underlined too, for whoever has no colours."""


class Listing(ScrollView, can_focus=True):
    """Base of the lists. One says how many lines there are and what each is; cursor, scrolling and mouse are here.

    While it follows it stays at its end, whatever is added; moving away from there ends that.
    """

    ALLOW_SELECT = False
    BINDINGS = bindings("listing")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"listing--chosen", "listing--resting"}
    DEFAULT_CSS = """
    Listing {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .listing--chosen {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
        & > .listing--resting {
            background: $block-cursor-blurred-background;
        }
    }
    """

    cursor: reactive[int] = reactive(0)
    """Index of the chosen line."""

    class Chosen(Message):
        """A line was chosen with Enter, or by a click on the line that the cursor is on."""

        def __init__(self, listing: Listing, index: int) -> None:
            super().__init__()
            self.listing = listing
            self.index = index

        @property
        def control(self) -> Listing:
            """The list."""
            return self.listing

    class Moved(Message):
        """Another line is the one under the cursor, or it says something else."""

        def __init__(self, listing: Listing) -> None:
            super().__init__()
            self.listing = listing

        @property
        def control(self) -> Listing:
            """The list."""
            return self.listing

    def __init__(self, id: str | None = None, *, framed: bool = True) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame" if framed else "")
        self.follows = False
        self.pattern: re.Pattern[str] | None = None
        """What is looked for, and shown where it stands."""
        self.hits: list[int] = []
        """Lines that match, ascending, as far as somebody looked for them."""
        self._count = 0

    @property
    def count(self) -> int:
        """Number of lines."""
        return self._count

    def line(self, index: int, width: int) -> Content:
        """What a line says, in at most `width` columns."""
        raise NotImplementedError

    def empty(self) -> Content:
        """What stands here while there are no lines."""
        return Content("")

    def text(self, index: int) -> str:
        """What a line says, for the clipboard."""
        return self.line(index, 10_000).plain.rstrip()

    def show(self, count: int, cursor: int | None = None) -> None:
        """Show that many lines, or the same with other words; with `cursor` on that line."""
        self._count = count
        self.virtual_size = Size(self.scrollable_content_region.width, count)
        wanted = count - 1 if self.follows else self.cursor if cursor is None else cursor
        self.cursor = max(0, min(count - 1, wanted))
        self.call_after_refresh(self._keep_in_sight)
        self.post_message(self.Moved(self))
        self.refresh()

    def follow(self, follows: bool) -> None:
        """Stay at the end from now on, or no longer."""
        self.follows = follows
        if follows:
            self.cursor = max(0, self._count - 1)
            self._keep_in_sight()
        self.refresh()

    def next_hit(self, by: int) -> int | None:
        """Next line that matches, from the cursor on, or the one before it; round at the ends. None without any."""
        if not self.hits:
            return None
        place = bisect_left(self.hits, self.cursor + (1 if by > 0 else 0))
        return self.hits[place % len(self.hits) if by > 0 else place - 1]

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.virtual_size = Size(self.scrollable_content_region.width, self._count)
        self.call_after_refresh(self._keep_in_sight)

    def watch_cursor(self) -> None:
        """Keep the chosen line in sight."""
        self._keep_in_sight()
        self.post_message(self.Moved(self))
        self.refresh()

    def action_move(self, lines: int) -> None:
        """Choose another line."""
        self.follows = self.follows and lines > 0 and self.cursor + lines >= self._count - 1
        self.cursor = max(0, min(self._count - 1, self.cursor + lines))

    def action_page(self, pages: int) -> None:
        """Choose the line a page away."""
        self.action_move(pages * max(1, self.scrollable_content_region.height))

    def action_choose(self) -> None:
        """Say that the chosen line is wanted."""
        if self._count:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; one where it is already chooses."""
        offset = event.get_content_offset(self)
        line = -1 if offset is None else offset.y + self.scroll_offset.y
        if not 0 <= line < self._count:
            return
        if line == self.cursor:
            self.action_choose()
        else:
            self.action_move(line - self.cursor)

    def on_mouse_scroll_up(self) -> None:
        """Whoever looks further up does not want to be taken back."""
        self.follows = False

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width, index = max(1, self.scrollable_content_region.width), y + self.scroll_offset.y
        style = self.visual_style
        if not self._count:
            wrapped = self.empty().wrap(width)
            shown = wrapped[y] if y < len(wrapped) else Content("")
        elif index < self._count:
            shown = self._with_hits(self.line(index, width))
            if index == self.cursor:
                style = self.get_visual_style("listing--chosen" if self.has_focus else "listing--resting")
        else:
            shown = Content("")
        strips = Visual.to_strips(self, shown, width, 1, style, pad=True)
        return strips[0] if strips else Strip.blank(width, style.rich_style)

    def _with_hits(self, line: Content) -> Content:
        if self.pattern is None:
            return line
        for found in self.pattern.finditer(line.plain):
            if found.end() > found.start():
                line = line.stylize(HIT, found.start(), found.end())
        return line

    def _keep_in_sight(self) -> None:
        if self._count:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
