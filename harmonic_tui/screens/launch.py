"""Where the console begins: profiles to start, runs to look at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from harmonic_core.errors import HarmonicError
from harmonic_core.run.directory import RUN_ROOTS
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.profiles.profiles_seen import ProfileSeen, ProfilesSeen
from harmonic_tui.runs.runs_seen import RunsSeen
from harmonic_tui.widgets.about import READINESS, About, changes
from harmonic_tui.widgets.finding import Finding
from harmonic_tui.widgets.run_list import RunList

if TYPE_CHECKING:
    from pathlib import Path

    from harmonic_core.run.directory import RunDirectory
    from harmonic_tui.app import Console

LOOK_INTERVAL_S = 2.0
_NO_RUNS = (
    f"No runs in {' and '.join(f'./{root}' for root in RUN_ROOTS)} yet. "
    "Choose a profile on the left and press Enter; demo needs no data of yours."
)
_FIND = "find in profiles and runs: words of a name, a data set or a state"


class Choices(OptionList):
    """A list that hjkl move in as well."""

    BINDINGS = bindings("choices")


class LaunchScreen(Screen[None]):
    """Enter on a profile starts it, Enter on a run opens it, `n` looks at a profile's settings first."""

    CSS_PATH = "launch.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#profiles"
    BINDINGS = bindings("runs")

    app: Console

    def __init__(self) -> None:
        super().__init__()
        self._profiles: list[ProfileSeen] | None = None
        self._shown: list[ProfileSeen] = []
        self._words: list[str] = []
        self._seen_profiles, self._seen_runs = ProfilesSeen(), RunsSeen()
        # Kept, because what was looked for in a thread may come when the screen is being taken down.
        self._choices = Choices(Option(Content.styled("reading …", "$muted"), disabled=True), id="profiles")
        self._runs, self._about, self._find = RunList("runs", _NO_RUNS), About(id="about"), Finding(_FIND)

    def compose(self) -> ComposeResult:
        """Two lists, and in full what is chosen in them."""
        yield Static(
            Content.assemble(
                Content.styled("HarmonicVAE", "bold $primary"),
                Content.styled("   teach a network your music, and hear it learn", "$muted"),
            ),
            id="title",
        )
        yield self._find
        with Horizontal(id="lists"):
            yield self._choices
            yield self._runs
        yield self._about
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read both lists, and keep them fresh."""
        self._choices.border_title = Content("Profiles: start a run")
        self.run_worker(self._keep_looking(), group="look")

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 112

    def on_screen_resume(self) -> None:
        """See at once what changed while another screen was in front."""
        if self._profiles is not None:
            self._look_again()

    @work(exclusive=True, group="again")
    async def _look_again(self) -> None:
        self._show_profiles(await asyncio.to_thread(self._seen_profiles.look))

    async def _keep_looking(self) -> None:
        while True:
            if self.is_current:
                self._show_profiles(await asyncio.to_thread(self._seen_profiles.look))
                now = self.app.clock()
                self._runs.tell(await asyncio.to_thread(self._seen_runs.look, now), now)
                await self._read_curves()
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def _read_curves(self) -> None:
        self._runs.tell_curves(await asyncio.to_thread(self._seen_runs.curves, self._runs.in_sight))
        self._tell_about()

    @work(exclusive=True, group="curves")
    async def _read_curves_in_sight(self) -> None:
        await self._read_curves()

    def _show_profiles(self, profiles: list[ProfileSeen]) -> None:
        if profiles != self._profiles:
            self._profiles = profiles
            self._fill()

    def _fill(self) -> None:
        choices, kept = self._choices, self.chosen_profile
        everything = self._profiles or []
        self._shown = [seen for seen in everything if seen.matches(self._words)]
        if not self._shown:
            words = (
                "No profile is called so; Escape shows them all."
                if everything
                else "No profiles. A profile is a TOML file in ./profiles that says everything about a run."
            )
            choices.set_options([Option(Content.styled(words, "$muted"), disabled=True)])
        else:
            before = choices.highlighted or 0
            choices.set_options(Option(_profile_text(seen)) for seen in self._shown)
            paths = [seen.listing.path for seen in self._shown]
            same = kept is not None and kept.listing.path in paths
            choices.highlighted = paths.index(kept.listing.path) if same and kept else min(before, len(self._shown) - 1)
        self._tell_about()

    @property
    def chosen_profile(self) -> ProfileSeen | None:
        """The profile that Enter starts."""
        index = self._choices.highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def _tell_about(self) -> None:
        about, runs = self._about, self._runs
        if runs.has_focus:
            about.tell_run(runs.chosen, runs.curve(runs.chosen.run) if runs.chosen else ())
        else:
            about.tell_profile(self.chosen_profile)

    def on_descendant_focus(self) -> None:
        """Say in full what is chosen where one is."""
        self._tell_about()

    def on_option_list_option_highlighted(self) -> None:
        """Say in full what is chosen."""
        self._tell_about()

    def on_run_list_moved(self) -> None:
        """Say in full what is chosen, and read what came into sight."""
        self._tell_about()
        if self._profiles is not None:
            self._read_curves_in_sight()

    def on_run_list_opened(self, event: RunList.Opened) -> None:
        """Open a run."""
        self.app.open_run(event.run)

    def on_option_list_option_selected(self) -> None:
        """Start a profile, or go on with changes to it."""
        chosen = self.chosen_profile
        if chosen is None or self._refused(chosen):
            return
        if chosen.changes or _lacks_a_setting(chosen):
            self._open_form(chosen.argument, chosen.listing.path)
        else:
            self.app.start_profile(chosen.argument)

    def action_new_run(self) -> None:
        """Look at the settings of the chosen profile, or of the chosen run, and change them."""
        again = self._runs.chosen if self._runs.has_focus else None
        chosen = self.chosen_profile
        if again is not None:
            self._open_form(str(again.run.profile), again.run.profile, again.run)
        elif chosen is not None and not self._refused(chosen):
            self._open_form(chosen.argument, chosen.listing.path)

    def _refused(self, seen: ProfileSeen) -> bool:
        if seen.listing.error:
            self.notify(plain(seen.listing.error), title="This profile cannot be used", severity="error", markup=False)
        return bool(seen.listing.error)

    @work(exclusive=True, group="form")
    async def _open_form(self, source: str, path: Path, again: RunDirectory | None = None) -> None:
        from harmonic_core.profile.draft import Draft
        from harmonic_tui.profiles.drafts import kept_draft
        from harmonic_tui.profiles.launching import free_like
        from harmonic_tui.screens.new_run import NewRunScreen

        def draft() -> Draft:
            # A run that is made again needs another name.
            begun = {"run.name": free_like(again).name} if again else {}
            return Draft(source, begun | kept_draft(path))

        try:
            made = await asyncio.to_thread(draft)
        except HarmonicError as error:
            self.notify(plain(str(error)), title="These settings cannot be used", severity="error", markup=False)
            return
        self.app.push_screen(NewRunScreen(made))

    def action_find(self) -> None:
        """Ask for words to look for."""
        self._find.ask()

    def on_finding_found(self) -> None:
        """Go on to what was found: runs, where there are no profiles of this name."""
        (self._choices if self._shown or not self._runs.option_count else self._runs).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show only what the words are found in."""
        self._words = event.value.lower().split()
        self._runs.find(self._words)
        self._fill()

    def action_order(self, steps: int) -> None:
        """Put the runs in another order."""
        self._runs.rearrange(steps)

    def action_back(self) -> None:
        """Forget what was looked for; else go to the run that was open."""
        if self._find.display:
            self._find.forget()
        else:
            self.app.action_place("dashboard")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do not offer to go back where there is nothing."""
        if action == "back":
            return self._find.display or self.app.can_reach("dashboard")
        return True


def _lacks_a_setting(seen: ProfileSeen) -> bool:
    from harmonic_core.profile.checks import findings

    return seen.profile is not None and bool(findings(seen.profile))


def _profile_text(seen: ProfileSeen) -> Content:
    listing, found = seen.listing, seen.readiness
    where = "" if listing.origin == "packaged" else f"   {listing.origin}"
    mark = Content("")
    if found is not None:
        sign, word, hue = READINESS[found.state]
        mark = Content.styled(f"   {sign} {plain(found.words, 60) if found.state == 'missing' else word}", f"${hue}")
    kept = Content.styled(f"   ● {changes(seen.changes)} kept", "$look") if seen.changes else Content("")
    said = plain(listing.description) or "no description"
    return Content.assemble(
        Content.styled(plain(listing.name, 40), "bold"),
        Content.styled(f"   {plain(listing.dataset, 20)}{where}", "$muted"),
        mark,
        kept,
        "\n",
        Content.styled(f"✗ {plain(listing.error)}", "$bad") if listing.error else Content.styled(said, "$muted"),
    )
