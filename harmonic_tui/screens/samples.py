"""Every sound that the run made: by step and item, to see, to hear, to compare, and to keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input

from harmonic_core.errors import HarmonicError
from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.library import takes_of
from harmonic_tui.runs.messages import SamplesFound, StatusSeen
from harmonic_tui.screens.comparing import ComparingScreen
from harmonic_tui.widgets.error_strip import ErrorStrip, spread
from harmonic_tui.widgets.header import Header
from harmonic_tui.widgets.row_list import RowList
from harmonic_tui.widgets.sample_list import NONE_YET, ItemList, StepList
from harmonic_tui.widgets.sound_line import SoundLine
from harmonic_tui.widgets.sound_view import SoundView

if TYPE_CHECKING:
    from harmonic_core.run.samples import Item
    from harmonic_tui.runs.watched import WatchedRun


class SamplesScreen(ComparingScreen):
    """One sample is chosen by step and item; a take of it is seen and heard."""

    CSS_PATH = "samples.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (14, "-short"), (30, "-tall"), (44, "-high")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#items"
    BINDINGS = bindings("samples")

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self._text, self._starred = "", False
        self._goes_on = False
        """Whether the sound goes on with the next thing that is shown."""
        self._wanted: int | None = None
        """A step to go to once it is known."""

    def compose(self) -> ComposeResult:
        """Lists on the left, the sound on the right, the player below."""
        yield Header(self.watched.run.name)
        with Horizontal(id="middle"):
            with Vertical(id="lists"):
                yield StepList(self.library)
                yield Input(placeholder="title, kind or note", id="find", max_length=80)
                yield ItemList(self.library)
            with Vertical(id="right"):
                yield SoundView(self.library, self.spectra)
                yield ErrorStrip()
        yield SoundLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Look what there is."""
        self.query_one(SoundView).say(NONE_YET)
        self.query_one(ErrorStrip).say("the error of one item at every step, once there are reconstructions")
        self.query_one(StepList).show([], None, per_epoch=None, starred=False)
        self.query_one(ItemList).show(None, [], None, of=0, found_by="")
        self._look_for_steps()

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 150

    def on_status_seen(self, message: StatusSeen) -> None:
        """Show the state."""
        self.query_one(Header).tell(message.seen)
        self._show_steps()

    def on_samples_found(self, message: SamplesFound) -> None:
        """There are others."""
        self._look_for_steps()

    def show_stars(self) -> None:
        """Show what has a star now."""
        self.query_one(ItemList).refresh()
        self._show_steps()

    # What is chosen

    @work(exclusive=True, group="steps")
    async def _look_for_steps(self) -> None:
        library = self.library
        before = library.steps[:1]
        await asyncio.to_thread(library.read_stars)
        library.steps = await asyncio.to_thread(library.read_steps)
        if library.trouble:
            self.notify(library.trouble, title="Stars and notes", severity="warning", timeout=15, markup=False)
        newer = bool(before) and library.steps[:1] != before
        wanted, self._wanted = self._wanted, None
        if wanted in library.steps:
            self._go(wanted, self.item)
        elif library.steps and (self.step not in library.steps or (self.autoplay and newer)):
            self._go(library.steps[0], self.item, play=self.autoplay and newer)
        elif not library.steps and self.step is not None:
            self.step = self.item = self.sample = None
            self.query_one(SoundView).say("the samples are gone; they come again with every checkpoint")
            self.query_one(ItemList).show(None, [], None, of=0, found_by="")
        self._show_steps()

    def show_step(self, step: int) -> None:
        """Go to a step, for somebody who comes from elsewhere."""
        self._starred, self._wanted = False, step
        if self.is_mounted:
            self._look_for_steps()

    def _go(self, step: int, item: Item | None, *, play: bool = False) -> None:
        """Choose a sample. What sounds and is compared goes on with it, from the same place."""
        self._goes_on = self._goes_on or (self.sounds_here and item == self.item)
        self.step, self.item = step, item
        self._show_steps()
        self._show_chosen(play)

    @work(exclusive=True, group="chosen")
    async def _show_chosen(self, play: bool = False, refind: bool = True) -> None:
        step, library = self.step, self.library
        if step is None:
            return
        everything = await asyncio.to_thread(library.read_items, step)
        items = await asyncio.to_thread(
            lambda: library.read_matching(
                step, self._text, starred=self._starred, go_on=lambda: step == self.step and self.is_attached
            )
        )
        if self.item not in items:
            self.item = items[0] if items else None
            self._goes_on = False
        found_by = " ".join(filter(None, ("★ only" if self._starred else "", f"“{self._text}”" if self._text else "")))
        self.query_one(ItemList).show(step, items, self.item, of=len(everything), found_by=found_by)
        await self._show_sample(play)
        await self._read_in_sight()
        await self._show_errors()

    async def _show_sample(self, play: bool) -> None:
        spot, view = self.spot, self.query_one(SoundView)
        if spot is None:
            self.sample = None
            view.say("nothing of this step is shown; Escape shows all" if self._text or self._starred else NONE_YET)
            self.show_sounding()
            return
        # A record that was not whole may be by now.
        self.sample = sample = await asyncio.to_thread(self.library.read, spot)
        if sample is None or not takes_of(sample):
            view.say(f"{spot.item.record} of step {count(spot.step)} is no whole record of a sample; it is passed over")
        else:
            view.show(sample, self.shown_take(sample), self.view, self.star)
        goes_on, self._goes_on = self._goes_on, False
        if sample is not None and (goes_on or play):
            self.play(keep_position=goes_on)
        self.show_sounding()

    async def _read_in_sight(self) -> None:
        listed = self.query_one(ItemList)
        if unread := listed.unread:
            await asyncio.to_thread(self.library.read_all, unread)
            listed.refresh()

    async def _show_errors(self) -> None:
        strip, sample, step = self.query_one(ErrorStrip), self.sample, self.step
        if sample is None or step is None:
            strip.say("no sample is shown whose error could be followed")
        elif sample.kind == "prior":
            strip.say("drawn from the prior: no original, so no error; [ and ] follow it")
        else:
            steps = spread(self.library.steps[::-1], strip.room, step)
            errors = await asyncio.to_thread(self.library.read_errors, sample.item, steps)
            strip.show(sample.title, steps, errors, step)

    def _show_steps(self) -> None:
        steps = self.library.starred_steps() if self._starred else self.library.steps
        self.query_one(StepList).show(
            steps, self.step, per_epoch=self.watched.scale.steps_per_epoch, starred=self._starred
        )

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Another step or sample was chosen in a list."""
        rows = message.rows
        if isinstance(rows, StepList):
            self._go(rows.step(message.index), self.item)
        elif isinstance(rows, ItemList) and self.step is not None:
            self.item = rows.item(message.index)
            self._show_item()

    @work(exclusive=True, group="chosen")
    async def _show_item(self) -> None:
        await self._show_sample(play=False)
        await self._read_in_sight()
        await self._show_errors()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Enter, or a second click: play it."""
        self.action_play()

    @work(exclusive=True, group="in sight")
    async def on_item_list_scrolled(self) -> None:
        """Others are in sight."""
        await self._read_in_sight()

    def on_error_strip_pointed(self, message: ErrorStrip.Pointed) -> None:
        """A step was clicked in the strip."""
        self._go(message.step, self.item)

    # What follows

    def action_go_step(self, by: int) -> None:
        """Follow the item through training."""
        steps = self.library.starred_steps() if self._starred else self.library.steps
        if self.step not in steps:
            return
        # The newest come first.
        place = steps.index(self.step) - by
        if 0 <= place < len(steps):
            self._go(steps[place], self.item)
        else:
            self.notify(f"This is the {'newest' if by > 0 else 'first'} step with samples.")

    def action_newest(self) -> None:
        """Show the same item at the newest step."""
        if self.library.steps:
            self._go(self.library.steps[0], self.item)

    def action_autoplay(self) -> None:
        """Play what is made as soon as it is there, or no longer."""
        self.autoplay = not self.autoplay
        said = "is played as soon as it is made" if self.autoplay else "is no longer played by itself"
        self.notify(f"The newest set {said}.")
        self.show_sounding()

    @work
    async def action_sample(self) -> None:
        """Ask the trainer for samples."""
        from harmonic_core.run.control import send_command

        try:
            await asyncio.to_thread(send_command, self.watched.run, "sample")
        except HarmonicError as error:
            self.notify(plain(str(error)), severity="warning", markup=False)
        else:
            self.notify("The trainer was asked for samples; they appear here when they are made.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """On a narrow screen less stands in the footer; the keys work all the same."""
        return not (action in {"note", "export"} and self.has_class("-narrow"))

    def action_also(self, action: str) -> None:
        """What has no room in the footer."""
        if action == "note":
            self.action_note()
        else:
            self.action_export()

    # What is listed

    def action_find(self) -> None:
        """Find samples of the step."""
        self.add_class("-finding")
        self.query_one("#find", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches."""
        text = event.value.strip()
        if text != self._text:
            self._text = text
            self._show_chosen()

    def on_input_submitted(self) -> None:
        """Go to what was found."""
        self.query_one(ItemList).focus()

    def action_starred(self) -> None:
        """Show only what has a star or a note, or everything."""
        self._starred = not self._starred
        steps = self.library.starred_steps()
        if self._starred and steps and self.step not in steps:
            self.step = steps[0]
        self._show_steps()
        self._show_chosen()

    def action_back(self) -> None:
        """Show everything again; where everything is shown, go back."""
        if self.has_class("-finding") or self._text or self._starred:
            self.remove_class("-finding")
            self._starred = False
            self._text = ""
            self.query_one("#find", Input).value = ""
            self.query_one(ItemList).focus()
            self._show_steps()
            self._show_chosen()
        else:
            self.app.action_place("dashboard")

    def action_pictures(self) -> None:
        """Draw in another way."""
        self.notify(f"Pictures: {self.query_one(SoundView).next_way()}.")

    def action_focus_list(self, name: str) -> None:
        """Go to a list."""
        self.query_one(f"#{name}").focus()

    def action_other_list(self) -> None:
        """Go to the other list."""
        self.action_focus_list("items" if self.query_one(StepList).has_focus else "steps")
