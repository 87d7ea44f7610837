"""The browser as loudspeaker: pages that are open somewhere play what the console plays, in step with each other."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harmonic_tui.plain import plain
from harmonic_tui.sound.server import Server
from harmonic_tui.sound.shelf import Shelf, ShelvedSound
from harmonic_tui.sound.transport import Order, Reply, Transport

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

GRACE_S = 6.0
"""How long a page may be out of reach before it counts as gone: long enough to come back by itself."""

_BEAT_S = 4.0
"""Time from one sign of life to the next; a page that hears none takes the wire for broken."""

_LEFT = 1001
"""With which browsers close the wires of a page that is left."""

CLOSED_ON_PURPOSE = 4001
"""Tells a page that the console does not play here any more, rather than that the wire broke."""

FULL = 4002
"""Tells a page that there are as many as there may be."""

MOST_PAGES = 16
"""How many may be open at once."""


class Page:
    """A page that is open somewhere.

    Parameters
    ----------
    wire
        Where it is to be reached.
    state
        Gives everything that it has to know, as it is now.

    Attributes
    ----------
    listens
        Whether its Listen button was pressed, without which browsers let nothing sound.
    """

    def __init__(self, wire: web.WebSocketResponse, state: Callable[[], dict[str, Any]]) -> None:
        self.listens = False
        self._wire, self._state = wire, state
        # A slow wire gets what holds when it is ready for it, and nothing that was overtaken meanwhile.
        self._state_is_due = True
        self._at: dict[str, Any] | None = None
        self._due = asyncio.Event()
        self._due.set()

    def tell_state(self) -> None:
        """Let it know how things are, as soon as its wire is free."""
        self._state_is_due, self._at = True, None
        self._due.set()

    def tell_place(self, at: dict[str, Any]) -> None:
        """Let it know where the others are, as soon as its wire is free."""
        self._at = at
        self._due.set()

    async def speak(self) -> None:
        """Send what there is to send, and a sign of life where there is nothing, until the wire breaks."""
        while not self._wire.closed:
            try:
                await asyncio.wait_for(self._due.wait(), _BEAT_S)
            except TimeoutError:
                message: dict[str, Any] = {"kind": "beat"}
            else:
                message = self._next()
            try:
                await self._wire.send_json(message)
            except ConnectionError:
                return

    def _next(self) -> dict[str, Any]:
        if self._state_is_due or self._at is None:
            self._state_is_due = False
            message = self._state()
        else:
            message, self._at = self._at, None
        if self._at is None:
            self._due.clear()
        return message

    async def hang_up(self) -> None:
        """Close the wire, and say that it was meant."""
        await self._wire.close(code=CLOSED_ON_PURPOSE)


class Browser:
    """An output: every page that listens.

    The first page that listens is the clock; the others follow it.

    Parameters
    ----------
    told
        Called with replies, as from every output.
    changed
        Called when there are more or fewer pages or listeners, or the address changed.
    """

    def __init__(self, told: Callable[[Reply], None], changed: Callable[[], None]) -> None:
        self._shelf = Shelf()
        self.server = Server(self._shelf, self._meet)
        self.grace_s = GRACE_S
        self._told, self._changed = told, changed
        self._pages: list[Page] = []
        self._transport = Transport()
        self._sound: ShelvedSound | None = None
        self._cue = 0
        self._kept = False
        self._place = 0
        """Grows whenever the place in the sound changes otherwise than by listening."""
        self._state = 0
        """Grows with every state; pages say on which one they report."""
        self._waiting: asyncio.TimerHandle | None = None
        self._loading: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """How many pages play what is played."""
        return sum(page.listens for page in self._pages)

    @property
    def pages(self) -> int:
        """How many pages are open, whether or not they listen."""
        return len(self._pages)

    @property
    def is_ready(self) -> bool:
        """Whether somebody listens, or did a moment ago."""
        return self.listeners > 0 or self._waiting is not None

    @property
    def words(self) -> str:
        """How the route is called."""
        if self.listeners:
            return f"browser ({self.listeners} listener{'s' * (self.listeners > 1)})"
        return "browser (out of reach, waiting)" if self.is_ready else "browser (nobody listens)"

    async def open(self, port: int = 0) -> None:
        """Begin to serve the page, where it was served before if it was.

        Raises
        ------
        OSError
            If the port is in use.
        """
        if self.server.is_open:
            return
        try:
            await self.server.open(port or self.server.port)
        except OSError:
            if port or not self.server.port:
                raise
            await self.server.open(0)
        self._changed()

    async def close(self) -> None:
        """Serve no more."""
        await self._hang_up()
        await self.server.close()
        self._give_up()

    async def renew(self) -> None:
        """Make the address void, and another one."""
        self.server.renew_token()
        await self._hang_up()
        self._give_up()

    def forget(self) -> None:
        """Let nothing that was played so far be asked for any more."""
        self._shelf.clear()

    async def _hang_up(self) -> None:
        # Closing waits for the other side, which may be asleep.
        if hanging_up := [asyncio.create_task(page.hang_up()) for page in self._pages]:
            await asyncio.wait(hanging_up, timeout=0.5)

    def obey(self, order: Order, transport: Transport, *, keep_position: bool = False) -> None:
        """Let the pages do what the transport says."""
        self._transport = transport
        match order:
            case "play" if transport.path is not None:
                if self._loading is not None:
                    self._loading.cancel()
                self._loading = asyncio.create_task(self._load(transport.cue, transport.path, keep_position))
                return
            case "stop":
                if self._loading is not None:
                    self._loading.cancel()
                self._sound = None
            case "seek":
                self._place += 1
        self._say_state()

    async def _load(self, cue: int, path: Path, keep_position: bool) -> None:
        try:
            sound = await asyncio.to_thread(self._shelf.put, path)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self._told({"event": "failed", "cue": cue, "reason": str(reason).splitlines()[0]})
            return
        self._sound, self._cue, self._kept = sound, cue, keep_position
        self._place += 1
        self._told({"event": "length", "cue": cue, "duration": sound.duration_s})
        self._say_state()

    def _say_state(self) -> None:
        self._state += 1
        for page in self._pages:
            page.tell_state()

    def _message(self) -> dict[str, Any]:
        """Everything that a page has to know."""
        transport, sound = self._transport, self._sound
        path = transport.path
        title, detail = _words(path, transport.title) if path is not None and sound is not None else ("", "")
        return {
            "kind": "state",
            "state": self._state,
            "cue": self._cue,
            "sound": sound.name if sound is not None else None,
            "title": title,
            "detail": detail,
            "duration": sound.duration_s if sound is not None else None,
            "highest_hz": sound.rate / 2 if sound is not None else None,
            "position": round(transport.position_s, 3),
            "place": self._place,
            "kept": self._kept,
            "moving": transport.moving,
            "paused": transport.paused,
            "loop": transport.loop,
            "volume": transport.volume,
            "listeners": self.listeners,
        }

    async def _meet(self, wire: web.WebSocketResponse) -> None:
        if len(self._pages) >= MOST_PAGES:
            await wire.close(code=FULL)
            return
        page = Page(wire, self._message)
        self._pages.append(page)
        speaking = asyncio.create_task(page.speak())
        self._changed()
        try:
            async for message in wire:
                try:
                    said = json.loads(message.data)
                    self._hear(page, said)
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    # Whatever it was, no page of ours says such a thing.
                    break
        finally:
            speaking.cancel()
            self._pages.remove(page)
            await wire.close()
            # Away from a page that was left on purpose nobody comes back by itself.
            self._count(may_come_back=page.listens and wire.close_code != _LEFT)

    def _hear(self, page: Page, said: dict[str, Any]) -> None:
        match said["kind"]:
            case "listen":
                page.listens = said["on"] is True
                self._count(may_come_back=False)
            case "at" if page is self._clock and said["state"] == self._state:
                moving = said["moving"] is True and not self._transport.paused
                self._told({"event": "position", "cue": self._cue, "position": _seconds(said), "moving": moving})
                self._take_along(page)
            case "ended" if page is self._clock and said["cue"] == self._cue and self._sound is not None:
                self._told({"event": "finished", "cue": self._cue})
            case "failed" if page is self._clock and said["cue"] == self._cue:
                self._told({"event": "failed", "cue": self._cue, "reason": "the browser cannot play it"})
            case "toggle" if self._sound is not None:
                self._told({"event": "toggle", "cue": self._cue})
            case "seek" if self._sound is not None:
                self._told({"event": "seek", "cue": self._cue, "position": _seconds(said)})
            case "at" | "ended" | "failed" | "toggle" | "seek":
                # It was on its way when things changed, or comes from a page that only follows.
                pass
            case kind:
                raise ValueError(kind)

    @property
    def _clock(self) -> Page | None:
        return next((page for page in self._pages if page.listens), None)

    def _take_along(self, clock: Page) -> None:
        """Tell the other pages where the first one is."""
        for page in self._pages:
            if page is not clock:
                page.tell_place({"kind": "at", "cue": self._cue, "position": self._transport.position_s})

    def _count(self, *, may_come_back: bool) -> None:
        """Take note of a page that came, went, listens or does not listen any more."""
        if self.listeners or not may_come_back:
            self._stop_waiting()
        elif self._waiting is None and self.server.is_open:
            self._waiting = asyncio.get_running_loop().call_later(self.grace_s, self._give_up)
        self._say_state()
        self._changed()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._stop_waiting()
        self._changed()


def _seconds(said: dict[str, Any]) -> float:
    seconds = float(said["position"])
    if not math.isfinite(seconds):
        raise ValueError("no time in a sound")
    return seconds


def _words(path: Path, title: str) -> tuple[str, str]:
    """What a sound is called, and which take of which step it is, as far as its file tells."""
    take = path.name.removesuffix(".wav").rpartition(".")[2]
    step = path.parent.name.removeprefix("step-")
    parts = [f"step {int(step):,}".replace(",", " ")] if step.isascii() and step.isdigit() else []
    return plain(title or take, 120), " · ".join([*parts, plain(take, 80)])
