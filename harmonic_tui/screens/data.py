"""The music of the run: how it is made ready, what was refused, how much there is of what, and a check of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Footer
from textual.worker import Worker

from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import EventsRead, MusicRead, ProfileRead, StatusSeen
from harmonic_tui.screens.run_screen import RunScreen
from harmonic_tui.widgets.find import FindLine
from harmonic_tui.widgets.findings import FindingsList
from harmonic_tui.widgets.header import Header
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.widgets.music import GroupsList, LengthsPanel, SidesPanel, Waiting
from harmonic_tui.widgets.preparation import PreparationPanel
from harmonic_tui.widgets.refused import RefusedList

if TYPE_CHECKING:
    from harmonic_tui.runs.watched import WatchedRun

_LISTS = ("groups", "lengths", "refused", "findings")


class DataScreen(RunScreen):
    """Preparation, division, refused files, and findings of a check that one may ask for."""

    CSS_PATH = "data.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#groups"
    BINDINGS = bindings("data")

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self._check: Worker[None] | None = None
        self._looked = False
        """Whether the state of the run is known."""

    def compose(self) -> ComposeResult:
        """Frames first; what they hold comes as it is read."""
        yield Header(self.watched.run.name)
        with Horizontal(id="amounts"):
            yield PreparationPanel()
            yield SidesPanel()
        with Container(id="lists"):
            with Horizontal(classes="pair"):
                yield GroupsList()
                yield LengthsPanel()
            with Horizontal(classes="pair"):
                yield RefusedList(self.watched.refusals)
                yield FindingsList()
        yield FindLine("show only the findings that match a word or a regular expression", live=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the genres."""
        self._show_list("groups")
        self.query_one(GroupsList).focus()

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 112

    def on_descendant_focus(self) -> None:
        """Where there is room for one list only, it is the one that the keys work in."""
        if self.focused is not None and self.focused.id in _LISTS:
            self._show_list(self.focused.id)

    def on_status_seen(self, message: StatusSeen) -> None:
        """Show the state, and how far the music is."""
        seen = message.seen
        self.query_one(Header).tell(seen)
        self.query_one(PreparationPanel).tell(seen, len(self.watched.refusals))
        prepares = seen.state in {"starting", "preparing"} or seen.ended_untrained
        self.set_class(prepares, "-preparing")
        if prepares and not self._looked:
            # There is nothing else to see yet.
            self._go_to("refused")
        self._looked = True
        self.set_class(seen.silent_s > 0, "-stale")
        self._show_music()
        self._show_refused()

    def on_music_read(self, message: MusicRead) -> None:
        """Show how much music there is."""
        self._show_music()

    def on_events_read(self, message: EventsRead) -> None:
        """Show what was refused."""
        self._show_music()
        self._show_refused()

    def on_profile_read(self, message: ProfileRead) -> None:
        """Say where the music lies."""
        self.query_one(PreparationPanel).tell_music(message.music)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        match action:
            case "refused":
                return True if len(self.watched.refusals) else None
            case "validate":
                return None if self._is_checking else True
        return True

    def action_next_list(self, by: int) -> None:
        """Go to another list."""
        shown = next((each for each in _LISTS if self.query_one(f"#{each}").has_class("-shown")), _LISTS[0])
        self._go_to(_LISTS[(_LISTS.index(shown) + by) % len(_LISTS)])

    def _go_to(self, name: str) -> None:
        self._show_list(name)
        # What is out of sight takes no focus.
        self.call_after_refresh(self.query_one(f"#{name}").focus)

    def action_refused(self, index: int | None = None) -> None:
        """Show every refused file."""
        from harmonic_tui.screens.refused import RefusedScreen

        self.app.push_screen(RefusedScreen(self.watched.refusals, index))

    def on_refused_list_chosen(self, message: RefusedList.Chosen) -> None:
        """Enter and a click show a refused file in full."""
        self.action_refused(message.index)

    def on_listing_chosen(self, message: Listing.Chosen) -> None:
        """Show a finding in full."""
        from harmonic_tui.screens.whole import WholeTextScreen

        if isinstance(message.listing, FindingsList):
            found = message.listing.finding(message.index)
            said = Content.assemble(
                Content.styled(found.name, "bold"), f"\n{found.verdict}: {found.kind}\n", found.reason
            )
            self.app.push_screen(WholeTextScreen("Finding", said))

    def action_group(self, by: int) -> None:
        """Group by genre or by data set."""
        self.query_one(GroupsList).turn()

    def action_find(self) -> None:
        """Type what the findings are to match."""
        self._show_list("findings")
        self.query_one(FindLine).begin()

    def on_find_line_wanted(self, message: FindLine.Wanted) -> None:
        """Show what matches."""
        number = self.query_one(FindingsList).look_for(message.pattern)
        found = f"{count(number)} {'finding' if number == 1 else 'findings'}" if message.pattern else ""
        self.query_one(FindLine).tell(Content(found))

    def on_find_line_left(self) -> None:
        """The keys work in the list again."""
        self.query_one(FindingsList).focus()

    def on_find_line_given_up(self) -> None:
        """Show all findings again."""
        self._end_search()

    def action_back(self) -> None:
        """End what goes on here, else leave."""
        if self.query_one(FindLine).is_open:
            self._end_search()
        elif self._check is not None and self._is_checking:
            self._check.cancel()
            self.query_one(FindingsList).tell_ended("you ended the check")
            self.refresh_bindings()
        else:
            self.app.action_place("dashboard")

    def action_validate(self) -> None:
        """Check every file."""
        if not self._is_checking:
            self._check = self.run_worker(self._check_music(), group="check")
            self._go_to("findings")
            self.refresh_bindings()

    @property
    def _is_checking(self) -> bool:
        return self._check is not None and self._check.is_running

    async def _check_music(self) -> None:
        from harmonic_tui.runs.validating import Check, CheckFailedError

        findings = self.query_one(FindingsList)
        findings.begin()
        try:
            checked = await Check(self.watched.run, findings.tell_progress).check()
        except CheckFailedError as error:
            findings.tell_ended(plain(str(error), 400).rstrip("."))
        else:
            findings.tell_checked(checked)
        self.call_after_refresh(self.refresh_bindings)

    def _end_search(self) -> None:
        self.query_one(FindLine).end()
        self.query_one(FindingsList).look_for(None)
        self._go_to("findings")

    def _show_music(self) -> None:
        music, seen = self.watched.music, self.watched.seen
        began = seen is not None and seen.status is not None and seen.status.epoch > 0
        waiting: Waiting = "never" if began else "later"
        self.query_one(SidesPanel).tell(music, waiting, self._what_events_tell() if music is None else "")
        self.query_one(GroupsList).tell(music, waiting)
        self.query_one(LengthsPanel).tell(music, waiting)

    def _what_events_tell(self) -> str:
        """What was decoded, of a run that wrote down no more."""
        phases = (str(row.get("message", "")) for row in self.watched.events if row.get("kind") == "phase")
        decoding = next((said for said in phases if said.startswith("decoding ")), "")
        return plain(decoding.partition(";")[0])

    def _show_refused(self) -> None:
        seen = self.watched.seen
        ended = seen is not None and (seen.ended_untrained or seen.state not in {"starting", "preparing"})
        self.query_one(RefusedList).tell(ended=ended)
        self.refresh_bindings()

    def _show_list(self, name: str) -> None:
        for each in _LISTS:
            self.query_one(f"#{each}").set_class(each == name, "-shown")
        for pair in self.query(".pair"):
            pair.set_class(any(child.id == name for child in pair.children), "-shown")
