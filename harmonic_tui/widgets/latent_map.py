"""Segments of music on a plane: a letter each, by what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_tui.keys import bindings
from harmonic_tui.widgets.latent_letters import UNKNOWN, Letter

_TALL = 2.0
"""Height of a cell of a terminal in widths of it."""
_ASIDE = 2.0
"""How much farther it is across the way than along it, for who looks for the next point in a direction."""
_LEGEND_ROWS = 3
_FROM, _TO = "◆", "◇"


class LatentMap(Widget, can_focus=True):
    """Letters at the places of segments; one of them is chosen.

    Held-out segments have capitals, those that were trained on small letters, dimmed.
    """

    BINDINGS = bindings("latent-map")

    @dataclass
    class Moved(Message):
        """Another point was chosen."""

        point: int

    @dataclass
    class Wanted(Message):
        """The chosen point should be heard."""

    def __init__(self) -> None:
        super().__init__(id="map", classes="frame")
        self._places: Sequence[tuple[float, float]] = ()
        self._values: Sequence[str] = ()
        self._letters: Mapping[str, Letter] = {}
        self._held_out: Sequence[bool] = ()
        self._ends: tuple[int | None, int | None] = (None, None)
        self._near: frozenset[int] = frozenset()
        self._words = ""
        self.chosen = 0

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Map")

    def wait(self, words: str) -> None:
        """Say why there are no points."""
        self._places, self._words = (), words
        self.border_subtitle = Content("")
        self.refresh()

    def tell_places(self, places: Sequence[tuple[float, float]], held_out: Sequence[bool]) -> None:
        """Show points at these places."""
        self._places, self._held_out = places, held_out
        self.chosen = min(self.chosen, max(0, len(places) - 1))
        self.refresh()

    def tell_values(self, values: Sequence[str], shown: Mapping[str, Letter]) -> None:
        """Show what each point is."""
        self._values, self._letters = values, shown
        self.refresh()

    def tell_way(self, ends: tuple[int | None, int | None], near: Sequence[int] = ()) -> None:
        """Mark the points from which and to which a walk goes, and what it comes by."""
        self._ends, self._near = ends, frozenset(near)
        self.refresh()

    def choose(self, point: int) -> None:
        """Choose a point."""
        if point != self.chosen and 0 <= point < len(self._places):
            self.chosen = point
            self.refresh()
            self.post_message(self.Moved(point))

    def action_move(self, across: int, down: int) -> None:
        """Choose the nearest point in a direction."""
        cells = self._cells()
        if not cells:
            return
        here = cells[self.chosen]

        def distance(point: int) -> float:
            x, y = cells[point][0] - here[0], _TALL * (cells[point][1] - here[1])
            along, aside = (x * across, y) if across else (y * down, x)
            return along + _ASIDE * abs(aside) if along > 0 else math.inf

        nearest = min(range(len(cells)), key=distance)
        if distance(nearest) < math.inf:
            self.choose(nearest)

    def action_hear(self) -> None:
        """Ask for the sound of the chosen point."""
        if self._places:
            self.post_message(self.Wanted())

    def on_click(self, event: events.Click) -> None:
        """Choose the point that lies nearest; hear it if it is chosen already."""
        cells = self._cells()
        place = event.get_content_offset(self)
        if not cells or place is None or place.y >= self._rows():
            return
        nearest = min(
            range(len(cells)),
            key=lambda point: math.hypot(cells[point][0] - place.x, _TALL * (cells[point][1] - place.y)),
        )
        if nearest == self.chosen or event.chain > 1:
            self.choose(nearest)
            self.action_hear()
        else:
            self.choose(nearest)

    def render(self) -> Content:
        """Points above their legend, or words."""
        if not self._places:
            return Content.styled(self._words, "$muted")
        rows = self._rows()
        grid: list[dict[int, Content]] = [{} for _ in range(rows)]
        places = self._cells()
        for point in self._by_importance():
            x, y = places[point]
            grid[y][x] = self._sign(point)
        lines = [_line(cells, self.size.width) for cells in grid]
        return Content("\n").join([*lines, *self._legend()])

    def _by_importance(self) -> list[int]:
        """Points, what must not be hidden last."""

        def weight(point: int) -> tuple[bool, bool, bool]:
            return point == self.chosen, point in self._ends, self._is_held_out(point)

        return sorted(range(len(self._places)), key=weight)

    def _sign(self, point: int) -> Content:
        letter = self._letter(point)
        held_out = self._is_held_out(point)
        sign = letter.sign if held_out else letter.sign.lower()
        if point in self._ends:
            sign = _FROM if point == self._ends[0] else _TO
        style = f"${letter.hue} bold" if held_out else f"${letter.hue} dim"
        if point in self._near:
            style = f"${letter.hue} bold underline"
        if point == self.chosen:
            style = f"${letter.hue} bold reverse"
        return Content.styled(sign, style)

    def _letter(self, point: int) -> Letter:
        return self._letters.get(self._values[point], UNKNOWN) if point < len(self._values) else UNKNOWN

    def _is_held_out(self, point: int) -> bool:
        return point < len(self._held_out) and self._held_out[point]

    def _cells(self) -> list[tuple[int, int]]:
        """Column and row of every point."""
        if not self._places:
            return []
        across, up = (_scale([place[axis] for place in self._places]) for axis in (0, 1))
        width, rows = max(1, self.size.width), self._rows()
        return [(round(across(x) * (width - 1)), round((1.0 - up(y)) * (rows - 1))) for x, y in self._places]

    def _rows(self) -> int:
        return max(1, self.size.height - len(self._legend()))

    def _legend(self) -> list[Content]:
        entries = [
            Content.assemble((each.sign, f"${each.hue} bold"), f" {each.name} ", (str(each.points), "$muted"))
            for each in self._letters.values()
        ]
        unknown = sum(1 for value in self._values if not value)
        if unknown:
            entries.append(Content.styled(f"{UNKNOWN.sign} not known {unknown}", "$muted"))
        if any(end is not None for end in self._ends):
            entries.append(Content.styled(f"{_FROM} from {_TO} to", "$muted"))
        room = min(_LEGEND_ROWS, max(0, self.size.height // 4))
        return _wrapped(entries, max(1, self.size.width), room)


def _scale(values: Sequence[float]) -> _Scale:
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    return _Scale(min(finite), max(finite))


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def __call__(self, value: float) -> float:
        if not math.isfinite(value) or self.high <= self.low:
            return 0.5
        return (value - self.low) / (self.high - self.low)


def _line(cells: Mapping[int, Content], width: int) -> Content:
    parts: list[Content] = []
    end = 0
    for column in sorted(cells):
        parts.append(Content(" " * (column - end)))
        parts.append(cells[column])
        end = column + 1
    return Content("").join([*parts, Content(" " * (width - end))])


def _wrapped(entries: Sequence[Content], width: int, rows: int) -> list[Content]:
    """Entries side by side on at most so many lines; what has no room is counted."""
    gap = Content("   ")
    lines: list[list[Content]] = [[]] if rows else []
    taken = 0
    for number, entry in enumerate(entries):
        last = len(lines) == rows
        left = len(entries) - number - 1
        room = width - (9 if last and left else 0)
        if lines and lines[-1] and taken + 3 + entry.cell_length > room:
            if last:
                lines[-1].append(Content.styled(f"… {left + 1} more", "$muted"))
                break
            lines.append([])
            taken = 0
        if lines:
            taken += entry.cell_length + (3 if lines[-1] else 0)
            lines[-1].append(entry)
    return [gap.join(line).truncate(width, ellipsis=True) for line in lines if line]
