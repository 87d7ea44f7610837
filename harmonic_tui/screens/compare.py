"""Curves of any runs over each other."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from harmonic_core.run.words import count
from harmonic_tui.curves.compared import ALONG, MOST_METRICS, Compared, read_figures
from harmonic_tui.curves.smoothing import FORMULA, STEPS
from harmonic_tui.keys import bindings
from harmonic_tui.runs.runs_seen import RunSeen, RunsSeen
from harmonic_tui.widgets.compare_chart import CompareChart
from harmonic_tui.widgets.compare_list import CompareList
from harmonic_tui.widgets.find import FindLine
from harmonic_tui.widgets.view import NEAREST, View

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory
    from harmonic_tui.app import Console

LOOK_INTERVAL_S = 0.5
_LIST_INTERVAL_S = 3.0
_SLOW_LINK = 4
"""How many times as long it waits where the link is slow."""


class CompareScreen(Screen[None]):
    """A list of runs to pin, and the charts of those that are."""

    CSS_PATH = "compare.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#compare-runs"
    BINDINGS = [*bindings("compare"), *bindings("chart")]  # noqa: RUF012 - the name of the framework

    app: Console

    def __init__(self) -> None:
        super().__init__()
        self.compared = Compared()
        self.view = View()
        self._runs = RunsSeen()
        self._seen: list[RunSeen] | None = None
        self._listed_at = 0.0
        self._values: tuple[list[str], str] | None = None
        self._wanted = asyncio.Event()
        """Set when something was pinned that is to be read at once."""

    def compose(self) -> ComposeResult:
        """One line of settings, the runs, the charts."""
        yield Static(id="compare-settings")
        yield FindLine("part of a run's name, or a regular expression", live=True)
        with Horizontal(id="compare"):
            yield CompareList(self.compared)
            with Container(id="compare-charts"):
                for number in range(MOST_METRICS):
                    yield CompareChart(self.compared, self.view, number)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the run that is open, and keep reading."""
        watched = self.app.watched
        if watched is not None:
            self.compared.pin(watched.run)
        self.view.watch(self._show_settings)
        self.view.watch(self._show_values)
        self._arrange_charts()
        self._show_settings()
        self.run_worker(self._keep_looking(), group="compare")

    def on_unmount(self) -> None:
        """Read no more."""
        self.compared.close()

    def on_screen_resume(self) -> None:
        """Look at once."""
        self._wanted.set()

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 140
        self._show_settings()

    async def _keep_looking(self) -> None:
        while True:
            if self.is_current:
                await self._look()
            self._wanted.clear()
            try:
                slower = _SLOW_LINK if self.app.low_bandwidth else 1
                await asyncio.wait_for(self._wanted.wait(), LOOK_INTERVAL_S * slower)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        if time.monotonic() - self._listed_at >= _LIST_INTERVAL_S:
            runs = await asyncio.to_thread(self._runs.look, self.app.clock())
            self._listed_at = time.monotonic()
            self._show_runs(runs)
        watched = self.app.watched
        self.compared.share(watched.run if watched else None, watched.scale if watched else None)
        found = await asyncio.to_thread(read_figures, self.compared.pinned)
        # What was unpinned meanwhile is no longer wanted.
        for pinned, read, measured in found:
            if self.compared.find(pinned.run) is pinned:
                self.compared.take(pinned, read, measured)
        for chart in self._charts:
            chart.touch()
        self._show_values()

    def _show_runs(self, runs: list[RunSeen]) -> None:
        watched = self.app.watched
        here = watched.run.path.resolve() if watched else None
        # The open run comes first, and is listed even where it lies somewhere else.
        runs = sorted(runs, key=lambda seen: seen.run.path.resolve() != here)
        if watched and not any(seen.run.path.resolve() == here for seen in runs):
            state = watched.seen.state if watched.seen else "starting"
            runs.insert(0, RunSeen(watched.run, state, watched.seen.status if watched.seen else None))
        for seen in runs:
            pinned = self.compared.find(seen.run)
            if pinned:
                self.compared.tell_status(pinned, seen.status)
        if runs != self._seen:
            self._seen = runs
            self.query_one(CompareList).tell_runs(runs)

    @property
    def _charts(self) -> list[CompareChart]:
        return [chart for chart in self.query(CompareChart) if chart.metric is not None]

    def _arrange_charts(self) -> None:
        """Show as many charts as figures are chosen."""
        number = len(self.compared.metrics)
        container = self.query_one("#compare-charts")
        for several in range(2, MOST_METRICS + 1):
            container.set_class(number == several, f"-{several}")
        for chart in self.query(CompareChart):
            chart.set_class(chart.metric is None, "-absent")
            chart.set_class(chart.id == "compare-0", "-chosen")
            self.view.forget(chart)
        self._redraw()

    def _redraw(self) -> None:
        for chart in self._charts:
            chart.look()
        self._show_values()

    def _show_values(self) -> None:
        """Have the list say what the chosen chart shows of every run."""
        charts, listed = self._charts, self.query_one(CompareList)
        chart = next((chart for chart in charts if chart.has_class("-chosen")), charts[0])
        values = [chart.value_of(each.run) for each in self.compared.pinned]
        shown = (values, chart.values_in_words)
        if shown != self._values:
            self._values = shown
            listed.value_of, listed.values_are = chart.value_of, chart.values_in_words
            listed.tell_pinned()

    def _show_settings(self) -> None:
        settings = self.compared.settings
        along = f"x: {'log ' if settings.log_along else ''}{settings.along}"
        values = f"y: {'log' if settings.log_values else 'plain'}"
        # What was changed by hand is told before how it is computed, which the help says too.
        outliers = "outliers clipped" if self.view.clipped else "outliers shown"
        follows = "zoomed" if self.view.window else "follows"
        smooth = [f"a = {settings.weight:g}, {FORMULA}, raw faint", f"a = {settings.weight:g}, raw faint"]
        smooth = [*smooth, f"a = {settings.weight:g}"] if settings.weight else ["no smoothing"]
        forms = [f"  {along}  {values}  {each}  {outliers}  {follows}" for each in smooth]
        forms.append(f" {along} {values} {smooth[-1]} {outliers.removeprefix('outliers ')} {follows}")
        room = self.size.width - 2 - len("Compare")
        fitting = next((form for form in forms if len(form) <= room), forms[-1])
        shown = Content.assemble(("Compare", "bold $primary"), (fitting, "$muted"))
        self.query_one("#compare-settings", Static).update(shown)

    # What the keys do.

    def action_pin(self) -> None:
        """Pin the chosen run, or let it go."""
        run = self.query_one(CompareList).chosen
        if run is None:
            return
        if self.compared.find(run):
            self.compared.unpin(run)
        else:
            self._pin(run)
        self._pinned_others()

    def action_pin_all(self) -> None:
        """Pin all runs in the list; if they are, let them go."""
        runs = self.query_one(CompareList).found
        missing = [run for run in runs if not self.compared.find(run)]
        for run in missing:
            self._pin(run)
        if not missing:
            for run in runs:
                self.compared.unpin(run)
        self._pinned_others()

    def _pin(self, run: RunDirectory) -> None:
        pinned = self.compared.pin(run)
        seen = next((seen for seen in self._seen or () if seen.run.path == run.path), None)
        self.compared.tell_status(pinned, seen.status if seen else None)

    def _pinned_others(self) -> None:
        self.query_one(CompareList).tell_pinned()
        for chart in self._charts:
            self.view.forget(chart)
        self._wanted.set()
        self._redraw()

    def action_hue(self) -> None:
        """Give the chosen run the next hue."""
        run = self.query_one(CompareList).chosen
        pinned = self.compared.find(run) if run else None
        if pinned is None:
            self.notify("Pin the run with space; then # changes its colour.")
            return
        pinned.shift += 1
        self.query_one(CompareList).tell_pinned()
        self._redraw()

    def action_find(self) -> None:
        """Type a regular expression."""
        self.query_one(FindLine).begin()

    def on_find_line_wanted(self, message: FindLine.Wanted) -> None:
        """Show the runs that match."""
        listed = self.query_one(CompareList)
        listed.filter(message.pattern)
        if message.pattern:
            self.query_one(FindLine).tell(Content.styled(f"{count(len(listed))} match", "$muted"))

    def on_find_line_refused(self) -> None:
        """Show all runs for as long as nothing sensible is typed."""
        self.query_one(CompareList).filter(None)

    def on_find_line_given_up(self) -> None:
        """Show all runs."""
        self.query_one(FindLine).end()
        self.query_one(CompareList).filter(None)
        self.query_one(CompareList).focus()

    def on_find_line_left(self) -> None:
        """Go on to what was found."""
        self.query_one(CompareList).focus()

    def action_back(self) -> None:
        """Forget the filter, if there is one; else go back."""
        if self.query_one(FindLine).is_open:
            self.on_find_line_given_up()
        else:
            self.app.action_place("dashboard" if self.app.watched else "runs")

    @work(exclusive=True, group="metrics")
    async def action_metrics(self) -> None:
        """Choose figures."""
        from harmonic_tui.screens.compare_metrics import CompareMetricsScreen

        chosen = await self.app.push_screen_wait(CompareMetricsScreen(self.compared))
        if chosen is not None:
            self.compared.metrics = chosen
            self._arrange_charts()

    def action_difference(self) -> None:
        """Show where profiles differ."""
        from harmonic_tui.screens.compare_profiles import CompareProfilesScreen

        if len(self.compared.pinned) < 2:
            self.notify("Pin two runs or more with space; then d shows where their profiles differ.")
        else:
            self.app.push_screen(CompareProfilesScreen(self.compared.pinned))

    def action_along(self) -> None:
        """Go along something else."""
        settings = self.compared.settings
        settings.along = ALONG[(ALONG.index(settings.along) + 1) % len(ALONG)]
        self._other_axis()

    def action_log_along(self) -> None:
        """Go along logarithms, or no longer."""
        self.compared.settings.log_along = not self.compared.settings.log_along
        self._other_axis()

    def _other_axis(self) -> None:
        """Places on the old axis are none on the new one."""
        settings = self.compared.settings
        self.view.begin_anew(NEAREST if settings.along == "steps" and not settings.log_along else 0.0)

    def action_log_values(self) -> None:
        """Show logarithms of the values, or the values."""
        self.compared.settings.log_values = not self.compared.settings.log_values
        self._changed()

    def action_smooth(self, steps: int) -> None:
        """Smooth more, or less."""
        settings = self.compared.settings
        settings.smoothing = max(0, min(len(STEPS) - 1, settings.smoothing + steps))
        self._changed()

    def _changed(self) -> None:
        self._show_settings()
        self._redraw()

    def action_next_chart(self) -> None:
        """Choose the next chart: its values stand in the list, and where there is room for one only it is seen."""
        charts = self._charts
        here = next((number for number, chart in enumerate(charts) if chart.has_class("-chosen")), 0)
        for number, chart in enumerate(charts):
            chart.set_class(number == (here + 1) % len(charts), "-chosen")
        self._show_values()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what there is."""
        return len(self.compared.metrics) > 1 if action == "next_chart" else True

    def action_zoom(self, towards: int) -> None:
        """Look closer, or from further away."""
        self.view.zoom(towards)

    def action_pan(self, windows: int) -> None:
        """Move along."""
        self.view.pan(windows)

    def action_cursor(self, columns: int) -> None:
        """Move the crosshair."""
        shown = [chart for chart in self._charts if chart.has_class("-chosen")] or self._charts
        shown[0].action_cursor(columns)

    def action_whole(self) -> None:
        """Show everything, and follow the newest figures."""
        self.view.whole()

    def action_clip(self) -> None:
        """Cut outliers off, or show them."""
        self.view.clip()

    def on_compare_list_opened(self, message: CompareList.Opened) -> None:
        """Open a run on the dashboard."""
        run = self.query_one(CompareList).chosen
        if run is not None:
            self.app.open_run(run)
