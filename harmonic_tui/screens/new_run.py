"""A new run: every setting of a profile to look at and to change, checked while one types, saved or started."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Static

from harmonic_core.errors import HarmonicError
from harmonic_core.profile.draft import Draft
from harmonic_core.profile.explain import Key, find_key
from harmonic_core.profile.save import OF_ONE_RUN
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.profiles.drafts import keep_draft
from harmonic_tui.profiles.launching import Launch, launch, place_of
from harmonic_tui.profiles.readiness import missing
from harmonic_tui.widgets.explained import Changes, Explained, reason
from harmonic_tui.widgets.finding import Finding
from harmonic_tui.widgets.setting import VALUE_AT
from harmonic_tui.widgets.setting_value import SettingValue
from harmonic_tui.widgets.settings_list import SettingsList

if TYPE_CHECKING:
    from harmonic_tui.app import Console

_FRAME = 2
"""Columns of frame and margin left of the list's lines."""


class NewRunScreen(Screen[None]):
    """A form over a draft. What is typed is kept, whatever happens, until it is saved or started."""

    CSS_PATH = "new_run.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#settings"
    BINDINGS = bindings("new-run")

    app: Console

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft
        self._settings, self._value = SettingsList(draft), SettingValue()
        self._explained, self._changes = Explained(id="explained"), Changes()
        self._find = Finding("find a setting: words of its name or of what it does")
        self._before: tuple[Key, str | None] | None = None
        """The setting whose value is being typed, and what was typed of it before."""
        self._failure = ""
        """Why it could not be started, until something is changed."""
        self._around = ""
        """What else stands in the way, such as music that is not there."""
        self._place = ""
        self._writing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """The settings, what the chosen one does, what was changed, and what can be done with it."""
        yield Static(id="title")
        yield self._find
        with Horizontal(id="body"):
            with Container(id="form"):
                yield self._settings
                yield self._value
            with Vertical(id="side"):
                yield self._explained
                with VerticalScroll(id="changes", can_focus=False) as frame:
                    frame.border_title = Content("Changes")
                    yield self._changes
        yield Static(id="verdict")
        yield Static(id="command")
        with Horizontal(id="buttons"):
            yield Button("g Start", id="start", variant="primary", compact=True)
            yield Button("w Save as profile", id="save", compact=True)
            yield Button("y Copy command", id="copy", compact=True)
            yield Button("U Undo all", id="undo_all", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the draft; where it lacks something, begin there."""
        self._show_all()
        if self.draft.problems:
            self._go_to_problem()

    def _show_all(self) -> None:
        said = plain(self.draft.base.run.description)
        title = Content.assemble(
            Content.styled("New run", "bold $primary"),
            Content.styled(f"   {plain(str(self.draft.source), 60)}", "bold"),
            Content.styled(f"   {said}", "$muted"),
        )
        self.query_one("#title", Static).update(title, layout=False)
        self._explained.tell(self.draft, self._settings.chosen)
        self._show_changes()
        self._look_around()

    def _show_changes(self) -> None:
        self._changes.tell(self.draft)
        number = len(self.draft.texts)
        title = f"Changes: {number}" if number else "Changes"
        if str(self.query_one("#changes").border_title) != title:
            self.query_one("#changes").border_title = Content(title)
        self.query_one("#undo_all", Button).disabled = not number
        command = Content.assemble(
            Content.styled("$ ", "$faint"), Content.styled(plain(self.draft.command, 2000), "$muted")
        )
        self.query_one("#command", Static).update(command, layout=False)
        self._show_verdict()

    def _show_verdict(self) -> None:
        problems = list(self.draft.problems)
        key = self._settings.chosen_key
        here = self.draft.problem(key) if key else None
        if problems:
            text, hue = f"✗ {reason(here or problems[0], len(problems) - 1)}", "$bad"
        elif self._failure:
            text, hue = f"✗ not started: {self._failure}", "$bad"
        elif self._around:
            text, hue = f"! {self._around}", "$look"
        else:
            text, hue = f"✓ starts as {self._place}" if self._place else "", "$good"
        self.query_one("#verdict", Static).update(Content.styled(plain(text, 600), hue), layout=False)

    @work(exclusive=True, group="around")
    async def _look_around(self) -> None:
        """See what a look at the disk says against a start."""
        profile, path = self.draft.profile, self.draft.path
        lack = await asyncio.to_thread(missing, profile.data)
        place, taken = await asyncio.to_thread(place_of, profile, path.stem)
        self._around = f"{lack.words}; {lack.way_out}" if lack else taken
        self._place = plain(str(place.path), 200)
        self._show_verdict()

    def on_settings_list_moved(self) -> None:
        """Explain the setting on which one is now."""
        self._explained.tell(self.draft, self._settings.chosen)
        if self.query("#verdict"):
            self._show_verdict()

    def on_settings_list_altered(self) -> None:
        """Show what that changes, and keep it."""
        self._failure = ""
        self._show_changes()
        self._look_around()
        self._keep()

    def on_resize(self) -> None:
        """Explain at the length for which there is room; keys stand closer where there is little."""
        self.query_one(Footer).compact = self.size.width < 112
        self.call_after_refresh(lambda: self._explained.tell(self.draft, self._settings.chosen))
        self._put_value()

    def on_settings_list_typing(self) -> None:
        """Let a value be typed over its line."""
        key = self._settings.chosen_key
        if key is None:
            return
        self._before = key, self.draft.text(key) if self.draft.is_changed(key) else None
        field = self._settings.chosen
        self._value.placeholder = field.allowed if field else ""
        with self.prevent(Input.Changed):
            self._value.value = self.draft.text(key)
        self._value.display = True
        self._put_value()
        self._value.focus()

    def on_settings_list_scrolled(self) -> None:
        """Go along with the line."""
        self._put_value()

    def _put_value(self) -> None:
        if self._before is None:
            return
        self._settings.go_to(self._before[0])
        width = self._settings.scrollable_content_region.width
        self._value.styles.width = max(10, width - VALUE_AT)
        self._value.styles.offset = (_FRAME + VALUE_AT, 1 + self._settings.chosen_line)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check what is typed at once; or show what is looked for."""
        if event.input is self._find:
            self._settings.show(words=event.value.lower().split())
        elif self._before is not None:
            self.draft.set_text(self._before[0], event.value)
            self._settings.relabel()
            self._failure = ""
            self._show_changes()

    def on_setting_value_done(self, event: SettingValue.Done) -> None:
        """Take what was typed, or give back what was there, and go on."""
        if self._before is None:
            return
        (key, before), self._before = self._before, None
        if event.forgotten and before is None:
            self.draft.undo(key)
        elif event.forgotten and before is not None:
            self.draft.set_text(key, before)
        had_focus = self._value.has_focus
        self._value.display = False
        if had_focus:
            self._settings.focus()
        self._settings.altered()
        if event.by:
            self._settings.action_move(event.by)

    @work(group="keep")
    async def _keep(self) -> None:
        async with self._writing:
            # What is typed by the time it is this one's turn: the newest is the last to be written.
            await asyncio.to_thread(keep_draft, self.draft.path, self.draft.texts)

    def _go_to_problem(self) -> None:
        key = find_key(self.draft.problems[0].key)
        if key is not None and not self._settings.go_to(key):
            self._forget_filters()
            self._settings.go_to(key)
        self._show_verdict()

    def _forget_filters(self) -> None:
        with self.prevent(Input.Changed):
            self._find.forget()
        self._settings.show(words=[], changed_only=False)

    def action_undo(self) -> None:
        """Give the chosen setting the profile's value back."""
        key = self._settings.chosen_key
        if key is not None:
            self._settings.undo(key)

    def action_undo_all(self) -> None:
        """Give all settings the profile's values back."""
        self._settings.undo(None)

    def action_changed_only(self) -> None:
        """Show only what was changed, or everything again."""
        self._settings.show(changed_only=not self._settings.shows_changed_only)
        self._settings.focus()

    def action_find(self) -> None:
        """Ask for words to look for."""
        self._find.ask()

    def on_finding_found(self) -> None:
        """Go on to what was found."""
        self._settings.focus()

    def action_copy(self) -> None:
        """Copy the command line."""
        self.app.copy_to_clipboard(self.draft.command)
        self.notify(plain(self.draft.command, 400), title="Copied", markup=False)

    def action_back(self) -> None:
        """Show everything again; else go back, all that was typed kept."""
        if self._settings.is_filtered:
            self._forget_filters()
            self._settings.focus()
        else:
            self._leave()

    @work(exclusive=True, group="leave-form")
    async def _leave(self) -> None:
        await self._keep().wait()
        self.dismiss()

    def on_click(self, event: object) -> None:
        """A click on the command line copies it."""
        if getattr(event, "widget", None) is self.query_one("#command"):
            self.action_copy()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what the button says."""
        match event.button.id:
            case "start":
                self.action_start()
            case "save":
                self.action_save()
            case "copy":
                self.action_copy()
            case "undo_all":
                self.action_undo_all()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Write the changes into a profile, and go on with that."""
        from harmonic_tui.screens.save_profile import SaveProfileScreen

        draft = self.draft
        if any(draft.is_invalid(key) for key in map(find_key, draft.texts) if key):
            self._go_to_problem()
            return
        saved = await self.app.push_screen_wait(SaveProfileScreen(draft))
        if saved is None:
            return
        # What belongs to this run is no part of the profile, and still wanted.
        left = {name: text for name, text in draft.texts.items() if find_key(name) in OF_ONE_RUN}
        await asyncio.to_thread(keep_draft, draft.path, {})
        self.draft = await asyncio.to_thread(Draft, str(saved), left)
        self._settings.show(self.draft, changed_only=False)
        self._keep()
        self._show_all()
        self.notify(f"{plain(str(saved), 200)}: go on from here, or start it", title="Saved", markup=False)

    @work(exclusive=True, group="start")
    async def action_start(self) -> None:
        """Start the run, and show it; or say here why not."""
        draft = self.draft
        if draft.problems:
            self._go_to_problem()
            return
        self.query_one("#start", Button).disabled = True
        try:
            started = await asyncio.to_thread(launch, str(draft.source), draft.settings)
        except HarmonicError as error:
            self._failure = " ".join(str(error).split())
            self._show_verdict()
            return
        finally:
            self.query_one("#start", Button).disabled = False
        await asyncio.to_thread(keep_draft, draft.path, {})
        self._show_run(started)

    def _show_run(self, started: Launch) -> None:
        for warning in started.warnings:
            self.notify(plain(warning), severity="warning", markup=False)
        self.dismiss()
        self.app.open_run(started.run, started.process)
