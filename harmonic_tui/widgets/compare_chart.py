"""A chart of one figure of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from harmonic_core.run.words import count, duration
from harmonic_tui.curves.compared import SECONDS_AN_HOUR, Compared, base_curve, unit_of
from harmonic_tui.curves.series import Scale
from harmonic_tui.plain import plain
from harmonic_tui.widgets.axes import Axis, along_axis, along_power_axis
from harmonic_tui.widgets.chart import Chart, Line
from harmonic_tui.widgets.marks import Mark
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory
    from harmonic_tui.widgets.view import View

_NAMES = {"steps": "step", "epochs": "epoch", "time": "hours"}


class CompareChart(Chart, can_focus=False):
    """The figure of every pinned run, along steps, epochs or time.

    Parameters
    ----------
    compared
        The runs and how they are to be seen.
    view
        Window and crosshair of all charts.
    number
        Which of the chosen figures it shows.
    """

    def __init__(self, compared: Compared, view: View, number: int) -> None:
        super().__init__(Scale(), view, id=f"compare-{number}")
        self._compared, self._number = compared, number

    @property
    def metric(self) -> str | None:
        """The figure; None where fewer are chosen."""
        metrics = self._compared.metrics
        return metrics[self._number] if self._number < len(metrics) else None

    @property
    def heading(self) -> str:  # type: ignore[override]
        """Name and unit of the figure."""
        metric = self.metric or ""
        unit = unit_of(metric)
        return f"{plain(metric, 40)}, {unit}" if unit else plain(metric, 40)

    @property
    def waiting(self) -> str:  # type: ignore[override]
        """Why there is nothing to see."""
        pinned = self._compared.pinned
        if not pinned:
            return "pin runs with space; their curves appear here"
        if not all(each.was_read for each in pinned):
            return "reading …"
        if self._compared.settings.along != "steps" and any(each.scale.curves.has_rows for each in pinned):
            return f"no {_NAMES[self._compared.settings.along]} known for this figure; x changes the axis"
        return "none of the pinned runs has this figure yet; m chooses another"

    @property
    def has_rows(self) -> bool:
        """Whether any run has figures."""
        return any(each.scale.curves.has_rows or each.evaluated.has_rows for each in self._compared.pinned)

    @property
    def logarithmic(self) -> bool:
        """Whether values are logarithms."""
        return self._compared.settings.log_values

    @property
    def is_whole(self) -> bool:
        """Whether every row of all runs was read."""
        return all(each.scale.curves.whole for each in self._compared.pinned)

    def lines(self) -> Sequence[Line]:
        """The run under the first letter lies on top."""
        metric = self.metric
        if metric is None:
            return ()
        lines = []
        for each in reversed(self._compared.pinned):
            ready = self._compared.curve(each, metric)
            lines.append(Line(each.letter, ready.curve, each.hue, raw=ready.raw, end=each.letter, gap_hue=each.hue))
        return lines

    def reading_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        """By letter."""
        return lines[::-1]

    def legends(self, lines: Sequence[Line]) -> Sequence[Sequence[Content]]:
        """The letters of the runs that have the figure; how many there are, where all have no room."""
        letters = [Content.styled(f" {line.end}", f"${line.hue}") for line in self.reading_order(lines)]
        forms = [[Content(" "), *letters]]
        return [*forms, [Content.styled(f"  {count(len(letters))} runs", "$muted")]] if len(letters) > 1 else forms

    def feet(self) -> Sequence[Content]:
        """The newest figure of every run, as it was written; where they have no room, where they stand."""
        parts = []
        for each in self._compared.pinned:
            newest = base_curve(each, self.metric or "").newest
            if newest is not None:
                parts.append(Content.styled(f"{each.letter} {figure(newest)}", f"${each.hue}"))
        elsewhere = Content.styled("values: in the list", "$muted")
        return [*(Content(gap).join(parts) for gap in ("   ", "  ", " ")), elsewhere]

    def value_of(self, run: RunDirectory) -> str:
        """What a run has under the crosshair, or else last; empty where it has nothing."""
        each = self._compared.find(run)
        if each is None or self.metric is None:
            return ""
        if self.view.cursor is None:
            newest = base_curve(each, self.metric).newest
            return "" if newest is None else figure(newest)
        line = next((line for line in self.lines() if line.end == each.letter), None)
        if line is None or line.curve.last < 0:
            return ""
        return self.value_at(replace(line, raw=None), self.view.cursor)

    @property
    def values_in_words(self) -> str:
        """What the values of the runs are."""
        cursor = self.view.cursor
        where = "now" if cursor is None else f"at {self.place_in_words(self.row_at(self.lines(), cursor))}"
        return f"{plain(self.metric or '', 24)} {where}"

    def begin(self, lines: Sequence[Line]) -> float:
        """The first place there is on an axis of logarithms, which has no beginning of its own."""
        return min(line.curve.begin for line in lines) if self._compared.settings.log_along else 0.0

    def along(self, low: float, high: float, columns: int) -> Axis:
        """Steps, epochs or hours."""
        settings = self._compared.settings
        name = _NAMES[settings.along]
        if settings.log_along:
            return along_power_axis(low, high, 1.0, name, columns)
        unit = 1.0
        if settings.along == "time":
            hours = high - low
            unit, name = (1.0, "hours") if hours > 3 else (1 / 60, "minutes") if hours > 0.05 else (1 / 3600, "seconds")
        whole = settings.along == "steps" or (settings.along == "epochs" and low == 0 and high > 1)
        return along_axis(
            low, max(high, low + 1e-9), unit, name, columns, least=1.0 if whole else 0.0, divisible=name == "epoch"
        )

    def place_in_words(self, place: float, *, short: bool = False) -> str:
        """Where the crosshair stands."""
        settings = self._compared.settings
        place = 10.0**place if settings.log_along else place
        if short:
            return duration(place * SECONDS_AN_HOUR) if settings.along == "time" else f"{count(place)}"
        match settings.along:
            case "steps":
                return f"step {count(place)}"
            case "epochs":
                return f"epoch {place:.2f}"
        return f"after {duration(place * SECONDS_AN_HOUR)}"

    def _what_is_shown(self) -> tuple[object, ...]:
        # What the curves are made of, since to make them costs more; letters and hues change without any new figure.
        shown: list[object] = [self.metric, replace(self._compared.settings), self.is_whole]
        for each in self._compared.pinned:
            curve = base_curve(each, self.metric or "")
            shown += (
                each.run.path,
                each.place,
                each.shift,
                each.was_read,
                curve.end,
                curve.newest,
                curve.last,
                len(curve.bad),
            )
        return tuple(shown)

    def _marks(self, lines: Sequence[Line]) -> list[Mark]:
        marks = super()._marks(lines)
        dropped = sum(self._compared.curve(each, self.metric).dropped for each in self._compared.pinned if self.metric)
        if dropped:
            values = "value" if dropped == 1 else "values"
            marks.append(Mark(f"{count(dropped)} {values} not above 0 left out", f"≤0: {count(dropped)}"))
        return marks
