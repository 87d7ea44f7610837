"""Plays files wherever they can be heard, and says in one line where that is and why."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal

from harmonic_tui.plain import plain
from harmonic_tui.sound.browser import Browser
from harmonic_tui.sound.heard import Heard, Listening
from harmonic_tui.sound.helper import Helper
from harmonic_tui.sound.routes import (
    LOOKING,
    ROUTES,
    UNNAMED,
    RouteName,
    RouteState,
    advice,
    browser_state,
    helper_state,
    route_words,
)
from harmonic_tui.sound.shelf import within
from harmonic_tui.sound.transport import Order, Output, Reply, Transport

__all__ = ["Heard", "Listening", "Player"]


class Player:
    """One sound at a time.

    Parameters
    ----------
    report
        Called with whatever there is to say.
    port
        Where the page for browsers is to be served; 0 for any port that is free.

    Attributes
    ----------
    route
        Where sound goes and why, or why it goes nowhere, in words.
    choice
        The route chosen by hand; None for the first that works.
    routes
        What is known of each route.
    browser
        The pages in browsers.
    """

    def __init__(self, report: Callable[[Heard], None], *, port: int = 0) -> None:
        self.route = LOOKING
        self.choice: RouteName | None = None
        self.browser = Browser(self._browser_told, self._browser_changed)
        self.port = port
        self.routes: dict[RouteName, RouteState] = {
            "browser": RouteState(None, "not served"),
            "pulse": RouteState(None, "not tried yet"),
            "local": RouteState(None, "not tried yet"),
            "copy": RouteState(True, "always there"),
        }
        self._report = report
        self._transport = Transport()
        self._output: Output | None = None
        self._helper: Helper | None = None
        self._loaded = False
        """Whether the output knows what sounds."""
        self._finding = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def playing(self) -> Path | None:
        """The file that sounds now, or is paused."""
        return self._transport.path

    @property
    def title(self) -> str:
        """What it is called, if whoever played it said so."""
        return self._transport.title

    @property
    def paused(self) -> bool:
        """Whether it holds on."""
        return self._transport.paused

    @property
    def position_s(self) -> float:
        """Time in the sound that is heard now."""
        return self._transport.position_s

    @property
    def duration_s(self) -> float | None:
        """Length of the sound, once it is known."""
        return self._transport.duration_s

    @property
    def volume(self) -> float:
        """From 0 to 1."""
        return self._transport.volume

    @property
    def loop(self) -> bool:
        """Whether a sound begins again at its end."""
        return self._transport.loop

    @property
    def route_in_use(self) -> RouteName:
        """Which route sound takes now; `copy` where nothing can be heard."""
        if self._output is self.browser:
            return "browser"
        return self._helper.route if self._helper is not None and self._output is self._helper else "copy"

    async def open(self) -> None:
        """Find a route, unless there is one."""
        async with self._finding:
            if self._output is None or not self._output.is_ready:
                await self._find()

    async def choose(self, route: RouteName | None) -> None:
        """Take this route from now on; None for the first that works. What sounds goes on there."""
        async with self._finding:
            self.choice = route
            await self._find()

    async def play(self, path: Path, *, keep_position: bool = False, title: str = "") -> None:
        """Play a file.

        Parameters
        ----------
        path
            The file.
        keep_position
            Whether to begin where the sound before is, rather than at the start.
        title
            What it is called.
        """
        transport = self._transport
        transport.cue += 1
        cue = transport.cue
        await self.open()
        missing = await asyncio.to_thread(_what_is_missing, path)
        if cue != transport.cue:
            # Something else was wanted in the meantime.
            return
        if self._output is None or missing:
            self._silence()
            remedy, copy = (missing, "") if missing else self._advice(path)
            self._report(Heard("failed", path, remedy, copy))
            return
        keep = keep_position and transport.path is not None
        transport.put(transport.position_s if keep else 0.0, moving=False)
        transport.path, transport.title, transport.paused, transport.duration_s = path, title, False, None
        keep, self._loaded = keep and self._loaded, True
        self._output.obey("play", transport, keep_position=keep)

    def pause(self) -> None:
        """Hold on where one is."""
        if self.playing is not None and not self.paused:
            self._transport.hold()
            self._transport.paused = True
            self._obey("pause")

    def resume(self) -> None:
        """Go on."""
        transport = self._transport
        if transport.path is None or not transport.paused:
            return
        transport.paused = False
        if self._loaded and self._output is not None and self._output.is_ready:
            transport.put(transport.position_s, moving=True)
            self._obey("resume")
        else:
            self._run(self._resume_elsewhere(transport.cue))

    def seek(self, position_s: float) -> None:
        """Go on from another place."""
        transport = self._transport
        if transport.path is not None:
            end = transport.duration_s if transport.duration_s is not None else position_s
            transport.put(min(position_s, end), moving=not transport.paused)
            self._obey("seek")

    def set_volume(self, volume: float) -> None:
        """Set it, from 0 to 1."""
        self._transport.volume = min(1.0, max(0.0, volume))
        self._obey("volume")

    def set_loop(self, loop: bool) -> None:
        """Begin again at the end, or not."""
        transport = self._transport
        transport.put(transport.position_s, moving=transport.path is not None and not transport.paused)
        transport.loop = loop
        self._obey("loop")

    def stop(self) -> None:
        """Fall silent."""
        self._transport.cue += 1
        if self.playing is not None:
            self._silence()
            self._report(Heard("changed"))

    def leave_run(self) -> None:
        """Fall silent, and let browsers have nothing of the run that was open."""
        self.stop()
        self.browser.forget()

    async def serve(self) -> None:
        """Serve the page for browsers.

        Raises
        ------
        OSError
            If the port is in use.
        """
        await self.browser.open(self.port)

    async def close(self) -> None:
        """End the helper and the server."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        closing = [self.browser.close()]
        if self._helper is not None:
            closing.append(self._helper.close())
        await asyncio.gather(*closing)

    def _obey(self, order: Order) -> None:
        if self._output is not None and (self._loaded or order == "volume"):
            self._output.obey(order, self._transport)
        self._report(Heard("changed", self.playing))

    def _silence(self) -> None:
        self._transport.clear()
        if self._output is not None and self._loaded:
            self._output.obey("stop", self._transport)
        self._loaded = False

    async def _resume_elsewhere(self, cue: int) -> None:
        """Go on after the output in which the sound was paused has gone."""
        await self.open()
        transport = self._transport
        if cue != transport.cue or transport.path is None or transport.paused:
            return
        if self._output is None:
            transport.paused = True
            self._report(Heard("failed", transport.path, *self._advice(transport.path)))
            return
        self._loaded = True
        self._output.obey("play", transport)
        self._report(Heard("changed", self.playing))

    async def _find(self) -> None:
        """Take the first route that works, and take along what sounds."""
        before = self._output
        found: Output | None = None
        for name in (self.choice,) if self.choice is not None else ROUTES:
            if name == "browser" and self.browser.is_ready:
                found = self.browser
            elif name in {"pulse", "local"}:
                found = await self._open_helper("pulse" if name == "pulse" else "local")
            if found is not None:
                break
        if self._closing:
            return
        if found is not before:
            self._move(before, found)
        self._output = found
        self._say_route()

    def _move(self, before: Output | None, to: Output | None) -> None:
        """Let what sounds go on elsewhere; it waits if there is no elsewhere, or if the listener has gone."""
        transport, sounded = self._transport, self._loaded
        if before is not None and self._loaded and transport.path is not None:
            transport.hold()
            if before.is_ready:
                before.obey("stop", Transport(cue=transport.cue, volume=transport.volume))
            transport.paused = transport.paused or not before.is_ready or to is None
        self._loaded = False
        if to is not None and sounded and transport.path is not None and not transport.paused:
            self._loaded = True
            to.obey("play", transport)

    async def _open_helper(self, route: Literal["local", "pulse"]) -> Helper | None:
        servers = os.environ.get("PULSE_SERVER", "")
        if route == "pulse" and not servers.strip():
            self.routes["pulse"] = UNNAMED
            return None
        helper = self._helper
        if helper is not None and helper.is_ready and helper.route == route:
            return helper
        if helper is not None:
            await helper.close()
        self._helper = helper = Helper(route, self._helper_told)
        reply = await helper.open()
        self.routes[route] = helper_state(route, reply, plain(servers, 60))
        return helper if reply["event"] == "ready" else None

    def _say_route(self) -> None:
        """Put the route into words, and say so if it is another one."""
        self.routes["browser"] = browser_state(self.browser)
        in_use = self.route_in_use if self._output is not None else None
        before, self.route = self.route, route_words(self.routes, in_use, self.choice)
        self._report(Heard("route" if self.route != before else "changed", self.playing))

    def _advice(self, path: Path) -> tuple[str, str]:
        return advice(self.routes, self.choice, path)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _browser_changed(self) -> None:
        if not self._closing:
            self._run(self._follow_browser())

    async def _follow_browser(self) -> None:
        """A browser that listens is the loudspeaker, and is it no longer when it has gone."""
        async with self._finding:
            wanted = self.choice in {None, "browser"} and self.browser.is_ready
            if wanted != (self._output is self.browser):
                await self._find()
            else:
                self._say_route()

    def _browser_told(self, reply: Reply) -> None:
        if self._output is self.browser:
            self._hear(reply)

    def _helper_told(self, helper: Helper, reply: Reply) -> None:
        if helper is not self._helper or self._output is not helper:
            return
        if reply["event"] != "gone":
            self._hear(reply)
            return
        path, self._output, self._loaded = self.playing, None, False
        if path is not None:
            self._transport.clear()
            self._report(Heard("failed", path, "the sound helper ended; the next try starts a new one"))

    def _hear(self, reply: Reply) -> None:
        transport, path = self._transport, self.playing
        if reply.get("cue") != transport.cue or path is None:
            return
        match reply["event"]:
            case "started":
                transport.duration_s = float(reply["duration"])
                transport.put(reply["position"], moving=not transport.paused)
                self._report(Heard("started", path))
            case "length":
                transport.duration_s = float(reply["duration"])
                self._report(Heard("started", path))
            case "position":
                transport.put(reply["position"], moving=not transport.paused and reply.get("moving", True))
            case "paused":
                if transport.paused:
                    transport.put(reply["position"], moving=False)
            case "finished" | "failed" as event:
                self._silence()
                self._report(Heard(event, path, plain(str(reply.get("reason", "")))))
            case "seek":
                self.seek(reply["position"])
            case "toggle":
                (self.resume if self.paused else self.pause)()


def _what_is_missing(path: Path) -> str:
    """Why a file is not to be played; nothing if it is."""
    if not path.is_file():
        return f"{plain(str(path))} is not there any more"
    try:
        within(path)
    except OSError as error:
        return f"{plain(str(path))} is not played: {error}"
    return ""
