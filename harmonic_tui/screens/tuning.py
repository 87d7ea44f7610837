"""Studies: their trials, the best so far, and what matters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from harmonic_core.run.words import count, duration
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.studies import SeenTrials, look_at_studies, look_at_study
from harmonic_tui.widgets.best_chart import BestChart
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.widgets.trials import TRIAL_STATES, ImportancePanel, TrialsPanel, TrialsTable
from harmonic_tui.wording import Mark, ago

if TYPE_CHECKING:
    from harmonic_core.run.studies import Trial
    from harmonic_tui.app import Console

LOOK_INTERVAL_S = 1.5

STUDY_STATES: dict[str, Mark] = {
    "searching": Mark("●", "searching", "good"),
    "finished": Mark("✓", "finished", "good"),
    "stopped": Mark("■", "stopped", "look"),
    "failed": Mark("✗", "failed", "bad"),
    "lost": Mark("!", "lost", "bad"),
}
_PANELS = ("trials-panel", "best-chart", "importance")


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
        with Horizontal(id="panels"):
            yield TrialsPanel()
            with Vertical(id="beside"):
                yield BestChart()
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
            reason = plain(trial.reason) if trial and trial.reason else "it has not begun"
            self.notify(f"This trial has no run: {reason}", severity="warning", markup=False)
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
        title = Content.styled("HarmonicVAE", "bold $primary")
        if seen is None:
            lines = [Content.assemble(title, Content.styled("   Tuning", "bold")), Content("")]
        else:
            mark = STUDY_STATES[seen.state]
            place = f"   study {self._paths.index(seen.path) + 1} of {len(self._paths)}" if len(self._paths) > 1 else ""
            first = Content.assemble(
                title,
                "   ",
                Content.styled(plain(seen.name, 60), "bold"),
                "   ",
                Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}"),
                f"   {self._numbers(seen)}",
                Content.styled(place, "$muted"),
            )
            lines = [first, self._news(seen)]
        width = max(1, self.size.width - 2)
        self.query_one("#study", Static).update(
            Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)
        )

    def _numbers(self, seen: SeenTrials) -> str:
        wanted = f" of {count(seen.study.wanted)}" if seen.study.wanted else ""
        done = sum(trial.state in {"complete", "pruned", "failed"} for trial in seen.trials)
        return f"{count(done)}{wanted} trials"

    def _news(self, seen: SeenTrials) -> Content:
        if not seen.written_down:
            return Content.styled(
                "An older version made this study and wrote no trials down: this is what their runs tell. "
                "The same `harmonic tune` once more adds the rest.",
                "$look",
            )
        if seen.state == "lost":
            return Content.assemble(
                Content.styled("whoever searched is gone; this continues: ", "$look"), seen.study.again_command
            )
        if seen.state in {"stopped", "failed"} and seen.study.message:
            hint = f"; continue with: {seen.study.again_command}" if seen.state == "stopped" else ""
            return Content.assemble(Content.styled(plain(seen.study.message, 400), "$look"), hint)
        numbers = ((state, sum(trial.state == state for trial in seen.trials)) for state in TRIAL_STATES)
        said = [
            Content.styled(
                f"{TRIAL_STATES[state].sign} {count(number)} {TRIAL_STATES[state].word}", f"${TRIAL_STATES[state].hue}"
            )
            for state, number in numbers
            if number
        ]
        age = max(0.0, self.app.clock() - seen.study.updated_at)
        said.append(Content.styled(f"last change {ago(age)}", "$muted"))
        return Content("   ").join(said)

    def _show_chosen(self) -> None:
        trial, seen = self.query_one(TrialsTable).chosen, self._seen
        box = self.query_one("#chosen")
        box.border_title = Content(f"Trial {trial.number}" if trial else "Trial")
        if trial is None or seen is None:
            words = "What was chosen for the trial under the cursor, and why it ended, appears here."
            self.query_one("#chosen Static", Static).update(Content.styled(words, "$muted"))
            return
        self.query_one("#chosen Static", Static).update(Content("\n").join(self._told_of(seen, trial)))

    def _told_of(self, seen: SeenTrials, trial: Trial) -> list[Content]:
        mark = TRIAL_STATES[trial.state]
        first = [Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}")]
        if progress := seen.running.get(trial.number):
            first.append(Content(f"epoch {progress.epoch}/{progress.epochs}"))
            first.append(Content(f"ETA {duration(progress.eta_s)}"))
        elif trial.started_at is not None and trial.ended_at is not None:
            first.append(Content(f"ran {duration(trial.ended_at - trial.started_at)}"))
        first.append(Content.styled(plain(str(seen.path / trial.run)) if trial.run else "no run yet", "$muted"))
        chosen = "  ".join(
            f"{plain(key, 60)} = {value:.4g}"
            if isinstance(value, float)
            else f"{plain(key, 60)} = {plain(str(value), 60)}"
            for key, value in trial.params.items()
        )
        lines = [Content("   ").join(first)]
        if trial.reason:
            lines.append(Content.styled(plain(trial.reason, 600), "$look"))
        if chosen:
            lines.append(Content(chosen))
        if trial.number == seen.study.best and seen.study.best_command:
            lines.append(
                Content.assemble(Content.styled("◆ best so far; y copies: ", "$good"), seen.study.best_command)
            )
        return lines
