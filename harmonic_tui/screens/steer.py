"""What the run can be asked for while it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from harmonic_core.errors import HarmonicError, ProfileError
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import EventsRead, ProfileRead, StatusSeen
from harmonic_tui.runs.steering import REQUESTS, Request, Standing, began_at, in_force, objection, offered, standing
from harmonic_tui.screens.run_screen import RunScreen

if TYPE_CHECKING:
    from harmonic_core.profile.steering import Setting
    from harmonic_core.run.control import CommandName
    from harmonic_tui.runs.watched import WatchedRun

_TITLE, _NOW = 16, 22
"""Columns of a line: what it is, and what it stands at."""
_ANSWERED_AMONG = 200
"""Newest events among which the trainer's answer is looked for."""
_SENDER = "console"


class SteerScreen(RunScreen, ModalScreen[None]):
    """Commands and values. Escape goes back, from the value to the list and from the list to where one was.

    Parameters
    ----------
    watched
        The run.
    wanted
        A request to begin with; empty for the list.
    """

    CSS_PATH = "steer.tcss"
    BINDINGS = bindings("steer")
    AUTO_FOCUS = "#requests"

    def __init__(self, watched: WatchedRun, wanted: str = "") -> None:
        super().__init__(watched)
        self._wanted = wanted
        self._settings: dict[str, Setting] = {}
        self._edited: Request | None = None
        self._sent: tuple[str, float] | None = None
        self._said = Standing(None, "")

    def compose(self) -> ComposeResult:
        """The list; below it what the chosen line means, room for a value, and what the trainer said."""
        with Vertical(id="steering") as box:
            box.border_title = Content(f"Steer {plain(self.watched.run.name, 40)}")
            box.border_subtitle = Content.styled("Enter chooses   Escape goes back", "$muted")
            yield OptionList(*self._options(), id="requests")
            yield Static(id="explained")
            with Vertical(id="editor"):
                with Horizontal():
                    yield Input(id="value", max_length=40)
                    yield Button("Set", id="set", compact=True)
                    yield Button("Auto", id="auto", compact=True)
                yield Static(id="objection")
            yield Static(id="said")

    def on_mount(self) -> None:
        """Learn the ranges, then do what was wanted from the start."""
        self._learn()

    @work(group="steer-learn")
    async def _learn(self) -> None:
        # The sections of the profile take a moment to load, and the list need not wait for them.
        self._settings = await asyncio.to_thread(_settings)
        self._draw()
        if self._wanted:
            self._choose(self._wanted)

    def on_status_seen(self, message: StatusSeen) -> None:
        """Show what is in force now, and what can be done."""
        self._draw()

    def on_profile_read(self, message: ProfileRead) -> None:
        """Show whether it can be measured."""
        self._draw()

    def on_events_read(self, message: EventsRead) -> None:
        """Show whether what was asked for was done."""
        if self._sent is None:
            return
        newest = list(self.watched.events)[: -_ANSWERED_AMONG - 1 : -1]
        self._say(standing(*self._sent, newest))
        if self._said.obeyed is not None:
            self._sent = None

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        self._draw_explanation()

    @on(OptionList.OptionSelected)
    def _on_chosen(self, event: OptionList.OptionSelected) -> None:
        self._choose(str(event.option.id))

    def _choose(self, name: str) -> None:
        """Do it, or ask for what is still to be known."""
        request = REQUESTS[name]
        if why := self._objection(name):
            self._say(Standing(False, f"{request.title}: not now, {why}"))
        elif request.takes_value:
            self._edit(request)
        elif request.asks:
            self._ask(request)
        else:
            self._send(request)

    @work(exclusive=True, group="steer")
    async def _ask(self, request: Request) -> None:
        from harmonic_tui.screens.confirm import ConfirmScreen

        title = f"{request.title} {plain(self.watched.run.name, 40)}?"
        if not await self.app.push_screen_wait(ConfirmScreen(title, request.more, request.title)):
            return
        if request.name == "kill":
            await self._kill()
        else:
            self._send(request)

    async def _kill(self) -> None:
        from harmonic_core.run.ending import kill_trainer

        try:
            await asyncio.to_thread(kill_trainer, self.watched.run, _SENDER)
        except HarmonicError as error:
            self._say(Standing(False, f"Kill: {plain(str(error))}"))
        else:
            self._say(Standing(True, "Kill: the trainer is dead; the run can be continued from its last checkpoint"))

    @work(group="steer-send")
    async def _send(self, request: Request, value: float | str | None = None) -> None:
        from harmonic_core.run.control import send_command

        name: CommandName = request.name  # type: ignore[assignment]
        try:
            sent_at = await asyncio.to_thread(send_command, self.watched.run, name, value, _SENDER)
        except HarmonicError as error:
            self._say(Standing(False, f"{request.title}: {plain(str(error))}"))
            return
        self._sent = (request.title, sent_at)
        self.on_events_read(EventsRead([], restarted=False))

    def _edit(self, request: Request) -> None:
        self._edited = request
        status = self.watched.seen.status if self.watched.seen else None
        field = self.query_one(Input)
        field.value = began_at(request.name, status)
        field.border_title = Content(request.title)
        self.set_class(True, "-editing")
        field.focus()
        field.action_select_all()
        self._check(field.value)

    @on(Input.Changed)
    def _on_typed(self, event: Input.Changed) -> None:
        self._check(event.value)

    @on(Input.Submitted)
    @on(Button.Pressed, "#set")
    def _on_entered(self) -> None:
        request, text = self._edited, self.query_one(Input).value
        if request is None:
            return
        try:
            value = self._value(request, text)
        except ProfileError:
            self.query_one(Input).focus()
            return
        self.action_back()
        self._send(request, "auto" if value is None else value)

    @on(Button.Pressed, "#auto")
    def _on_auto(self) -> None:
        self.query_one(Input).value = "auto"
        self._on_entered()

    def action_back(self) -> None:
        """Leave the value as it is; from the list, go back."""
        if self._edited is None:
            self.dismiss(None)
            return
        self._edited = None
        self.set_class(False, "-editing")
        self.query_one(OptionList).focus()

    def action_cursor(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are letters while a value is typed."""
        return action != "cursor" or self._edited is None

    def _value(self, request: Request, text: str) -> float | None:
        from harmonic_core.profile.steering import objection_to_epochs, parsed

        status = self.watched.seen.status if self.watched.seen else None
        value = parsed(request.name, text, status.epochs if status else None)
        is_known = request.name == "epochs" and value is not None and status is not None
        if is_known and (why := objection_to_epochs(value or 0, status.epoch if status else 0)):
            raise ProfileError(why)
        return value

    def _check(self, text: str) -> None:
        """Say at once what is wrong with a value, or what it would do."""
        if self._edited is None or not self._settings:
            return
        setting, said = self._settings[self._edited.name], self.query_one("#objection", Static)
        try:
            value = self._value(self._edited, text)
        except ProfileError as error:
            said.update(Content.assemble(Content.styled("✗ ", "$bad"), plain(str(error), 160)))
            self.query_one("#set", Button).disabled = True
            return
        self.query_one("#set", Button).disabled = False
        does = setting.auto if value is None else f"Enter sets {setting.label} to {setting.shown(value)}"
        said.update(Content.assemble(Content.styled("✓ ", "$good"), Content.styled(does, "$muted")))

    def _objection(self, name: str) -> str:
        return objection(name, self.watched.seen, self.watched.profile)

    def _options(self) -> list[Option]:
        return [
            Option(self._line(request), id=request.name, disabled=bool(self._objection(request.name)))
            for request in offered(self.watched.seen)
        ]

    def _line(self, request: Request) -> Content:
        status = self.watched.seen.status if self.watched.seen else None
        now = in_force(request.name, status) if request.takes_value else ""
        setting = self._settings.get(request.name)
        told = now.ljust(_NOW) if request.takes_value else ""
        if why := self._objection(request.name):
            return Content.assemble(request.title.ljust(_TITLE), told, f"not now: {why}")
        does = request.does or (setting.range if setting else "")
        if request.name == "epochs" and status and status.epoch:
            does = f"from {status.epoch} on, or +20 for 20 more"
        title = Content.styled(request.title.ljust(_TITLE), "$bad" if request.name == "kill" else "")
        return Content.assemble(title, told, Content.styled(does, "$muted"))

    def _draw(self) -> None:
        """Draw the lines anew where they changed, and keep to the one that was chosen."""
        options = self.query_one(OptionList)
        wanted = self._options()
        if [option.id for option in options.options] == [option.id for option in wanted]:
            for index, option in enumerate(wanted):
                if options.get_option_at_index(index).prompt != option.prompt:
                    options.replace_option_prompt_at_index(index, option.prompt)
                if options.get_option_at_index(index).disabled != option.disabled:
                    (options.disable_option_at_index if option.disabled else options.enable_option_at_index)(index)
        else:
            place = options.highlighted
            options.set_options(wanted)
            options.highlighted = place
        self._draw_explanation()

    def _draw_explanation(self) -> None:
        options = self.query_one(OptionList)
        chosen = options.highlighted_option
        request = REQUESTS.get(str(chosen.id)) if chosen else None
        setting = self._settings.get(request.name) if request else None
        words = f"{setting.means} “auto”: {setting.auto}." if setting else (request.more if request else "")
        self.query_one("#explained", Static).update(Content.styled(words, "$muted"))

    def _say(self, said: Standing) -> None:
        self._said = said
        sign, hue = {True: ("✓", "$good"), False: ("✗", "$bad"), None: ("…", "$muted")}[said.obeyed]
        self.query_one("#said", Static).update(
            Content.assemble(Content.styled(f"{sign} ", hue), plain(said.words, 300))
        )


def _settings() -> dict[str, Setting]:
    from harmonic_core.profile.steering import SETTINGS

    # The ranges are put into words once for all.
    for setting in SETTINGS.values():
        _ = setting.allowed
    return SETTINGS
