"""Studies: their trials, the best so far, and what matters."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.studies import SeenTrials, look_at_studies, look_at_study
from harmonic_tui.widgets.best_chart import BestChart
from harmonic_tui.widgets.importance import ImportancePanel
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.widgets.pareto_chart import ParetoChart
from harmonic_tui.widgets.study_lines import TITLE, news_line, study_line, trial_lines
from harmonic_tui.widgets.trials import TrialsPanel, TrialsTable

if TYPE_CHECKING:
    from harmonic_core.run.studies import Trial
    from harmonic_tui.app import Console

LOOK_INTERVAL_S = 1.5

_PANELS = ("trials-panel", "best-chart", "pareto-chart", "importance")


class TuningScreen(Screen[None]):
    """One study at a time, the most recently changed first."""

    CSS_PATH = "tuning.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#trials"
    BINDINGS = bindings("tuning")

    app: Console

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Path] = []
        self._chosen: Path | None = None
        self._seen: SeenTrials | None = None
        self._wake = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Frames first; what they hold comes as it is read."""
        yield Static(id="study")
        with Vertical(id="panels"):
            yield TrialsPanel()
            with Horizontal(id="below"):
                yield BestChart()
                yield ParetoChart()
                yield ImportancePanel()
        with Vertical(id="chosen", classes="frame"):
            yield Static()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Look at the studies for as long as this screen is in front."""
        self._show_panel(_PANELS[0])
        self._show_head()
        self.run_worker(self._keep_looking(), group="look")

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 112
        self.call_after_refresh(self._show_head)

    def on_screen_resume(self) -> None:
        """See at once what happened meanwhile."""
        self._wake.set()

    async def _keep_looking(self) -> None:
        while True:
            if self.is_current:
                watched = self.app.watched
                self._paths = await asyncio.to_thread(look_at_studies, watched.run if watched else None)
                if self._chosen not in self._paths:
                    self._chosen = self._paths[0] if self._paths else None
                seen = await asyncio.to_thread(look_at_study, self._chosen) if self._chosen else None
                # What was chosen meanwhile is looked at next.
                if seen is None or seen.path == self._chosen:
                    self._show(seen)
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_INTERVAL_S)
            except TimeoutError:
                continue

    def _show(self, seen: SeenTrials | None) -> None:
        table = self.query_one(TrialsTable)
        if seen == self._seen and (seen is not None or table.is_told):
            return
        self._seen = seen
        self.query_one(TrialsPanel).tell(seen)
        self.query_one(BestChart).tell(seen)
        self.query_one(ParetoChart).tell(seen)
        self.query_one(ImportancePanel).tell(seen)
        self._show_head()
        self.refresh_bindings()

    def on_listing_moved(self) -> None:
        """Say of the trial under the cursor what has no room in its line."""
        self._show_chosen()

    def on_listing_chosen(self, message: Listing.Chosen) -> None:
        """Open the trial as a run."""
        from harmonic_core.run.studies import trial_run

        trial, seen = self.query_one(TrialsTable).chosen, self._seen
        run = trial_run(seen.path, trial) if seen and trial else None
        if run is None or not run.exists():
            self.notify(f"This trial has no run here: {_why_no_run(trial)}", severity="warning", markup=False)
            return
        self.app.open_run(run)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        match action:
            case "study":
                return len(self._paths) > 1
            case "next_panel":
                return self.has_class("-narrow") or self.has_class("-short")
            case "copy":
                return bool(self._seen and self._seen.study.best_command)
            case "objective":
                return bool(self._seen and len(self._seen.objectives) > 1)
            case "best_first":
                return bool(self._seen and self._seen.trials)
        return True

    def action_study(self, by: int) -> None:
        """Show the next study."""
        if self._chosen in self._paths:
            self._chosen = self._paths[(self._paths.index(self._chosen) + by) % len(self._paths)]
            self._wake.set()

    def action_best_first(self) -> None:
        """Order the trials by their error, or by their numbers."""
        table = self.query_one(TrialsTable)
        table.best_first = not table.best_first
        self.query_one(TrialsPanel).tell(self._seen)

    def action_objective(self) -> None:
        """Show the history of the other objective."""
        self.query_one(BestChart).next_objective()

    def action_next_panel(self) -> None:
        """Show the next panel, where there is room for one only."""
        shown = next((each for each in _PANELS if self.query_one(f"#{each}").has_class("-shown")), _PANELS[-1])
        self._show_panel(_PANELS[(_PANELS.index(shown) + 1) % len(_PANELS)])

    def action_copy(self) -> None:
        """Give the best command to the clipboard."""
        if self._seen and self._seen.study.best_command:
            self.app.copy_to_clipboard(self._seen.study.best_command)
            self.notify("The command that trains with the best settings was copied.")

    def _show_panel(self, name: str) -> None:
        for each in _PANELS:
            self.query_one(f"#{each}").set_class(each == name, "-shown")
        self.set_class(name != _PANELS[0], "-other")
        self.query_one(TrialsTable).focus()

    def _show_head(self) -> None:
        seen = self._seen
        if seen is None:
            lines = [Content.assemble(TITLE, Content.styled("   Tuning", "bold")), Content("")]
        else:
            place = f"study {self._paths.index(seen.path) + 1} of {len(self._paths)}" if len(self._paths) > 1 else ""
            lines = [study_line(seen, place), news_line(seen, self.app.clock())]
        width = max(1, self.size.width - 2)
        self.query_one("#study", Static).update(
            Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)
        )

    def _show_chosen(self) -> None:
        trial, seen = self.query_one(TrialsTable).chosen, self._seen
        for chart in (self.query_one(BestChart), self.query_one(ParetoChart)):
            chart.choose(trial.number if trial else None)
        box = self.query_one("#chosen")
        box.border_title = Content(f"Trial {trial.number}" if trial else "Trial")
        if trial is None or seen is None:
            words = "What was chosen for the trial under the cursor, and why it ended, appears here."
            self.query_one("#chosen Static", Static).update(Content.styled(words, "$muted"))
            return
        self.query_one("#chosen Static", Static).update(Content("\n").join(trial_lines(seen, trial)))


def _why_no_run(trial: Trial | None) -> str:
    if trial and trial.host and trial.host != socket.gethostname():
        return f"it ran on {plain(trial.host, 60)}, and its run lies there"
    return plain(trial.reason) if trial and trial.reason else "it has not begun"
