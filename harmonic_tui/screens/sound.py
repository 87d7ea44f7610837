"""Where sound goes: the routes there are, and how a browser becomes the loudspeaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual import events, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.sound.player import Heard, Player
from harmonic_tui.sound.routes import OFFER, ROUTES, RouteName
from harmonic_tui.sound.seat import is_remote, scp_line, ssh_line

if TYPE_CHECKING:
    from harmonic_tui.sound.routes import RouteState

_NAMES: dict[RouteName | None, str] = {
    None: "automatic",
    "browser": "browser",
    "pulse": "sound server",
    "local": "this machine",
    "copy": "copied file",
}
_VOLUME_STEP = 0.1


class _Sign(NamedTuple):
    sign: str
    hue: str


_SIGNS = {True: _Sign("✓", "good"), False: _Sign("✗", "muted"), None: _Sign("◌", "muted")}


class _Copied(Static):
    """A line that a click copies."""

    class Wanted(Message):
        """It was clicked."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def on_click(self, event: events.Click) -> None:
        """As the key does."""
        event.stop()
        self.post_message(self.Wanted(str(self.id)))


class SoundScreen(ModalScreen[None]):
    """A line a route; below it what to do at the other end. Escape goes back.

    Parameters
    ----------
    player
        What plays.
    """

    CSS_PATH = "sound.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - the name of the framework
    BINDINGS = bindings("sound")

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player

    def compose(self) -> ComposeResult:
        """Routes, browser, volume."""
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = Content("Sound")
            yield Static(id="now")
            yield OptionList(id="routes")
            yield Static(id="explained")
            yield _Copied(id="tunnel", classes="line")
            yield Static(id="then")
            yield _Copied(id="address", classes="line")
            yield Static(id="who")
            yield Static(id="volume")
            yield Static(id="keys")

    def on_mount(self) -> None:
        """Show what is known, and begin at the route in use."""
        self._tell()
        options = self.query_one(OptionList)
        options.highlighted = [None, *ROUTES].index(self._player.choice)
        options.focus()

    def on_resize(self) -> None:
        """Lines are made for the width."""
        self.call_after_refresh(self._tell)

    def hear(self, heard: Heard) -> None:
        """Show what the player says."""
        if self.is_mounted:
            self._tell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take that route."""
        self._choose([None, *ROUTES][event.option_index])

    def on__copied_wanted(self, message: _Copied.Wanted) -> None:
        """A click does as the key."""
        self.action_copy(message.what)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now is offered."""
        if action in {"copy", "renew"}:
            return self._player.browser.server.is_open
        if action == "play":
            return self._player.playing is not None
        return True

    @work(exclusive=True, group="sound-route")
    async def _choose(self, route: RouteName | None) -> None:
        if route == "browser":
            await self._serve()
        await self._player.choose(route)
        self._tell()

    @work(exclusive=True, group="sound-browser")
    async def action_serve(self) -> None:
        """Serve the page, or no longer."""
        if self._player.browser.server.is_open:
            await self._player.browser.close()
        else:
            await self._serve()
        self._tell()

    @work(exclusive=True, group="sound-browser")
    async def action_renew(self) -> None:
        """Make the address void, and another one."""
        await self._player.browser.renew()
        self._tell()
        self.notify("The old address is void; pages that were open have to be opened anew.")

    async def _serve(self) -> None:
        try:
            await self._player.serve()
        except OSError as error:
            port = self._player.port
            reason = f"Port {port} is in use" if port else plain(str(error.strerror or error))
            remedy = "give another one with --sound-port, or none for any that is free" if port else "try again"
            self.notify(f"{reason}; {remedy}.", title="Not served", severity="warning", timeout=15, markup=False)

    def action_copy(self, what: str) -> None:
        """Put a line into the clipboard of the terminal."""
        server = self._player.browser.server
        if not server.is_open:
            return
        self.app.copy_to_clipboard(server.address if what == "address" else ssh_line(server.port))
        line = "address" if what == "address" else "ssh line"
        self.notify(f"The {line} was sent to the clipboard (OSC 52). Where the terminal takes none, mark it by hand.")

    def action_play(self) -> None:
        """Pause, or go on."""
        if self._player.paused:
            self._player.resume()
        else:
            self._player.pause()

    def action_volume(self, steps: int) -> None:
        """Louder or quieter."""
        self._player.set_volume(round(self._player.volume + steps * _VOLUME_STEP, 2))

    def action_choose(self) -> None:
        """Take the route that is marked."""
        self.query_one(OptionList).action_select()

    def action_cursor(self, by: int) -> None:
        """Move as the arrows do."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def _tell(self) -> None:
        """Show how things are."""
        player = self._player
        self.query_one("#now", Static).update(
            Content.assemble(
                Content.styled("Sound goes to: ", "$muted"),
                Content.styled(plain(player.route.removesuffix(OFFER)), "bold"),
            )
        )
        options = self.query_one(OptionList)
        kept = options.highlighted
        options.set_options([Option(self._line(route)) for route in (None, *ROUTES)])
        options.highlighted = kept
        self._tell_browser()
        self.query_one("#volume", Static).update(self._volume())
        self.query_one("#keys", Static).update(self._keys())
        self.refresh_bindings()

    def _line(self, route: RouteName | None) -> Content:
        player = self._player
        chosen = Content.styled("● " if route == player.choice else "  ", "$primary")
        name = _NAMES[route].ljust(14)
        if route is None:
            return Content.assemble(chosen, "  ", name, Content.styled("the first of these that works", "$muted"))
        state: RouteState = player.routes[route]
        words = state.words
        if route == "copy" and player.playing is not None:
            words = scp_line(player.playing)
        sign = _SIGNS[state.works]
        in_use = route == player.route_in_use and (route != "copy" or player.choice == "copy")
        name_shown = Content.styled(name, "bold") if in_use else Content(name)
        mark = Content.styled(f"{sign.sign} ", f"${sign.hue}")
        return Content.assemble(chosen, mark, name_shown, Content.styled(plain(words, 400), "$muted"))

    def _tell_browser(self) -> None:
        browser = self._player.browser
        served = browser.server.is_open
        for name in ("tunnel", "then", "address", "who"):
            self.query_one(f"#{name}").display = served
        explained = self.query_one("#explained", Static)
        if not served:
            explained.update(
                Content.assemble(
                    Content.styled("b", "bold $primary"),
                    " makes the browser in front of you the loudspeaker: whatever is played here sounds there, over "
                    "the SSH connection that you have anyway. Nothing is served before.",
                )
            )
            return
        first = "In a second terminal where you sit:" if is_remote() else "From another machine, in a terminal there:"
        explained.update(_step("1", first))
        self.query_one("#tunnel", Static).update(Content(ssh_line(browser.server.port)))
        self.query_one("#then", Static).update(
            _step("2", "Open this in a browser there, press Listen; good until you quit, or f:")
        )
        self.query_one("#address", Static).update(Content(browser.server.address))
        self.query_one("#who", Static).update(self._who())

    def _who(self) -> Content:
        browser = self._player.browser
        if browser.listeners:
            several = "s" * (browser.listeners > 1)
            return Content.styled(f"● {browser.listeners} listener{several}", "$good")
        state = self._player.routes["browser"].words
        return Content.styled(f"◌ {state}", "$look" if browser.pages else "$muted")

    def _volume(self) -> Content:
        player = self._player
        full = round(10 * player.volume)
        parts: list[Content | str] = [
            Content.styled("Volume ", "$muted"),
            Content.styled("▮" * full, "$primary"),
            Content.styled("▯" * (10 - full), "$faint"),
            f" {round(100 * player.volume)} %",
        ]
        if player.playing is not None:
            sign = "‖" if player.paused else "▶"
            parts.append(Content.styled(f"   {sign} {plain(player.title or player.playing.name, 60)}", "$good"))
        return Content.assemble(*parts)

    def _keys(self) -> Content:
        """What one can do here now: a question has no footer."""
        served = self._player.browser.server.is_open
        offered = [("Enter", "take the route"), ("b", "close the page" if served else "serve the page")]
        if served:
            offered += [("y", "copy address"), ("Y", "copy ssh line"), ("f", "fresh address")]
        offered += [("+\xa0−", "volume"), ("Escape", "back")]
        return Content("   ").join(
            # What belongs together stays on one line.
            Content.assemble(Content.styled(key, "bold $primary"), f" {label}".replace(" ", "\xa0"))
            for key, label in offered
        )


def _step(number: str, text: str) -> Content:
    return Content.assemble(Content.styled(f"{number}  ", "bold $primary"), text)
