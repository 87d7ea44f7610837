"""A very small web server on the loopback: one page, its wire, and the sounds that were played; nothing else."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_tui.sound.shelf import Shelf, ShelvedSound, draw

if TYPE_CHECKING:
    from aiohttp import web

    from harmonic_tui.sound.door import Door

LOOPBACK = "127.0.0.1"
# Any port: at the near end of a tunnel it may be another one than here, where the one here is in use.
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(?::[0-9]{1,5})?")
_NAME = re.compile(r"(sound|spectrogram)/([\w-]{1,40})")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
    "media-src 'self' data:; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CLOSING_S = 0.5
_KEPT_S = 15.0
"""How long a connection over which nothing is asked stays open."""
_BACKLOG = 32
"""How many may wait to be let in: so many at once, beyond those that are in, take a file descriptor each."""


@cache
def _page() -> str:
    folder = Path(__file__).parent / "page"
    page = (folder / "page.html").read_text(encoding="utf-8")
    for part in ("page.css", "page.js"):
        page = page.replace(f"/*{part}*/", (folder / part).read_text(encoding="utf-8"))
    return page


class Server:
    """Serves under an address that nobody can guess, to whoever knows it.

    Parameters
    ----------
    shelf
        The sounds that may be asked for.
    meet
        Called with each page's wire, and returns when the page is gone.
    """

    def __init__(self, shelf: Shelf, meet: Callable[[web.WebSocketResponse], Awaitable[None]]) -> None:
        self.port = 0
        """Where it listens, or did last."""
        self.renew_token()
        self._shelf, self._meet = shelf, meet
        self._runner: web.ServerRunner | None = None
        self._door: Door | None = None

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._runner is not None

    @property
    def address(self) -> str:
        """The page's address, the same at both ends of the tunnel."""
        return f"http://{LOOPBACK}:{self.port}/{self._token}/"

    def renew_token(self) -> None:
        """Forget the address; there is another one from now on."""
        self._token = secrets.token_urlsafe(24)

    async def open(self, port: int) -> None:
        """Listen.

        Parameters
        ----------
        port
            Where; 0 for any that is free.

        Raises
        ------
        OSError
            If the port is in use.
        """
        # Half a second of imports, which must not hold the screen.
        make_door = await asyncio.to_thread(_import_door)
        from aiohttp import web

        quiet = logging.getLogger("harmonic_tui.sound.server")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        door = make_door(
            self._answer_fully, access_log=None, logger=quiet, keepalive_timeout=_KEPT_S, lingering_time=_CLOSING_S
        )
        runner = web.ServerRunner(door, handle_signals=False, shutdown_timeout=_CLOSING_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port, backlog=_BACKLOG).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner, self._door = runner, door
        self.port = int(runner.addresses[0][1])

    async def close(self) -> None:
        """Listen no more. It takes a second at most, whoever is connected and whatever they do."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        cleaning = asyncio.create_task(runner.cleanup())
        # The port is given up before anybody is turned out, or they would come in again.
        await asyncio.sleep(0)
        if self._door is not None:
            self._door.turn_all_out()
        done, _ = await asyncio.wait({cleaning}, timeout=2 * _CLOSING_S)
        if not done:
            cleaning.cancel()

    async def _answer_fully(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await self._answer(request)
        if not answer.prepared:
            answer.headers.update(_headers())
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        host = request.headers.get("Host", "")
        # Another name for this machine is how a foreign page would come in (DNS rebinding).
        if len(request.headers.getall("Host", [])) != 1 or not _HOST.fullmatch(host):
            return web.Response(status=403)
        # As it was sent: a path that has to be decoded or put in order first is none of ours.
        token, slash, path = request.raw_path.removeprefix("/").partition("/")
        known = hmac.compare_digest(token.encode(errors="replace"), self._token.encode())
        if not known or not slash or request.method != "GET":
            return web.Response(status=404)
        request.protocol.is_known = True  # type: ignore[attr-defined]
        if path == "wire":
            return await self._wire(request, host)
        if path == "":
            return _whole_page(await asyncio.to_thread(_page), host)
        match = _NAME.fullmatch(path)
        sound = self._shelf.find(match[2]) if match else None
        if match is None or sound is None:
            return web.Response(status=404)
        picture = match[1] == "spectrogram"
        return _picture_of(await asyncio.to_thread(draw, sound)) if picture else _part_of(sound, request)

    async def _wire(self, request: web.BaseRequest, host: str) -> web.StreamResponse:
        from aiohttp import web

        wire = web.WebSocketResponse(heartbeat=10, max_msg_size=4096)
        # Browsers say where a script comes from, and let every script open a wire to everywhere.
        if request.headers.getall("Origin", []) != [f"http://{host}"] or not wire.can_prepare(request).ok:
            return web.Response(status=403)
        wire.headers.update(_headers())
        await wire.prepare(request)
        await self._meet(wire)
        return wire


def _import_door() -> type[Door]:
    from harmonic_tui.sound.door import Door

    return Door


def _headers() -> Mapping[str, str]:
    from harmonic_tui.sound.door import HEADERS

    return HEADERS


def _whole_page(page: str, host: str) -> web.Response:
    """The page, whose own script and style may work and no others."""
    from aiohttp import web

    nonce = secrets.token_urlsafe(16)
    policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce, host=host)}
    return web.Response(text=page.replace("{nonce}", nonce), content_type="text/html", headers=policy)


def _picture_of(picture: bytes) -> web.Response:
    from aiohttp import web

    return web.Response(body=picture, content_type="image/png")


def _part_of(sound: ShelvedSound, request: web.BaseRequest) -> web.Response:
    """The sound, or the part of it that the request asks for."""
    from aiohttp import web

    content, tag = sound.wav, f'"{sound.name}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    # A part of another state of the file is of no use: then the whole.
    same = all(known == tag for known in request.headers.getall("If-Range", []))
    part = _wanted_part(request.headers.getall("Range", []), len(content)) if same else None
    if part is None:
        return web.Response(body=content, content_type="audio/wav", headers=headers)
    if not part:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return web.Response(status=206, body=content[part.start : part.stop], content_type="audio/wav", headers=headers)


def _wanted_part(wanted: list[str], length: int) -> range | None:
    """Which bytes are wanted; none if there are no such; None for all, as where it is not understood (RFC 9110)."""
    match = _RANGE.fullmatch(wanted[0]) if len(wanted) == 1 else None
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, length - int(last)), length)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), length), min(int(last) + 1, length) if last else length)
