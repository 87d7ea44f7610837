"""Where the console begins: profiles to start, runs to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from harmonic_core.errors import HarmonicError, ProfileError
from harmonic_core.run.directory import RUN_ROOTS, RunDirectory, list_runs
from harmonic_core.run.words import preparation
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.wording import day_and_time, figure, state_mark

if TYPE_CHECKING:
    from harmonic_core.profile.search import Listing
    from harmonic_core.profile.sections import Data
    from harmonic_core.run.status import Status
    from harmonic_tui.wording import ShownState

    _ProfileLine = tuple[Listing, Data | None]
    _RunLine = tuple[RunDirectory, ShownState, Status | None]
    from harmonic_tui.app import Console

LOOK_INTERVAL_S = 2.0


class Choices(OptionList):
    """A list that hjkl move in as well."""

    BINDINGS = bindings("choices")


class LaunchScreen(Screen[None]):
    """Enter on a profile starts it, Enter on a run opens it."""

    CSS_PATH = "launch.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#profiles"
    BINDINGS = bindings("runs")

    app: Console

    def __init__(self) -> None:
        super().__init__()
        self._profiles: list[Listing] | None = None
        self._runs: list[_RunLine] | None = None
        self._missing: list[str] = []

    def compose(self) -> ComposeResult:
        """Two lists and a line for what is chosen."""
        yield Static(
            Content.assemble(
                Content.styled("HarmonicVAE", "bold $primary"),
                Content.styled("   teach a network your music, and hear it learn", "$muted"),
            ),
            id="title",
        )
        with Horizontal(id="lists"):
            for name, title in (("profiles", "Profiles: start a run"), ("runs", "Runs: open one")):
                choices = Choices(Option(Content.styled("reading …", "$muted"), disabled=True), id=name)
                choices.border_title = Content(title)
                yield choices
        yield Static(id="missing")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read both lists, and keep that of the runs fresh."""
        self.run_worker(self._keep_looking(), group="look")

    async def _keep_looking(self) -> None:
        profiles = await asyncio.to_thread(_profiles)
        while True:
            if self.is_current:
                self._show_profiles(profiles, await asyncio.to_thread(_missing_music, profiles))
                self._show_runs(await asyncio.to_thread(_runs, self.app.clock()))
            await asyncio.sleep(LOOK_INTERVAL_S)

    def _show_profiles(self, profiles: list[_ProfileLine], missing: list[str]) -> None:
        if self._profiles is not None and missing == self._missing:
            return
        self._profiles, self._missing = [listing for listing, _ in profiles], missing
        options = [Option(_profile_text(listing, lack)) for listing, lack in zip(self._profiles, missing, strict=True)]
        empty = "No profiles. A profile is a TOML file in ./profiles that says everything about a run."
        _replace(self.query_one("#profiles", Choices), options, empty)

    def _show_runs(self, runs: list[_RunLine]) -> None:
        if runs == self._runs:
            return
        choices = self.query_one("#runs", Choices)
        highlighted = choices.highlighted
        opened = self._runs[highlighted][0] if self._runs and highlighted is not None else None
        self._runs = runs
        places = " and ".join(f"./{root}" for root in RUN_ROOTS)
        empty = f"No runs in {places} yet. Choose a profile on the left and press Enter; demo needs no data of yours."
        now = self.app.clock()
        _replace(choices, [Option(_run_text(line, now)) for line in runs], empty)
        paths = [run.path for run, _, _ in runs]
        if opened is not None and opened.path in paths:
            choices.highlighted = paths.index(opened.path)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say in full what the chosen profile lacks."""
        if event.option_list.id == "profiles" and event.option_index < len(self._missing):
            lack = self._missing[event.option_index]
            self.query_one("#missing", Static).update(Content.styled(lack, "$look"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Start a profile or open a run."""
        if event.option_list.id == "runs" and self._runs:
            self.app.open_run(self._runs[event.option_index][0])
        elif event.option_list.id == "profiles" and self._profiles:
            listing = self._profiles[event.option_index]
            if listing.error:
                self.notify(plain(listing.error), title="This profile cannot be used", severity="error", markup=False)
            else:
                self.app.start_profile(_argument(listing))


def _argument(listing: Listing) -> str:
    return listing.name if listing.origin != "project" else str(listing.path)


def _profiles() -> list[_ProfileLine]:
    from harmonic_core.profile.search import available

    try:
        return [(listing, _data(listing)) for listing in sorted(available(), key=lambda each: each.name != "demo")]
    except (HarmonicError, OSError):
        return []


def _data(listing: Listing) -> Data | None:
    from harmonic_core.profile.resolve import load

    try:
        return load(listing.path).data
    except ProfileError:
        return None


def _missing_music(profiles: list[_ProfileLine]) -> list[str]:
    """What the music of every profile lacks, with the way out; empty where its folders are there."""
    return [_lack(data) if data else "" for _, data in profiles]


def _lack(data: Data) -> str:
    from harmonic_core.profile.music import insist_on_music

    try:
        insist_on_music(data)
    except ProfileError as error:
        return plain(str(error))
    return ""


def _runs(now: float) -> list[_RunLine]:
    return [_run_line(run, now) for run in list_runs()]


def _run_line(run: RunDirectory, now: float) -> _RunLine:
    from harmonic_core.run.status import read_status, seen_state

    status = read_status(run.status)
    if status is None:
        return run, "unreadable" if Path(run.status).exists() else "starting", None
    return run, seen_state(status, now), status.model_copy(update={"heartbeat": status.started_at})


def _replace(choices: Choices, options: Sequence[Option], empty: str) -> None:
    highlighted = choices.highlighted
    choices.set_options(options or [Option(Content.styled(empty, "$muted"), disabled=True)])
    if options:
        choices.highlighted = min(highlighted or 0, len(options) - 1)


def _profile_text(listing: Listing, lack: str) -> Content:
    where = "" if listing.origin == "packaged" else f"   {listing.origin}"
    missing = Content.styled(f"   ! {lack.partition(';')[0]}", "$look") if lack else ""
    said = plain(listing.description) or "no description"
    return Content.assemble(
        Content.styled(plain(listing.name, 40), "bold"),
        Content.styled(f"   {plain(listing.dataset, 20)}{where}", "$muted"),
        missing,
        "\n",
        Content.styled(f"✗ {plain(listing.error)}", "$bad") if listing.error else Content.styled(said, "$muted"),
    )


def _run_text(line: _RunLine, now: float) -> Content:
    run, state, status = line
    mark = state_mark(state, status.why if status else "")
    name = Content.styled(plain(run.name, 60), "bold")
    shown = Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}")
    if status is None:
        return Content.assemble(name, "\n", shown)
    best = f"   best {figure(status.best.val_recon_db)} dB" if status.best else ""
    where = f"epoch {status.epoch}/{status.epochs}" if status.epoch else plain(status.phase, 30)
    if status.preparation and not status.epoch:
        where = preparation(status.preparation, going_on=state == "preparing")
    if state in {"failed", "diverged"} and status.message:
        where = plain(status.message, 60)
    figures = f"   {where}{best}   {day_and_time(status.started_at, now)}"
    return Content.assemble(name, "\n", shown, Content.styled(figures, "$muted"))
