"""Panels that are lines of text: what happened, what the trainer printed."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.records import Row
from harmonic_core.run.words import files
from harmonic_tui.curves.series import is_number
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.refusals import refusal
from harmonic_tui.wording import time_of_day

_KEPT = 500
_HEAD = 21
"""Columns of time and kind before what an event says."""
_LEAST_MESSAGE, _ENOUGH_ROWS = 16, 4
_EVENT_HUES = {
    "checkpoint": "good",
    "sample": "reconstruction",
    "evaluation": "primary",
    "refused": "look",
    "warning": "look",
    "signal": "look",
    "skipped": "look",
    "rollback": "look",
    "oom": "look",
    "disk": "look",
    "diagnosis": "primary",
    "failure": "bad",
}
_EVENT_WORDS = {"oom": "memory", "diagnosis": "verdict"}
"""Words for kinds that are none themselves."""


class Lines(Widget, can_focus=True):
    """The newest lines that fit, the newest first. A click or Enter leads to where all of them are."""

    BINDINGS = bindings("told")
    heading = ""
    empty = ""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="frame")
        self._lines: list[Content] = []

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content(self.heading)
        self.border_subtitle = Content.assemble(("8", "$primary"), (" shows all", "$muted"))

    def on_click(self) -> None:
        """A click does as the key."""
        self.run_worker(self.run_action("app.place('log')"))

    def show_lines(self, lines: list[Content]) -> None:
        """Replace the lines; the newest come last."""
        self._lines = lines[-_KEPT:]
        self.refresh()

    def render(self) -> Content:
        """As many of the newest as there are rows, or what will stand here."""
        if not self._lines:
            return Content.styled(self.empty, "$muted")
        width, height = max(1, self.size.width), max(1, self.size.height)
        shown: list[Content] = []
        for line in reversed(self._lines):
            if len(shown) >= height:
                break
            rows = self.rows_of(line, width, height)
            # What has no room for all of its rows ends with an ellipsis.
            shown += rows if len(rows) <= height - len(shown) else [line.truncate(width, ellipsis=True)]
        return Content("\n").join(shown)

    def rows_of(self, line: Content, width: int, height: int) -> list[Content]:
        """The rows that a line takes in a panel of this size, one or more."""
        return [line.truncate(width, ellipsis=True)]


@dataclass
class _RefusedTogether:
    """Files that were refused in one start of the run: one line, however many they are."""

    first: Row
    names: set[str] = field(default_factory=set)

    def as_row(self) -> Row:
        """The one event, or how many there were."""
        if len(self.names) == 1:
            return self.first
        return {**self.first, "message": f"{files(len(self.names))} refused: r shows them"}


class EventsPanel(Lines):
    """What happened in the run. Refused files are counted here; the list of them is elsewhere."""

    heading = "Events"
    empty = "checkpoints, samples and whatever is out of the ordinary appear here"

    def __init__(self) -> None:
        super().__init__("events")
        self._events: list[Row | _RefusedTogether] = []
        self._refused: _RefusedTogether | None = None

    def tell(self, rows: list[Row], *, restarted: bool) -> None:
        """Add events, or begin anew."""
        if restarted:
            self._events, self._refused = [], None
        for row in rows:
            if row.get("kind") == "refused":
                self._count_refused(row)
            else:
                self._events.append(row)
        self._events = self._events[-_KEPT:]
        rows = [event.as_row() if isinstance(event, _RefusedTogether) else event for event in self._events]
        self.show_lines([_event(row) for row in rows])

    def rows_of(self, line: Content, width: int, height: int) -> list[Content]:
        """A long message goes on in a second row, where that leaves room for others."""
        room = width - _HEAD
        if line.cell_length <= width or room < _LEAST_MESSAGE or height < _ENOUGH_ROWS:
            return super().rows_of(line, width, height)
        first, *more = line[_HEAD:].wrap(room)
        rest = Content(" ").join(more).truncate(room, ellipsis=True)
        return [Content.assemble(line[:_HEAD], first), *([Content.assemble(" " * _HEAD, rest)] if more else [])]

    def _count_refused(self, row: Row) -> None:
        name = refusal(row).name
        # A file that is refused a second time: the run was started again.
        if self._refused is None or name in self._refused.names:
            self._refused = _RefusedTogether(row)
            self._events.append(self._refused)
        self._refused.names.add(name)


class LogPanel(Lines):
    """What the trainer printed."""

    heading = "Log"
    empty = "what the trainer prints appears here"

    def tell(self, lines: list[str]) -> None:
        """Show another end of the log."""
        self.show_lines([Content.styled(line, "$muted") for line in lines])


def event_word(kind: str) -> tuple[str, str]:
    """How a kind of event is called, and the theme variable of its hue."""
    return _EVENT_WORDS.get(kind, kind), _EVENT_HUES.get(kind, "muted")


def _event(row: Row) -> Content:
    moment = row.get("time")
    kind = plain(str(row.get("kind", "")), 12)
    hue = _EVENT_HUES.get(kind, "muted")
    return Content.assemble(
        Content.styled(time_of_day(moment, seconds=True) if is_number(moment) else "        ", "$muted"),
        "  ",
        Content.styled(f"{_EVENT_WORDS.get(kind, kind):<10}", f"${hue}"),
        " ",
        plain(str(row.get("message", ""))),
    )
