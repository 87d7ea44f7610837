"""The console: `harmonic-tui`."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work
from textual.app import App, SystemCommand
from textual.screen import Screen

from harmonic_core import __version__
from harmonic_core.errors import HarmonicError, ProfileError
from harmonic_core.run.directory import RunDirectory, open_run
from harmonic_tui.keys import bindings
from harmonic_tui.messages import Told
from harmonic_tui.places import PLACES
from harmonic_tui.plain import plain
from harmonic_tui.screens.run_screen import RunScreen
from harmonic_tui.sound.player import Heard, Listening, Player
from harmonic_tui.themes import DARK, DEFAULT_HUES, LIGHT
from harmonic_tui.watched import WatchedRun

if TYPE_CHECKING:
    from harmonic_tui.places import Place
    from harmonic_tui.screens.leave import Choice


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
    ) -> None:
        super().__init__()
        self.clock = clock
        self.player = Player(self._heard)
        self.watched = WatchedRun(run, process, clock) if run is not None else None
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

    def _first_screen(self) -> Screen[None]:
        return PLACES["dashboard" if self.watched else "runs"].build(self.watched)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the keys do, by name, and what the framework offers beside."""
        for _, binding, enabled, tooltip in screen.active_bindings.values():
            if binding.show and enabled and binding.description:
                yield SystemCommand(binding.description, tooltip, self._runner(screen, binding.action))
        offered = super().get_system_commands(screen)
        yield from (command for command in offered if command.title in {"Theme", "Screenshot"})

    def _runner(self, screen: Screen[object], action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action, screen if "." not in action else None)

        return run

    def open_sound(self) -> None:
        """Find out where sound goes, beside everything else."""
        if self._sound:
            self.run_worker(self.player.open(), group="sound", exclusive=True)

    async def on_unmount(self) -> None:
        """Let go of the sound card."""
        await self.player.close()

    def open_run(self, run: RunDirectory, process: subprocess.Popen[bytes] | None = None) -> None:
        """Show the dashboard of a run."""
        known = self.watched
        if process is None and known is not None and run.path.resolve() == known.run.path.resolve():
            self.action_place("dashboard")
            return
        self.workers.cancel_group(self, "feed")
        self.watched = WatchedRun(run, process, self.clock)
        self._opened += 1
        left = [self._modes_by_place.pop(name) for name, place in PLACES.items() if self._is_left(place)]
        self.action_place("dashboard")
        for mode in left:
            self.remove_mode(mode)

    def _is_left(self, place: Place) -> bool:
        return place.of_run and place.name in self._modes_by_place

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
        from harmonic_tui.launching import launch

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

    def action_steer(self) -> None:
        """Show what the run can be asked for."""
        from harmonic_tui.screens.steer import SteerScreen

        if self.watched is not None:
            self.push_screen(SteerScreen(self.watched))

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
        if run is None or state not in {*ACTIVE_STATES, "starting"}:
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
        from harmonic_tui.ending import kill_trainer

        if choice == "stop":
            send_command(run, "stop")
        elif choice == "kill" and self.watched and self.watched.process and not run.status.exists():
            self.watched.process.kill()
        elif choice == "kill":
            kill_trainer(run)

    def _heard(self, heard: Heard) -> None:
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


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="harmonic-tui",
        description="Watch, hear and steer a training run. Without arguments: choose from profiles and runs.",
    )
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run, by its directory or its name under runs/")
    parser.add_argument("--profile", metavar="PROFILE", help="start a run from a profile (name or file) and show it")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the profile, such as train.epochs=5; may be repeated",
    )
    parser.add_argument("--once", action="store_true", help="print the dashboard of RUN once, as text, and end")
    parser.add_argument("--version", action="version", version=f"harmonic-tui {__version__}")
    return parser


def _console(options: argparse.Namespace) -> Console:
    if options.profile is None:
        if options.settings:
            raise ProfileError("--set changes a profile; name one with --profile")
        return Console(open_run(options.run) if options.run else None)
    if options.run:
        raise ProfileError("--profile starts a new run, RUN opens an existing one; give one of them")
    from harmonic_tui.launching import launch

    started = launch(options.profile, options.settings)
    for warning in started.warnings:
        print(plain(warning), file=sys.stderr)
    return Console(started.run, process=started.process)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the console, or say on one line why not."""
    options = arguments().parse_args(argv)
    try:
        if options.once:
            from harmonic_tui.once import dashboard_text

            if not options.run:
                raise ProfileError("--once needs a run to print; give its directory or name")
            text = dashboard_text(open_run(options.run))
            # A reader such as `head` may have enough before the end.
            with suppress(BrokenPipeError):
                print(text, flush=True)
            return
        if not sys.stdout.isatty():
            raise ProfileError(
                "harmonic-tui needs a terminal; without one use `harmonic status RUN --follow` or `--once`"
            )
        farewell = _console(options).run()
    except HarmonicError as error:
        print(error, file=sys.stderr)
        sys.exit(int(error.exit_code))
    if farewell:
        print(farewell)
