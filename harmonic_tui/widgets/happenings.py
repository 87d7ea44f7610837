"""All events of a run, or those of one kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from textual.content import Content
from textual.style import Style

from harmonic_core.run.words import count
from harmonic_tui.curves.series import is_number
from harmonic_tui.plain import plain
from harmonic_tui.widgets.lines import event_word
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.wording import day_and_time, time_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harmonic_core.run.records import Row

_KIND_WIDTH = 10
_ALL = "all"


class Happenings(Listing):
    """A line an event: when, of what kind, what."""

    def __init__(self) -> None:
        super().__init__("happenings")
        self._all: list[Row] = []
        self._shown: list[Row] = []
        self._kinds: Counter[str] = Counter()
        self.kind = _ALL
        self._with_days = False

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.follows = True
        self._show_title()

    @property
    def rows(self) -> Sequence[Row]:
        """The events in the list."""
        return self._shown

    def tell(self, rows: list[Row], *, restarted: bool) -> None:
        """Add events, or begin anew."""
        if restarted:
            self._all, self._shown, self._kinds = [], [], Counter()
        self._all += rows
        self._kinds.update(kind_of(row) for row in rows)
        self._shown += [row for row in rows if self._is_wanted(row)]
        today = time_of_day_and_day(self.app.clock())  # type: ignore[attr-defined]
        self._with_days = self._with_days or any(
            time_of_day_and_day(row["time"]) != today for row in rows if is_number(row.get("time"))
        )
        self.show(len(self._shown))
        self._show_title()

    def choose_kind(self, kind: str) -> None:
        """Show only events of a kind; `all` shows every one."""
        chosen = self._shown[self.cursor] if self._shown else None
        self.kind = kind if kind in self._kinds else _ALL
        self._shown = [row for row in self._all if self._is_wanted(row)]
        place = next((index for index, row in enumerate(self._shown) if row is chosen), len(self._shown) - 1)
        self.show(len(self._shown), place)
        self._show_title()

    def next_kind(self, by: int) -> None:
        """Go through the kinds in the order in which the title names them."""
        kinds = [_ALL, *sorted(self._kinds, key=event_word)]
        self.choose_kind(kinds[(kinds.index(self.kind) + by) % len(kinds)])

    def empty(self) -> Content:
        """What will stand here."""
        words = "Checkpoints, samples, refused files and whatever is out of the ordinary appear here as they happen."
        return Content.styled(words, "$muted")

    def line(self, index: int, width: int) -> Content:
        """An event."""
        row = self._shown[index]
        moment = row.get("time")
        width_of_time = 15 if self._with_days else 8
        when = self._when(moment) if is_number(moment) else ""
        word, hue = event_word(kind_of(row))
        return Content.assemble(
            Content.styled(when.rjust(width_of_time), "$muted"),
            "  ",
            Content.styled(f"{word:<{_KIND_WIDTH}}", f"${hue}"),
            "  ",
            message_of(row),
        ).truncate(width, ellipsis=True)

    def _when(self, moment: float) -> str:
        time = time_of_day(moment, seconds=True)
        if not self._with_days:
            return time
        *day, _ = day_and_time(moment, self.app.clock()).rpartition(" ")  # type: ignore[attr-defined]
        return f"{day[0]} {time}".strip()

    def _is_wanted(self, row: Row) -> bool:
        return self.kind in {_ALL, kind_of(row)}

    def _show_title(self) -> None:
        kinds = [(_ALL, len(self._all)), *((kind, self._kinds[kind]) for kind in sorted(self._kinds, key=event_word))]
        chips = [self._chip(kind, number) for kind, number in kinds if number]
        self.border_title = Content("  ").join([Content("Events"), *chips])

    def _chip(self, kind: str, number: int) -> Content:
        word, hue = event_word(kind)
        said = f"[{word} {count(number)}]" if kind == self.kind else f"{word} {count(number)}"
        style = f"bold ${hue}" if kind == self.kind else f"${hue}"
        return Content.styled(said, style).stylize(Style.from_meta({"@click": f"screen.choose_kind({kind!r})"}))


def kind_of(row: Row) -> str:
    """What kind of event a row tells of, harmless to show."""
    return plain(str(row.get("kind", "")), 12)


def message_of(row: Row) -> str:
    """What an event says, harmless to show."""
    return plain(str(row.get("message", "")), 600)


def event_text(row: Row) -> str:
    """An event as it is searched: kind and message."""
    return f"{event_word(kind_of(row))[0]}  {message_of(row)}"


def time_of_day_and_day(moment: float) -> str:
    """The day of a moment; equal for two moments of one day."""
    return day_and_time(moment, 0.0).rpartition(" ")[0]
