"""Log and events of the run, whole and searchable."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Footer

from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.runs.log_file import LogFile
from harmonic_tui.runs.messages import EventsRead, LogRead, StatusSeen
from harmonic_tui.screens.run_screen import RunScreen
from harmonic_tui.widgets.find import FindInput, FindLine
from harmonic_tui.widgets.happenings import Happenings, event_text, kind_of, message_of
from harmonic_tui.widgets.header import Header
from harmonic_tui.widgets.listing import Listing
from harmonic_tui.widgets.log_lines import LogLines
from harmonic_tui.wording import percent, time_of_day

if TYPE_CHECKING:
    from harmonic_core.run.records import Row
    from harmonic_tui.runs.watched import WatchedRun

_ENOUGH_TO_FIND = 60
"""Characters of an event's message that are looked for in the log."""


class LogScreen(RunScreen):
    """What the trainer printed, and what happened."""

    CSS_PATH = "log.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#log-lines"
    BINDINGS = bindings("log")

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self._log = LogFile(watched.run.console_log)
        self._looking, self._look_again = False, False
        self._pattern: re.Pattern[str] | None = None
        self._searched = 0
        """Lines of the log that were searched."""

    def compose(self) -> ComposeResult:
        """Frames first; what they hold comes as it is read."""
        yield Header(self.watched.run.name)
        with Container(id="lists"):
            yield LogLines(self._log)
            yield Happenings()
        yield FindLine("a word or a regular expression; Enter looks for it in log and events")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to read."""
        self._lines.focus()
        self._look()

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 112
        self.call_after_refresh(self._tell_follow)

    @property
    def _lines(self) -> LogLines:
        return self.query_one(LogLines)

    @property
    def _events(self) -> Happenings:
        return self.query_one(Happenings)

    @property
    def _in_front(self) -> LogLines | Happenings:
        return self._events if self.has_class("-events") else self._lines

    def on_descendant_focus(self) -> None:
        """Where there is room for one list only, it is the one that the keys work in."""
        if isinstance(self.focused, Listing):
            self.set_class(isinstance(self.focused, Happenings), "-events")
            self._tell_follow()

    def on_status_seen(self, message: StatusSeen) -> None:
        """Show the state."""
        self.query_one(Header).tell(message.seen)
        self.set_class(message.seen.silent_s > 0, "-stale")

    def on_log_read(self, message: LogRead) -> None:
        """Read what was added."""
        self._look()

    def on_events_read(self, message: EventsRead) -> None:
        """Show what happened."""
        self._events.tell(message.rows, restarted=message.restarted)
        if self._pattern is not None:
            self._search(self._pattern, anew=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hits are gone to only where something is looked for."""
        if action == "hit":
            return True if self._pattern is not None else None
        return True

    def action_next_list(self) -> None:
        """Go to the other list."""
        self._go_to(self._lines if self._in_front is self._events else self._events)

    def _go_to(self, listing: Listing) -> None:
        self.set_class(listing is self._events, "-events")
        # What is out of sight takes no focus.
        self.call_after_refresh(listing.focus)

    def action_follow(self) -> None:
        """Stay at the end, or no longer."""
        follows = not self._in_front.follows
        for listing in (self._lines, self._events):
            listing.follow(follows)
        self._tell_follow()

    def on_listing_moved(self) -> None:
        """Moving away from the end ends that one stays there."""
        self._tell_follow()

    def action_kind(self, by: int) -> None:
        """Show only events of the next kind."""
        self._go_to(self._events)
        self._events.next_kind(by)
        self._events_changed()

    def action_choose_kind(self, kind: str) -> None:
        """A click on a kind shows only its events."""
        self._events.choose_kind(kind)
        self._events_changed()

    def action_copy(self) -> None:
        """Give the line under the cursor to the clipboard."""
        listing = self._in_front
        text = listing.text(listing.cursor) if listing.count else ""
        if text:
            self.app.copy_to_clipboard(text)
            self.notify("The line was copied.")
        else:
            self.notify("There is no line to copy yet.")

    def action_find(self) -> None:
        """Type what to look for."""
        self.query_one(FindLine).begin()

    def action_back(self) -> None:
        """End the search, else leave."""
        if self.query_one(FindLine).is_open:
            self._end_search()
        else:
            self.app.action_place("dashboard")

    def action_hit(self, by: int) -> None:
        """Go to another line with what was looked for."""
        listing = self._in_front
        line = listing.next_hit(by)
        if line is None:
            self.notify("Nothing here matches." if not self._is_searching else "Nothing was found yet.")
            return
        listing.follows = False
        listing.cursor = line
        self._tell_found()

    def on_find_line_wanted(self, message: FindLine.Wanted) -> None:
        """Look for what was typed."""
        if message.pattern is not None:
            self._search(message.pattern, anew=True)

    def on_find_line_left(self) -> None:
        """The keys work in the list again."""
        self._in_front.focus()

    def on_find_line_given_up(self) -> None:
        """Nothing is looked for any more."""
        self._end_search()

    def on_listing_chosen(self, message: Listing.Chosen) -> None:
        """Show a line of the log in full; of an event the place where it belongs."""
        from harmonic_tui.screens.whole import WholeTextScreen

        if isinstance(message.listing, Happenings):
            self._open_event(message.listing.rows[message.index])
        elif said := message.listing.text(message.index):
            self.app.push_screen(WholeTextScreen(f"Line {count(message.index + 1)} of the log", Content(said)))

    def _open_event(self, row: Row) -> None:
        from harmonic_tui.screens.whole import WholeTextScreen

        match kind_of(row):
            case "sample":
                self._open_samples(row.get("step"))
            case "evaluation" if self.watched.evaluated.is_there:
                from harmonic_tui.screens.evaluation import EvaluationScreen

                self.app.push_screen(EvaluationScreen(self.watched.evaluated))
            case "refused" if len(self.watched.refusals):
                from harmonic_tui.screens.refused import RefusedScreen

                refusals, title = self.watched.refusals, row.get("title")
                places = (index for index in range(len(refusals)) if refusals[index].name == title)
                self.app.push_screen(RefusedScreen(refusals, next(places, None)))
            case kind:
                moment = row.get("time")
                when = time_of_day(moment, seconds=True) if isinstance(moment, float) else ""
                title = f"{kind}  {when}".strip()
                self.app.push_screen(WholeTextScreen(title, Content(message_of(row))))

    def _open_samples(self, step: object) -> None:
        from harmonic_tui.screens.samples import SamplesScreen

        self.app.action_place("samples")
        screen = self.app.screen
        if isinstance(screen, SamplesScreen) and isinstance(step, int):
            screen.show_step(step)

    def _look(self) -> None:
        self._look_again = True
        if not self._looking:
            self._looking = True
            self.run_worker(self._look_at_log(), group="look")

    async def _look_at_log(self) -> None:
        try:
            while self._look_again:
                self._look_again = False
                replaced = await self._lines.look()
                if replaced:
                    self._searched, self._lines.hits = 0, []
                if self._pattern is not None:
                    self._search(self._pattern, anew=replaced)
        finally:
            self._looking = False

    @property
    def _is_searching(self) -> bool:
        return any(worker.group == "search" and worker.is_running for worker in self.workers)

    def _search(self, pattern: re.Pattern[str], *, anew: bool) -> None:
        self._pattern = pattern
        for listing in (self._lines, self._events):
            listing.pattern = pattern
            if anew:
                listing.hits = []
            listing.refresh()
        if anew:
            self._searched = 0
        if anew or not self._is_searching:
            self.run_worker(self._search_everywhere(pattern, go_there=anew), group="search", exclusive=True)
        self.refresh_bindings()

    async def _search_everywhere(self, pattern: re.Pattern[str], *, go_there: bool) -> None:
        await self._search_events(pattern)
        lines = self._lines
        while self._searched < self._log.count:
            self._tell_found(self._searched / self._log.count)
            # The last line may not be complete; it is looked at again when there are more.
            before = self._searched
            found, self._searched = await asyncio.to_thread(self._log.find, pattern, before)
            lines.hits += [line for line in found if not lines.hits or line > lines.hits[-1]]
        self._searched = max(0, self._log.count - 1)
        self._tell_found()
        if go_there:
            self._go_to_nearest_hit()

    async def _search_events(self, pattern: re.Pattern[str]) -> None:
        rows = list(self._events.rows)

        def matching() -> list[int]:
            return [place for place, row in enumerate(rows) if pattern.search(event_text(row))]

        self._events.hits = await asyncio.to_thread(matching)

    def _events_changed(self) -> None:
        if self._pattern is not None:
            self._search(self._pattern, anew=False)

    def _go_to_nearest_hit(self) -> None:
        """The newest match up to the cursor, else the first one; in the other list where this one has none."""
        lists = [self._in_front, *({self._lines, self._events} - {self._in_front})]
        listing = next((each for each in lists if each.hits), None)
        if listing is None:
            return
        earlier = [hit for hit in listing.hits if hit <= listing.cursor]
        listing.follows = False
        listing.cursor = earlier[-1] if earlier else listing.hits[0]
        if not isinstance(self.focused, FindInput):
            self._go_to(listing)
        self._tell_found()

    def _tell_found(self, share: float | None = None) -> None:
        if self._pattern is None:
            return
        lines, events = len(self._lines.hits), len(self._events.hits)
        said = Content(f"{count(lines)} in the log, {count(events)} in the events")
        if share is not None:
            said = Content.assemble(Content.styled(f"searching {percent(share)}  ", "$look"), said)
        elif not lines and not events:
            said = Content.styled("found nowhere", "$look")
        self.query_one(FindLine).tell(said)

    def _end_search(self) -> None:
        self.workers.cancel_group(self, "search")
        self._pattern = None
        for listing in (self._lines, self._events):
            listing.pattern, listing.hits = None, []
            listing.refresh()
        self.query_one(FindLine).end()
        self._in_front.focus()
        self.refresh_bindings()

    def _tell_follow(self) -> None:
        for listing in (self._lines, self._events):
            words = "at the end, follows" if listing.follows else "f follows the end"
            if self.has_class("-narrow") or self.has_class("-short"):
                other = "log" if isinstance(listing, Happenings) else "events"
                words = f"tab shows the {other}   {words}"
            listing.border_subtitle = Content.styled(words if listing.count else "", "$muted")
