"""The list of refused files. However long it is, only the lines in sight are made."""

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

from harmonic_core.run.words import files
from harmonic_tui.keys import bindings
from harmonic_tui.plain import end_of, plain
from harmonic_tui.runs.refusals import Refusals

_NAME_WIDTH = 44
_NAME_SHARE = 0.4
_NONE_YET = "none so far; a file that cannot be used is named here, with the reason"


class RefusedList(ScrollView, can_focus=True):
    """A line a file: its name and the reason. It stays at its end, the newest, unless one moves away from there."""

    ALLOW_SELECT = False
    BINDINGS = bindings("refused-list")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"refused--chosen"}

    cursor: reactive[int] = reactive(0)
    """Index of the chosen file."""

    class Chosen(Message):
        """A file was chosen with Enter or the mouse."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Moved(Message):
        """Another line is the chosen one, or it says something else."""

    def __init__(self, refusals: Refusals, id: str = "refused") -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame")
        self._refusals = refusals
        self._count = 0
        self._told: tuple[int, bool] | None = None

    def on_mount(self) -> None:
        """Show what there is."""
        self.tell()

    def tell(self, *, ended: bool = False) -> None:
        """Take note of what was added, and of whether more may come."""
        told = (self._refusals.changes, ended)
        if told == self._told:
            return
        self._told = told
        at_end = self.cursor >= self._count - 1
        self._count = len(self._refusals)
        self.border_title = Content.styled(f"Refused: {files(self._count)}", "$look") if self._count else "Refused"
        self.virtual_size = Size(self.scrollable_content_region.width, self._count)
        self.cursor = self._count - 1 if at_end else min(self.cursor, self._count - 1)
        self.call_after_refresh(self._keep_in_sight)
        self.post_message(self.Moved())
        self.refresh()

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.virtual_size = Size(self.scrollable_content_region.width, self._count)
        self.call_after_refresh(self._keep_in_sight)

    def watch_cursor(self) -> None:
        """Keep the chosen line in sight."""
        self._keep_in_sight()
        self.post_message(self.Moved())
        self.refresh()

    def action_move(self, lines: int) -> None:
        """Choose another line."""
        self.cursor = max(0, min(self._count - 1, self.cursor + lines))

    def action_page(self, pages: int) -> None:
        """Choose the line a page away."""
        self.action_move(pages * max(1, self.scrollable_content_region.height))

    def action_choose(self) -> None:
        """Say that the chosen file is wanted."""
        if self._count:
            self.post_message(self.Chosen(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click chooses the line under it."""
        offset = event.get_content_offset(self)
        line = -1 if offset is None else offset.y + self.scroll_offset.y
        if 0 <= line < self._count:
            self.cursor = line
            self.action_choose()

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        chosen = self.has_focus and index == self.cursor and index < self._count
        style = self.get_visual_style("refused--chosen") if chosen else self.visual_style
        if not self._count:
            words = "no file was refused" if self._told and self._told[1] else _NONE_YET
            wrapped = Content.styled(words, "$muted").wrap(max(1, width))
            line = wrapped[y] if y < len(wrapped) else Content("")
        else:
            line = self._line(index, width) if index < self._count else Content("")
        strips = Visual.to_strips(self, line, max(1, width), 1, style, pad=True)
        return strips[0] if strips else Strip.blank(width, style.rich_style)

    def _line(self, index: int, width: int) -> Content:
        name, reason, _ = self._refusals[index]
        names = min(_NAME_WIDTH, int(_NAME_SHARE * width))
        shown = Content(end_of(plain(name, 200), names)).truncate(names, pad=True)
        return Content.assemble(shown, "  ", Content.styled(plain(reason), "$muted")).truncate(width, ellipsis=True)

    def _keep_in_sight(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)
