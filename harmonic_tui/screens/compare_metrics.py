"""All figures by name, unit and meaning, to choose from."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from harmonic_tui.curves.compared import MOST_METRICS, Compared, meaning, metrics_on_offer, metrics_there, unit_of
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.widgets.row_list import RowList

_NAME_WIDTH, _UNIT_WIDTH = 24, 19


class MetricList(RowList, inherit_bindings=False):
    """A line a figure; the keys are those of the screen."""

    def __init__(self, compared: Compared, chosen: list[str]) -> None:
        super().__init__("metric-list")
        self.names = metrics_on_offer(compared.pinned)
        self._there, self._selected = metrics_there(compared.pinned), chosen

    def __len__(self) -> int:
        return len(self.names)

    def line(self, index: int, width: int) -> Content:
        """Sign, name, unit and meaning."""
        name = self.names[index]
        taken = name in self._selected
        sign = Content.styled("▣ ", "$good") if taken else Content.styled("▢ ", "$faint")
        hue = "" if name in self._there else "$faint"
        return Content.assemble(
            sign,
            (f"{plain(name, _NAME_WIDTH):<{_NAME_WIDTH}} ", hue or ("bold" if taken else "")),
            (f"{unit_of(name):<{_UNIT_WIDTH}} ", "$muted"),
            (plain(meaning(name)) if not hue else "not in the pinned runs", hue or "$muted"),
        )


class CompareMetricsScreen(ModalScreen[list[str]]):
    """Up to four figures, a chart each. Gives their names.

    Parameters
    ----------
    compared
        The runs, and what is shown of them now.
    """

    CSS_PATH = "compare_modal.tcss"
    BINDINGS = bindings("compare-metrics")

    def __init__(self, compared: Compared) -> None:
        super().__init__()
        self._selected = list(compared.metrics)
        self._compared = compared

    def compose(self) -> ComposeResult:
        """The list, and below it the whole meaning of the chosen figure."""
        with Vertical(id="compare-modal"):
            yield MetricList(self._compared, self._selected)
            yield Static(id="metric-meaning")

    def on_mount(self) -> None:
        """Begin at the first figure that is shown."""
        listed = self.query_one(MetricList)
        listed.border_title = Content(f"Figures: up to {MOST_METRICS}, a chart each")
        listed.border_subtitle = Content.styled("space chooses, Enter shows one alone, Escape goes back", "$muted")
        first = self._selected[0] if self._selected else ""
        listed.tell(listed.names.index(first) if first in listed.names else 0)
        self._explain()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A click on the chosen line does as space."""
        self.action_take()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Say in full what the figure means."""
        self._explain()

    def action_move(self, lines: int) -> None:
        """Choose another line."""
        self.query_one(MetricList).action_move(lines)

    def action_page(self, pages: int) -> None:
        """Choose the line a page away."""
        self.query_one(MetricList).action_page(pages)

    def action_take(self) -> None:
        """Show the figure, or no longer."""
        name = self._here
        if name in self._selected:
            if len(self._selected) > 1:
                self._selected.remove(name)
        elif len(self._selected) < MOST_METRICS:
            self._selected.append(name)
        else:
            self.notify(f"There is room for {MOST_METRICS} charts; take another figure away first.")
        self.query_one(MetricList).refresh()

    def action_only(self) -> None:
        """Show this one alone."""
        self.dismiss([self._here])

    async def action_dismiss(self, result: list[str] | None = None) -> None:
        """Go back with what is chosen."""
        self.dismiss(self._selected)

    @property
    def _here(self) -> str:
        listed = self.query_one(MetricList)
        return listed.names[listed.cursor]

    def _explain(self) -> None:
        unit = unit_of(self._here)
        shown = Content.assemble(
            (plain(self._here, 60), "bold"), (f"   {unit}" if unit else "", "$muted"), "\n", plain(meaning(self._here))
        )
        self.query_one("#metric-meaning", Static).update(shown)
