"""The console: `harmonic-tui`."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import work
from textual.app import App, SystemCommand
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.worker import WorkerFailed, get_current_worker

from harmonic_core.errors import HarmonicError
from harmonic_core.run.directory import RunDirectory
from harmonic_tui.keys import bindings, is_command
from harmonic_tui.places import PLACES
from harmonic_tui.plain import plain
from harmonic_tui.runs.boards import ASKED_EVERY_S, ASKED_UNSEEN_EVERY_S
from harmonic_tui.runs.feed import POLL_INTERVAL_S
from harmonic_tui.runs.messages import Told
from harmonic_tui.runs.watched import WatchedRun
from harmonic_tui.screens.run_screen import RunScreen
from harmonic_tui.sound.player import Heard, Listening, Player
from harmonic_tui.themes import DARK, DEFAULT_HUES, LIGHT

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from harmonic_tui.places import Place
    from harmonic_tui.screens.leave import Choice


SLOW_LINK = 4
"""How many times as long everything waits for its turn where the link is slow."""

CLOSING_S = 2.0
"""How long the sound may take to end when the console does."""


class Console(App[str]):
    """The application. It knows which run is open and owns the player; screens do the rest.

    Parameters
    ----------
    run
        The run to open; without one the list of profiles and runs is shown.
    process
        The trainer of `run`, if it was started here.
    clock
        Seconds since 1970.
    sound
        Whether to look for an output at all.
    replayed
        Whether `run` is a replay, which nobody asks about on leaving: it ends with the console.
    low_bandwidth
        Whether to draw less often, for a slow link.
    """

    TITLE = "HarmonicVAE"
    CSS_PATH = "console.tcss"
    DEFAULT_MODE = "first"
    BINDINGS = bindings("console")

    def __init__(
        self,
        run: RunDirectory | None = None,
        *,
        process: subprocess.Popen[bytes] | None = None,
        clock: Callable[[], float] = time.time,
        sound: bool = True,
        replayed: bool = False,
        low_bandwidth: bool = False,
    ) -> None:
        super().__init__()
        self.low_bandwidth = low_bandwidth
        self._replay = run if replayed else None
        self.clock = clock
        self.player = Player(self._heard)
        self.watched = WatchedRun(run, process, clock, self._interval) if run is not None else None
        if replayed and self.watched is not None:
            self.watched.board_watch.unasked = "this is a replay"
        self._opened = 0
        # The framework keeps a stack of screens for each mode. Here a mode is a place that a number key leads to.
        self._modes_by_place = {"dashboard" if run else "runs": self.DEFAULT_MODE}
        self._sound = sound
        if not sound:
            self.player.route = "off"
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self.add_mode(self.DEFAULT_MODE, self._first_screen)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our hues under themes that do not name them."""
        return {**DEFAULT_HUES, "border-blurred": "#2b3544"}

    def _handle_exception(self, error: Exception) -> None:
        """Let a worker end in peace that comes back from reading a file and finds its screen taken apart."""
        in_vain = isinstance(error, WorkerFailed) and isinstance(error.error, NoMatches)
        # While the application shuts down it no longer runs, and its screens still seem to.
        if not in_vain or (self.is_running and get_current_worker().node.is_attached):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End with one line instead of a traceback."""
        from rich.text import Text

        from harmonic_tui.faults import sentence_on

        self.bell()
        # The framework knows of renderables only as lists of segments, and prints whatever can be printed.
        said = Text(sentence_on(self._exception or RuntimeError("unknown")))
        self._exit_renderables.append(said)
        self._close_messages_no_wait()

    def _first_screen(self) -> Screen[None]:
        return PLACES["dashboard" if self.watched else "runs"].build(self.watched)

    def _interval(self) -> float:
        return POLL_INTERVAL_S * (SLOW_LINK if self.low_bandwidth else 1)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the keys do, by name, and what the framework offers beside."""
        from harmonic_tui.runs.steering import offered as requests_of
        from harmonic_tui.screens.steer import SteerScreen

        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if enabled and is_command(binding):
                yield SystemCommand(binding.description, tooltip, self._runner(node, binding.action))
        if self.watched is not None and not isinstance(screen, SteerScreen):
            for request in requests_of(self.watched.seen):
                wanted = partial(self.action_steer, request.name)
                does = request.does or "change it while the run goes on"
                yield SystemCommand(f"Steer: {request.title}", does.capitalize(), wanted)
        how_often = "as soon as there is something new" if self.low_bandwidth else "every two seconds at most"
        switch = f"{'Normal' if self.low_bandwidth else 'Low'} bandwidth"
        yield SystemCommand(switch, f"Draw {how_often}", self.action_bandwidth)
        offered = super().get_system_commands(screen)
        yield from (command for command in offered if command.title in {"Theme", "Screenshot"})

    def _runner(self, node: DOMNode, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action, node)

        return run

    def open_sound(self) -> None:
        """Find out where sound goes, beside everything else."""
        if self._sound:
            self.run_worker(self.player.open(), group="sound")

    async def on_unmount(self) -> None:
        """Let go of the sound card."""
        # Whatever keeps it, nobody waits for ever in front of a console that was left.
        closing = asyncio.create_task(self.player.close())
        done, _ = await asyncio.wait({closing}, timeout=CLOSING_S)
        for task in done:
            task.result()

    def open_run(self, run: RunDirectory, process: subprocess.Popen[bytes] | None = None) -> None:
        """Show the dashboard of a run."""
        known = self.watched
        if process is None and known is not None and run.path.resolve() == known.run.path.resolve():
            self.action_place("dashboard")
            return
        self.workers.cancel_group(self, "feed")
        self.player.leave_run()
        self.watched = WatchedRun(run, process, self.clock, self._interval)
        self._opened += 1
        left = [self._modes_by_place.pop(name) for name, place in PLACES.items() if self._is_left(place)]
        self.action_place("dashboard")
        for mode in left:
            self.remove_mode(mode)

    def _is_left(self, place: Place) -> bool:
        return place.of_run and place.name in self._modes_by_place

    def watch_app_focus(self, focus: bool) -> None:
        """Ask less often how the graphics cards are while the terminal is not in front."""
        if self.watched is not None:
            self.watched.board_watch.every_s = ASKED_EVERY_S if focus else ASKED_UNSEEN_EVERY_S

    def begin_to_watch(self) -> None:
        """Follow the open run's files, unless that is done already."""
        watched = self.watched
        if watched is None or any(worker.group == "feed" and worker.is_running for worker in self.workers):
            return
        self.run_worker(
            watched.follow(lambda message: self.post_message(Told(watched, message))), group="feed", exit_on_error=True
        )

    def on_told(self, told: Told) -> None:
        """Keep what was read, and give it to the screens in front; the others catch up when they are wanted."""
        if told.watched is not self.watched:
            return
        told.watched.take(told.message)
        in_front = self.screen_stack
        for screen in self._run_screens():
            if screen in in_front:
                screen.post_message(replace(told.message))  # type: ignore[type-var]
            else:
                screen.missed = True

    def _run_screens(self) -> Iterator[RunScreen]:
        """Screens that show the open run, in whatever mode."""
        for stack in self._screen_stacks.values():
            yield from (screen for screen in stack if isinstance(screen, RunScreen))

    @work
    async def start_profile(self, profile: str) -> None:
        """Start a run and show it."""
        from harmonic_tui.profiles.launching import launch

        try:
            started = await asyncio.to_thread(launch, profile)
        except HarmonicError as error:
            self.notify(str(error), title="Not started", severity="error", timeout=20, markup=False)
            return
        for warning in started.warnings:
            self.notify(plain(warning), severity="warning", markup=False)
        self.open_run(started.run, started.process)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do not offer to go where one is, or what needs a run where none is open."""
        match action:
            case "place":
                name = str(parameters[0])
                return self.can_reach(name) and self.current_mode != self._modes_by_place.get(name)
            case "steer":
                return self.watched is not None
        return True

    def can_reach(self, name: str) -> bool:
        """Whether there is something to show at the place."""
        return self.watched is not None or not PLACES[name].of_run

    def action_place(self, name: str) -> None:
        """Go to a place."""
        if not self.can_reach(name):
            return
        place = PLACES[name]
        if name not in self._modes_by_place:
            mode = f"{name}-{self._opened}" if place.of_run else name
            self._modes_by_place[name] = mode
            self.add_mode(mode, lambda: place.build(self.watched))
        self.switch_mode(self._modes_by_place[name])

    @work(exclusive=True, group="places")
    async def action_places(self) -> None:
        """Choose a place from all of them."""
        from harmonic_tui.screens.places import PlacesScreen

        here = next((name for name, mode in self._modes_by_place.items() if mode == self.current_mode), "")
        reachable = frozenset(name for name in PLACES if self.can_reach(name))
        chosen = await self.push_screen_wait(PlacesScreen(reachable, here))
        if chosen is not None:
            self.action_place(chosen)

    def action_steer(self, wanted: str = "") -> None:
        """Show what the run can be asked for; `wanted` is asked for at once."""
        from harmonic_tui.screens.steer import SteerScreen

        if self.watched is not None:
            self.push_screen(SteerScreen(self.watched, wanted))

    def action_sound(self) -> None:
        """Show where sound goes, and what else there is."""
        from harmonic_tui.screens.sound import SoundScreen

        self.push_screen(SoundScreen(self.player))

    def action_bandwidth(self) -> None:
        """Draw less often, or as often as usual."""
        self.low_bandwidth = not self.low_bandwidth
        said = "new figures are drawn every two seconds" if self.low_bandwidth else "new figures are drawn at once"
        self.notify(f"{'Low' if self.low_bandwidth else 'Normal'} bandwidth: {said}.")

    def action_help(self) -> None:
        """Show what the keys do here."""
        from harmonic_tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen.active_bindings))

    async def action_quit(self) -> None:
        """Leave, by whatever key."""
        from harmonic_tui.screens.leave import LeaveScreen

        if not isinstance(self.screen, LeaveScreen):
            self.action_leave()

    @work(exclusive=True, group="leave")
    async def action_leave(self) -> None:
        """Leave; while a trainer works, ask what becomes of it."""
        from harmonic_core.run.status import ACTIVE_STATES

        run = self.watched.run if self.watched else None
        state = self._state()
        if run is None or run == self._replay or state not in {*ACTIVE_STATES, "starting"}:
            self.exit()
            return
        from harmonic_tui.screens.leave import LeaveScreen

        choice = await self.push_screen_wait(LeaveScreen(run.name, starting=state == "starting"))
        if choice is None:
            return
        try:
            await asyncio.to_thread(self._end, run, choice)
        except HarmonicError as error:
            self.notify(plain(str(error)), title="Not done", severity="warning", markup=False)
            return
        self.exit(_farewell(run, choice))

    def _state(self) -> str:
        from harmonic_core.run.status import read_status, seen_state

        if self.watched is None:
            return "unknown"
        status, process = read_status(self.watched.run.status), self.watched.process
        if status is not None:
            return seen_state(status, self.clock())
        return "starting" if process is not None and process.poll() is None else "unknown"

    def _end(self, run: RunDirectory, choice: Choice) -> None:
        from harmonic_core.run.control import send_command
        from harmonic_core.run.ending import kill_trainer

        if choice == "stop":
            send_command(run, "stop")
        elif choice == "kill" and self.watched and self.watched.process and not run.status.exists():
            self.watched.process.kill()
        elif choice == "kill":
            kill_trainer(run)

    def _heard(self, heard: Heard) -> None:
        if heard.copy:
            self.copy_to_clipboard(heard.copy)
        for screen in self.screen_stack:
            if isinstance(screen, Listening):
                screen.hear(heard)


def _farewell(run: RunDirectory, choice: Choice) -> str:
    path = plain(str(run.path))
    return {
        "leave": f"{path} goes on. Come back with: harmonic-tui {path}",
        "stop": f"{path} stops after a checkpoint. Continue it with: harmonic train --resume-from {path}",
        "kill": f"{path} was killed. Continue it with: harmonic train --resume-from {path}",
    }[choice]
