"""The ways that sound can take, and how each is spoken of."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harmonic_tui.plain import plain
from harmonic_tui.sound.seat import is_remote, scp_line

if TYPE_CHECKING:
    from harmonic_tui.sound.browser import Browser
    from harmonic_tui.sound.transport import Reply

RouteName = Literal["browser", "pulse", "local", "copy"]

ROUTES: tuple[RouteName, ...] = ("browser", "pulse", "local", "copy")
"""In the order in which they are tried."""

LOOKING = "looking for an output"
OFFER = " (o: browser)"
"""What to do where there is no output, at the end of the route."""

_OR_BROWSER = "Or press o: your browser becomes the loudspeaker."
_REMEDY_PORTAUDIO = "PortAudio is missing. Install it with: sudo apt install libportaudio2"
_REMEDY_PLUGIN = "ALSA's way to PulseAudio is missing. Install it with: sudo apt install libasound2-plugins"


@dataclass(frozen=True)
class RouteState:
    """What is known of a route: whether it works (None where nobody has tried yet), and what to say of it."""

    works: bool | None
    words: str
    remedy: str = ""
    """A sentence for whoever wanted to hear something."""


UNNAMED = RouteState(False, "PULSE_SERVER names none", "PULSE_SERVER names no server")


def helper_state(route: Literal["local", "pulse"], reply: Reply, servers: str) -> RouteState:
    """What the first reply of a helper tells of its route; `servers` are those of `PULSE_SERVER`."""
    if reply["event"] == "ready":
        place = f" on {socket.gethostname()}" if is_remote() else ""
        words = f"PulseAudio at {servers}" if route == "pulse" else plain(f"{reply['device']}{place}", 60)
        return RouteState(True, words)
    match reply.get("missing"):
        case "server":
            words = f"{servers} does not answer: {plain(str(reply['reason']), 60)}"
            return RouteState(False, words, words)
        case "plugin":
            return RouteState(False, "libasound2-plugins is missing, or the server refused us", _REMEDY_PLUGIN)
        case "portaudio":
            return RouteState(False, "libportaudio2 is missing", _REMEDY_PORTAUDIO)
        case "card":
            return RouteState(False, "no sound card here", "No sound card here")
    return RouteState(False, "the driver crashed", "The sound driver crashed")


def browser_state(browser: Browser) -> RouteState:
    """What is known of pages in browsers."""
    if browser.is_ready:
        return RouteState(True, browser.words.removeprefix("browser (").removesuffix(")"))
    if not browser.server.is_open:
        return RouteState(None, "not served")
    return RouteState(
        None, f"{browser.pages} open, its Listen is to be pressed" if browser.pages else "waits for a browser"
    )


def route_words(routes: Mapping[RouteName, RouteState], in_use: RouteName | None, choice: RouteName | None) -> str:
    """Where sound goes and why, or why it goes nowhere.

    Parameters
    ----------
    routes
        What is known of each.
    in_use
        The one that sound takes; None if none works.
    choice
        The one chosen by hand; None for the first that works.
    """
    if in_use == "browser":
        return f"browser ({routes['browser'].words})"
    if in_use is not None:
        pulse = routes["pulse"]
        passed_over = choice is None and in_use == "local" and pulse.works is False and pulse != UNNAMED
        why = f", as {pulse.words}" if passed_over else ""
        return f"{routes[in_use].words}{why}{' (chosen)' if choice is not None else ''}"
    match choice:
        case "browser":
            return "none, no browser listens yet (o)"
        case "copy":
            return "off, files are to be copied (o)"
        case "pulse" | "local":
            return f"none, {routes[choice].words} (chosen)"
    local = routes["local"]
    return LOOKING if local.works is None else f"none, {local.words}{OFFER}"


def advice(routes: Mapping[RouteName, RouteState], choice: RouteName | None, path: Path) -> tuple[str, str]:
    """What to do where a file cannot be heard, and what to copy for it."""
    copy = scp_line(path)
    match choice:
        case "browser":
            return "No browser listens yet: o shows the address to open.", ""
        case "copy":
            return f"Copy the file and play it where you sit:\n{copy}", copy
    remedy = routes[choice or "local"].remedy
    if remedy in {_REMEDY_PORTAUDIO, _REMEDY_PLUGIN}:
        return f"{remedy}\n{_OR_BROWSER}", ""
    return f"{remedy}. Copy the file and play it where you sit:\n{copy}\n{_OR_BROWSER}", copy
