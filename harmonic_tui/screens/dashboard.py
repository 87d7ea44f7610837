"""The run at a glance: how it goes, what it sounds like, what happened, and the keys that steer it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer

from harmonic_core.errors import HarmonicError
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import (
    EvaluationRead,
    EventsRead,
    FiguresRead,
    LogRead,
    ProfileRead,
    SamplesFound,
    Seen,
    StatusSeen,
)
from harmonic_tui.screens.not_played import forget_not_played, say_not_played
from harmonic_tui.screens.run_screen import RunScreen
from harmonic_tui.sound.player import Heard
from harmonic_tui.widgets.case_study import CaseStudyCard
from harmonic_tui.widgets.chart import Chart
from harmonic_tui.widgets.charts import CHARTS, RateChart
from harmonic_tui.widgets.device import DevicePanel
from harmonic_tui.widgets.evaluation import EvaluationLine
from harmonic_tui.widgets.header import Header
from harmonic_tui.widgets.latent import LatentPanel
from harmonic_tui.widgets.lines import EventsPanel, LogPanel
from harmonic_tui.widgets.notice import Notice
from harmonic_tui.widgets.preparation import PreparationPanel
from harmonic_tui.widgets.refused import RefusedList
from harmonic_tui.widgets.samples import SamplesPanel
from harmonic_tui.widgets.verdict import VerdictLine
from harmonic_tui.widgets.view import View

if TYPE_CHECKING:
    from harmonic_core.run.control import CommandName
    from harmonic_core.run.samples import Sample, Take
    from harmonic_tui.runs.watched import WatchedRun

_ASKED: dict[CommandName, str] = {
    "pause": "asked to pause; it does after the step it is in",
    "resume": "asked to go on",
    "checkpoint": "asked for a checkpoint; it is written after the step it is in",
    "sample": "asked for samples; they appear here when they are made",
}


_LOOSE_FROM, _ROOM_TO_LOOK = 132, 120
"""Columns from which keys in the footer stand apart, and from which it has room for the way to the charts."""


class DashboardScreen(RunScreen):
    """Follows one run, live or ended."""

    CSS_PATH = "dashboard.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (15, "-bare"), (19, "-low"), (24, "-short"), (30, "-tall")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#samples"
    BINDINGS = bindings("dashboard")

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self.run_directory = watched.run
        self._scale = watched.scale
        self._refusals = watched.refusals
        self._evaluated = watched.evaluated
        self._view = View()
        self._drawn_scale: tuple[object, ...] = ()
        self._offered: dict[str, tuple[str, bool]] = {}
        """What the footer shows: what each key does, and whether it does now."""

    @property
    def seen(self) -> Seen | None:
        """The run's newest state."""
        return self.watched.seen

    def compose(self) -> ComposeResult:
        """Frames first; what they hold comes as it is read."""
        yield Header(self.run_directory.name)
        yield Notice(self.run_directory)
        with Horizontal(id="preparation"):
            yield PreparationPanel()
            yield RefusedList(self._refusals)
        with Horizontal(id="charts"):
            for name in ("loss", "kl"):
                yield CHARTS[name](self._scale, self._view, id=name)
            yield RateChart(self._scale, self._view, id="rate")
        with Horizontal(id="state"):
            yield CHARTS["reconstruction"](self._scale, self._view, id="reconstruction")
            yield LatentPanel()
            yield DevicePanel()
            yield CaseStudyCard(self._evaluated)
        with Horizontal(id="happenings"):
            yield SamplesPanel(self.run_directory)
            with Vertical(id="told"):
                yield EventsPanel()
                yield LogPanel("log")
        yield EvaluationLine(self._evaluated)
        yield VerdictLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Choose a chart, and find out where sound goes."""
        self.query_one("#loss").add_class("-chosen")
        self.app.call_later(self.app.open_sound)
        self.hear(Heard("route"))

    def on_screen_suspend(self) -> None:
        """What could not be heard here is of no use elsewhere."""
        forget_not_played(self.app)

    def on_screen_resume(self) -> None:
        """Stars may have been given elsewhere."""
        self._show_stars()

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < _LOOSE_FROM
        self.refresh_bindings()

    def refresh_bindings(self) -> None:
        """Have the footer made anew where what the keys do has changed: it costs as much as drawing all charts."""
        if not self.app.screen_stack:
            # The console ends while another place is in front.
            return
        offered = {
            key: (each.binding.id or each.binding.description, each.enabled)
            for key, each in self.active_bindings.items()
        }
        # A footer that nobody looks at hears nothing, and has to be told again.
        if offered != self._offered or not (self.is_current and self.app.app_focus):
            self._offered = offered if self.is_current and self.app.app_focus else {}
            super().refresh_bindings()

    def on_status_seen(self, message: StatusSeen) -> None:
        """Show the state, and which keys work in it."""
        seen = message.seen
        self.query_one(Header).tell(seen)
        self.query_one(Notice).tell(seen, self.app.clock())
        self.set_class(self.query_one(Notice).display, "-noticed")
        self.query_one(VerdictLine).tell(seen)
        self.set_class(seen.silent_s > 0, "-stale")
        status = seen.status
        self._show_preparation()
        self._show_evaluation()
        if status:
            self.query_one(DevicePanel).tell(status, seen.boards)
            self.set_class(len(status.ranks) == 2, "-two-ranks")
            self.set_class(len(status.ranks) > 2, "-ranks")
            scale = (self._scale.best, self._scale.planned_steps_per_epoch, self._scale.mean_spectrum_db)
            if scale != self._drawn_scale:
                self._drawn_scale = scale
                self._touch_charts()
        self.refresh_bindings()

    def on_figures_read(self, message: FiguresRead) -> None:
        """Extend the curves."""
        self.query_one(LatentPanel).tell(self._scale.curves.last_epoch_row)
        self._touch_charts()

    def on_events_read(self, message: EventsRead) -> None:
        """Show what happened."""
        self.query_one(EventsPanel).tell(message.rows, restarted=message.restarted)
        self._show_preparation()
        self.refresh_bindings()

    def on_profile_read(self, message: ProfileRead) -> None:
        """Show where the music lies, and measure by what was planned."""
        self.query_one(PreparationPanel).tell_music(message.music)
        self.query_one(DevicePanel).tell_planned(message.grad_accum_steps)
        self._show_evaluation()

    def on_evaluation_read(self, message: EvaluationRead) -> None:
        """Show what was measured."""
        self._show_evaluation()

    def on_samples_found(self, message: SamplesFound) -> None:
        """Show what there is to hear."""
        self.query_one(SamplesPanel).tell(message.samples)
        self._show_stars()

    @work(exclusive=True, group="stars")
    async def _show_stars(self) -> None:
        from harmonic_core.run.stars import read_stars

        try:
            stars = await asyncio.to_thread(read_stars, self.run_directory)
        except HarmonicError:
            # The screen of the samples says what is wrong with the file.
            return
        self.query_one(SamplesPanel).tell_stars({spot for spot, star in stars.items() if star.starred})

    def on_log_read(self, message: LogRead) -> None:
        """Show what the trainer printed."""
        self.query_one(LogPanel).tell(message.lines)
        self.query_one(Notice).tell_log(message.lines)

    def on_evaluation_line_wanted(self) -> None:
        """A click does as the key."""
        self.action_evaluation()

    def on_case_study_card_wanted(self) -> None:
        """A click does as the key."""
        self.action_evaluation()

    def on_samples_panel_wanted(self) -> None:
        """Enter and a click do as space."""
        self.action_play()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        preparing = self.has_class("-preparing")
        if action == "command":
            return self._works(str(parameters[0]))
        offered = {
            "next_chart": not preparing and (self.compact or not self.has_class("-broad")),
            "next_list": preparing,
            "take": not self.compact,
            "look": self.size.width >= _ROOM_TO_LOOK and not preparing,
            "refused": len(self._refusals) > 0 and (preparing or not self.compact),
            "all_refused": len(self._refusals) > 0,
            "evaluation": self._evaluated.is_there and not self.compact,
            "whole_evaluation": self._evaluated.is_there,
        }
        return offered.get(action, True)

    def _works(self, command: str) -> bool | None:
        state = self.seen.state if self.seen else None
        if command in {"pause", "resume"} and (command == "resume") != (state == "paused"):
            return False
        if command in {"checkpoint", "sample"} and self.has_class("-preparing"):
            return False
        if command == "resume" and self.seen and self.seen.waits_by_itself:
            return None
        return True if state in {"training", "paused", "preparing"} else None

    async def action_command(self, name: CommandName) -> None:
        """Ask the trainer for something."""
        from harmonic_core.run.control import send_command

        try:
            await asyncio.to_thread(send_command, self.run_directory, name)
        except HarmonicError as error:
            self.notify(plain(str(error)), severity="warning", markup=False)
        else:
            self.notify(f"The trainer was {_ASKED[name]}.", markup=False)

    def action_next_chart(self) -> None:
        """Show the next chart, where there is room for one only; else another one beside the loss."""
        if not self.compact:
            self.toggle_class("-rate")
            return
        names = list(CHARTS)
        shown = next((name for name in names if self.query_one(f"#{name}").has_class("-chosen")), names[0])
        following = names[(names.index(shown) + 1) % len(names)]
        for name in names:
            self.query_one(f"#{name}").set_class(name == following, "-chosen")
        self.set_class(following == "reconstruction", "-lower-chart")

    def action_look(self) -> None:
        """Give the keys to a chart."""
        charts = [chart for chart in self.query(Chart) if chart.size.area]
        if charts:
            charts[0].focus()

    def action_look_too(self) -> None:
        """Give the keys to a chart."""
        self.action_look()

    def action_next_list(self) -> None:
        """Go to the other list."""
        self.focus_next("#refused, #samples")

    def action_all_refused(self) -> None:
        """Show every refused file."""
        self.action_refused()

    def action_refused(self, index: int | None = None) -> None:
        """Show every refused file."""
        from harmonic_tui.screens.refused import RefusedScreen

        self.app.push_screen(RefusedScreen(self._refusals, index))

    def action_whole_evaluation(self) -> None:
        """Show everything that was measured."""
        self.action_evaluation()

    def action_evaluation(self) -> None:
        """Show everything that was measured."""
        from harmonic_tui.screens.evaluation import EvaluationScreen

        self.app.push_screen(EvaluationScreen(self._evaluated))

    def on_refused_list_chosen(self, message: RefusedList.Chosen) -> None:
        """Enter and a click show a refused file in full."""
        self.action_refused(message.index)

    @property
    def compact(self) -> bool:
        """Whether there is room for one chart only."""
        return not self.has_class("-tall") or self.has_class("-narrow")

    def action_play(self) -> None:
        """Play the chosen sample; while it sounds, stop."""
        panel = self.query_one(SamplesPanel)
        choice = panel.chosen
        if choice is None:
            self.notify("There is nothing to play yet. Samples come with every checkpoint, or at once with s.")
        elif self.app.player.playing == panel.path(choice):
            self.app.player.stop()
            panel.mark_playing(None)
        else:
            self._play(choice, keep_position=False)

    def action_take(self) -> None:
        """Choose the next take of the same item; while one sounds, go on with it from the same place."""
        panel = self.query_one(SamplesPanel)
        choice = panel.next_take()
        if choice is None:
            self.notify("This sample has one take only. Reconstructions have three to compare.")
        elif self.app.player.playing is not None:
            self._play(choice, keep_position=True)

    def action_next_take(self) -> None:
        """Choose the next take of the same item."""
        self.action_take()

    def hear(self, heard: Heard) -> None:
        """Show what the player says."""
        panel, line = self.query_one(SamplesPanel), self.query_one(VerdictLine)
        if heard.event == "failed":
            say_not_played(self.app, heard)
        if heard.event in {"failed", "finished"}:
            panel.mark_playing(None)
        line.tell_sound(self.app.player.route)

    def _play(self, choice: tuple[Sample, Take], *, keep_position: bool) -> None:
        panel = self.query_one(SamplesPanel)
        panel.mark_playing(choice)
        sound = self.app.player.play(panel.path(choice), keep_position=keep_position, title=choice[0].title)
        self.app.run_worker(sound, group="play")

    def _show_preparation(self) -> None:
        """Show how the music is made ready in the place of the charts, until there is something for them."""
        if self.seen is None:
            return
        status, refused = self.seen.status, len(self._refusals)
        going_on = self.seen.state in {"starting", "preparing"}
        told = refused > 0 or (status is not None and status.preparation is not None)
        ended = told and self.seen.ended_untrained
        self.query_one(PreparationPanel).tell(self.seen, refused)
        self.query_one(Header).tell_refused(0 if going_on or ended else refused)
        for screen in self.app.screen_stack:
            for listed in screen.query(RefusedList):
                listed.tell(ended=ended)
        self.set_class(going_on or ended, "-preparing")
        self.set_class(ended, "-unprepared")
        if not self.has_class("-preparing") and isinstance(self.focused, RefusedList):
            self.query_one(SamplesPanel).focus()

    def _show_evaluation(self) -> None:
        """Show what was measured last, and how far the profile's promises are kept."""
        self.query_one(EvaluationLine).tell()
        self.query_one(CaseStudyCard).tell()
        self.set_class(self._evaluated.is_there, "-measured")
        self.set_class(bool(self._evaluated.goals), "-promising")
        self.refresh_bindings()
        if len(self.app.screen_stack) > 1:
            from harmonic_tui.screens.evaluation import EvaluationScreen

            for screen in self.app.screen_stack:
                if isinstance(screen, EvaluationScreen):
                    screen.tell()

    def _touch_charts(self) -> None:
        for chart in self.query(Chart):
            chart.touch()
