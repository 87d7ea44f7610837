"""A list of any length: only the lines in sight are made."""

from __future__ import annotations

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


class RowList(ScrollView, can_focus=True):
    """Base of long lists. A list says how many lines it has, and what stands in each."""

    ALLOW_SELECT = False
    BINDINGS = bindings("samples-rows")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row--chosen", "row--chosen-elsewhere"}

    cursor: reactive[int] = reactive(0, init=False)
    """Index of the chosen line."""

    class Moved(Message):
        """Another line was chosen by hand."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    class Chosen(Moved):
        """A line was chosen with Enter, or clicked when it was the chosen one already."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame")
        self._by_hand = False

    def __len__(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, index: int, width: int) -> Content:
        """What stands in a line."""
        raise NotImplementedError

    def words(self) -> str:
        """What stands there when there are no lines."""
        return ""

    def tell(self, cursor: int | None = None) -> None:
        """Take note that lines changed, and perhaps that another one is chosen."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self))
        wanted = self.cursor if cursor is None else cursor
        self.set_reactive(RowList.cursor, max(0, min(wanted, len(self) - 1)))
        self.call_after_refresh(self._keep_in_sight)
        self.refresh()

    @property
    def in_sight(self) -> range:
        """Lines that can be seen."""
        first = self.scroll_offset.y
        return range(min(first, len(self)), min(first + max(1, self.scrollable_content_region.height), len(self)))

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.tell()

    def watch_cursor(self) -> None:
        """Keep the chosen line in sight."""
        self._keep_in_sight()
        self.refresh()

    def action_move(self, lines: int) -> None:
        """Choose another line."""
        wanted = max(0, min(len(self) - 1, self.cursor + lines))
        if wanted != self.cursor and len(self):
            self.cursor = wanted
            self.post_message(self.Moved(self, wanted))

    def action_page(self, pages: int) -> None:
        """Choose the line a page away."""
        self.action_move(pages * max(1, self.scrollable_content_region.height))

    def action_choose(self) -> None:
        """Say that the chosen line is wanted."""
        if len(self):
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click chooses the line under it, a second one wants it."""
        offset = event.get_content_offset(self)
        index = -1 if offset is None else offset.y + self.scroll_offset.y
        if not 0 <= index < len(self):
            return
        if index == self.cursor:
            self.action_choose()
        else:
            self.action_move(index - self.cursor)

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        style = self.visual_style
        if not len(self):
            wrapped = Content.styled(self.words(), "$muted").wrap(max(1, width))
            line = wrapped[y] if y < len(wrapped) else Content("")
        elif index < len(self):
            line = self.line(index, width).truncate(width, ellipsis=True)
            if index == self.cursor:
                style = self.get_visual_style("row--chosen" if self.has_focus else "row--chosen-elsewhere")
        else:
            line = Content("")
        strips = Visual.to_strips(self, line, max(1, width), 1, style, pad=True)
        return strips[0] if strips else Strip.blank(width, style.rich_style)

    def _keep_in_sight(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
