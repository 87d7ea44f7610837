"""The list of runs, two lines each. However many there are, only those in sight are drawn, and their curves read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.words import preparation
from harmonic_tui.curves.sparks import spark
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.runs_seen import ORDERS, Order, RunSeen, ordered
from harmonic_tui.wording import day_and_time, figure, state_mark

_LINES = 2
_SPARK, _SPARK_NARROW, _NARROW = 20, 10, 56


class RunList(ScrollView, can_focus=True):
    """Runs: name and curve, then state, epoch, best figure and when it was started."""

    ALLOW_SELECT = False
    BINDINGS = bindings("run-list")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"runs--chosen"}

    highlighted: reactive[int | None] = reactive(None, repaint=False)
    """Index of the chosen run; None where there is none."""

    class Opened(Message):
        """A run was chosen with Enter or the mouse."""

        def __init__(self, run: RunDirectory) -> None:
            super().__init__()
            self.run = run

    class Moved(Message):
        """Another run is the chosen one, or others are in sight."""

    def __init__(self, id: str, empty: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._empty = empty
        self._all: list[RunSeen] | None = None
        self._shown: list[RunSeen] = []
        self._words: list[str] = []
        self._order: Order = "newest"
        self._now = 0.0
        self._curves: dict[Path, tuple[float, ...]] = {}

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self._label()

    @property
    def option_count(self) -> int:
        """Number of runs shown."""
        return len(self._shown)

    @property
    def chosen(self) -> RunSeen | None:
        """The run that Enter opens."""
        index = self.highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    @property
    def in_sight(self) -> list[RunDirectory]:
        """Runs that are drawn now."""
        first = int(self.scroll_offset.y) // _LINES
        return [seen.run for seen in self._shown[first : first + self.scrollable_content_region.height // _LINES + 2]]

    def tell(self, runs: list[RunSeen], now: float) -> None:
        """Take note of how the runs are. The chosen one stays chosen."""
        self._now = now
        if runs != self._all:
            self._all = runs
            self._arrange()

    def tell_curves(self, curves: Mapping[Path, tuple[float, ...]]) -> None:
        """Take note of validation errors."""
        if any(self._curves.get(path) != curve for path, curve in curves.items()):
            self._curves.update(curves)
            self.refresh()

    def curve(self, run: RunDirectory) -> tuple[float, ...]:
        """Validation error of a run as far as it was read."""
        return self._curves.get(run.path, ())

    def find(self, words: Sequence[str]) -> None:
        """Show only the runs that all `words` are found in."""
        self._words = list(words)
        self._arrange()

    def rearrange(self, steps: int) -> None:
        """Put the runs in the order that comes so many steps later."""
        self._order = ORDERS[(ORDERS.index(self._order) + steps) % len(ORDERS)]
        self._arrange()

    def action_move(self, runs: int) -> None:
        """Choose another run."""
        if self._shown:
            self.highlighted = max(0, min(len(self._shown) - 1, (self.highlighted or 0) + runs))

    def action_page(self, pages: int) -> None:
        """Choose the run a page away."""
        self.action_move(pages * max(1, self.scrollable_content_region.height // _LINES))

    def action_open(self) -> None:
        """Say that the chosen run is wanted."""
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen.run))

    def on_click(self, event: events.Click) -> None:
        """A click opens the run under it."""
        offset = event.get_content_offset(self)
        index = -1 if offset is None else (offset.y + int(self.scroll_offset.y)) // _LINES
        if 0 <= index < len(self._shown):
            self.highlighted = index
            self.action_open()

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self._measure()

    def watch_highlighted(self, old: int | None, new: int | None) -> None:
        """Keep the chosen run in sight."""
        self._keep_in_sight()
        self.post_message(self.Moved())
        for index in {old, new} - {None}:
            self.refresh_lines(_LINES * (index or 0), _LINES)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Others are in sight."""
        super().watch_scroll_y(old, new)
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width, line = self.scrollable_content_region.width, y + int(self.scroll_offset.y)
        index = line // _LINES
        style = self.visual_style
        if not self._shown:
            wrapped = Content.styled(self._nothing(), "$muted").wrap(max(1, width))
            content = wrapped[y] if y < len(wrapped) else Content("")
        elif index >= len(self._shown):
            content = Content("")
        else:
            seen = self._shown[index]
            content = self._second(seen, width) if line % _LINES else self._first(seen, width)
            if index == self.highlighted and self.has_focus:
                style = self.get_visual_style("runs--chosen")
        strips = Visual.to_strips(self, content, max(1, width), 1, style, pad=True)
        return strips[0] if strips else Strip.blank(width, style.rich_style)

    def _nothing(self) -> str:
        if self._all is None:
            return "reading …"
        return "No run is called so; Escape shows them all." if self._all else self._empty

    def _arrange(self) -> None:
        before = self.chosen
        found = [seen for seen in self._all or () if seen.matches(self._words)]
        self._shown = ordered(found, self._order)
        paths = [seen.run.path for seen in self._shown]
        if before is not None and before.run.path in paths:
            self.highlighted = paths.index(before.run.path)
        else:
            self.highlighted = min(self.highlighted or 0, len(paths) - 1) if paths else None
        self._label()
        self._measure()
        self.post_message(self.Moved())

    def _label(self) -> None:
        found = f": {len(self._shown)} of {len(self._all or ())}" if self._words else ": open one"
        self.border_title = Content(f"Runs{found}")
        orders: dict[Order, str] = {
            "newest": "newest first",
            "best": "best first",
            "name": "by name",
            "state": "by state",
        }
        self.border_subtitle = Content.styled(orders[self._order], "$muted") if self._all else ""

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, _LINES * len(self._shown))
        self.call_after_refresh(self._keep_in_sight)
        self.refresh()

    def _keep_in_sight(self) -> None:
        if self.highlighted is not None:
            region = Region(0, _LINES * self.highlighted, 1, _LINES)
            self.scroll_to_region(region, animate=False, force=True)

    def _first(self, seen: RunSeen, width: int) -> Content:
        bars = spark(self.curve(seen.run), _SPARK if width >= _NARROW else _SPARK_NARROW)
        name = Content(plain(seen.run.name, 200)).truncate(max(8, width - len(bars) - 3), ellipsis=True)
        gap = max(1, width - name.cell_length - len(bars))
        return Content.assemble(name.stylize("bold"), " " * gap, Content.styled(bars, "$validation"))

    def _second(self, seen: RunSeen, width: int) -> Content:
        status = seen.status
        mark = state_mark(seen.state, status.why if status else "")
        shown = Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}")
        if status is None:
            return shown
        when = day_and_time(status.started_at, self._now)
        told = Content.styled(f"   {how_far(seen)}", "$muted")
        left = Content.assemble(shown, told).truncate(max(8, width - len(when) - 2), ellipsis=True)
        gap = max(1, width - left.cell_length - len(when))
        return Content.assemble(left, " " * gap, Content.styled(when, "$muted"))


def how_far(seen: RunSeen) -> str:
    """Where a run is and how good its best epoch was, or why it ended: `epoch 37/100   best 6.46 dB`."""
    status = seen.status
    if status is None:
        return ""
    if seen.state in {"failed", "diverged"} and status.message:
        return plain(status.message, 200)
    if status.preparation and not status.epoch:
        return preparation(status.preparation, going_on=seen.state == "preparing")
    where = f"epoch {status.epoch}/{status.epochs}" if status.epoch else plain(status.phase, 30)
    best = f"   best {figure(status.best.val_recon_db)} dB" if status.best else ""
    return f"{where}{best}"
