"""The list of runs to compare: what is pinned, by which letter, and how each run stands."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from harmonic_core.run.directory import RUN_ROOTS
from harmonic_core.run.words import count
from harmonic_tui.curves.compared import Compared
from harmonic_tui.keys import bindings
from harmonic_tui.plain import end_of, plain
from harmonic_tui.widgets.row_list import RowList
from harmonic_tui.wording import figure, state_mark

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory
    from harmonic_tui.runs.runs_seen import RunSeen

_ROOM_FOR_BEST = 8
_ROOM_FOR_VALUE = 9
_LEAST_FOR_VALUES = 34
"""Columns from which on there is room for the values of the chosen chart."""


class CompareList(RowList, inherit_bindings=False):
    """A line a run. The run that is open comes first, then the newest.

    Parameters
    ----------
    compared
        What is pinned.

    Attributes
    ----------
    value_of
        What the chosen chart says of a run, at the crosshair or last.
    values_are
        What these values are, in words.
    """

    BINDINGS = bindings("compare-list")

    def __init__(self, compared: Compared) -> None:
        super().__init__("compare-runs")
        self._compared = compared
        self._all: list[RunSeen] | None = None
        self._shown: list[RunSeen] = []
        self._pattern: re.Pattern[str] | None = None
        self.value_of: Callable[[RunDirectory], str] = lambda _: ""
        self.values_are = ""

    def __len__(self) -> int:
        return len(self._shown)

    @property
    def chosen(self) -> RunDirectory | None:
        """The run under the cursor."""
        return self._shown[self.cursor].run if self._shown else None

    @property
    def found(self) -> list[RunDirectory]:
        """All runs that the filter shows."""
        return [seen.run for seen in self._shown]

    def tell_runs(self, runs: Sequence[RunSeen]) -> None:
        """Show these; the cursor stays on its run."""
        self._all = list(runs)
        self._arrange()

    def filter(self, pattern: re.Pattern[str] | None) -> None:
        """Show only runs whose name matches."""
        self._pattern = pattern
        self._arrange()

    def tell_pinned(self) -> None:
        """Show what is pinned now."""
        number = len(self._compared.pinned)
        of = f" of {count(len(self._all))}" if self._all else ""
        self.border_title = Content(f"Runs: {count(number)}{of} pinned")
        matching = f"{count(len(self._shown))} match" if self._pattern else ""
        told = [matching or "space pins, * all", self.values_are, "best dB" if self.values_are else ""]
        forms = [told, [matching, *told[1:]], told[1:], told[:1]]
        joined = [" · ".join(part for part in form if part) for form in forms]
        fitting = [form for form in joined if cell_len(form) <= self.size.width]
        self.border_subtitle = Content.styled(fitting[0] if fitting else "", "$muted")
        self.refresh()

    def words(self) -> str:
        """Why nothing is listed."""
        if self._all is None:
            return "reading …"
        if self._all:
            return "no run's name matches; Escape shows all of them"
        places = " and ".join(f"./{root}" for root in RUN_ROOTS)
        return f"No runs in {places} yet. Start one on the first screen (1); its curves can be laid over others here."

    def line(self, index: int, width: int) -> Content:
        """Letter, name, state and best error of a run."""
        seen = self._shown[index]
        pinned = self._compared.find(seen.run)
        mark = state_mark(seen.state)
        letter = (
            Content.styled(f"{pinned.letter:<2}━ ", f"${pinned.hue}") if pinned else Content.styled("·   ", "$faint")
        )
        best = f"{figure(seen.best_db)} dB" if math.isfinite(seen.best_db) else "–"
        value = (
            f" {self.value_of(seen.run):>{_ROOM_FOR_VALUE}}" if width >= _LEAST_FOR_VALUES and self.values_are else ""
        )
        room = max(6, width - 4 - 2 - _ROOM_FOR_BEST - 1 - cell_len(value))
        name = end_of(plain(seen.run.name, 200), room)
        return Content.assemble(
            letter,
            (f"{mark.sign} ", f"${mark.hue}"),
            (name + " " * (room - cell_len(name)), "bold" if pinned else ""),
            (value, f"${pinned.hue}" if pinned else ""),
            (f" {best:>{_ROOM_FOR_BEST}}", "$muted"),
        )

    def action_open(self) -> None:
        """Say that the chosen run is wanted on the dashboard."""
        if self._shown:
            self.post_message(self.Opened(self, self.cursor))

    action_choose = action_open

    class Opened(RowList.Chosen):
        """A run is wanted on the dashboard."""

    def _arrange(self) -> None:
        here = self.chosen
        runs = self._all or []
        matches: Callable[[str], object] = self._pattern.search if self._pattern else lambda _: True
        self._shown = [seen for seen in runs if matches(seen.run.name[:200])]
        paths = [seen.run.path for seen in self._shown]
        self.tell(paths.index(here.path) if here is not None and here.path in paths else 0)
        self.tell_pinned()
