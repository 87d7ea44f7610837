"""A very small web server on the loopback: one page, its wire, and the sounds that were played; nothing else."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_tui.sound.shelf import Shelf, draw

if TYPE_CHECKING:
    from aiohttp import web

LOOPBACK = "127.0.0.1"
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(?::\d{1,5})?")
_NAME = re.compile(r"(sound|spectrogram)/([\w-]{1,40})")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "Server": "harmonic-tui",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
    "media-src 'self' data:; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CLOSING_S = 0.5


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
        self._runner: web.AppRunner | None = None

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
        web = await asyncio.to_thread(_import_web)
        app = web.Application(client_max_size=1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_response_prepare.append(_add_headers)
        quiet = logging.getLogger("harmonic_tui.sound.server")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        runner = web.AppRunner(
            app, access_log=None, logger=quiet, handle_signals=False, shutdown_timeout=_CLOSING_S, keepalive_timeout=60
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def close(self) -> None:
        """Listen no more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
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
        if path == "wire":
            return await self._wire(request, host)
        if path == "":
            return _whole_page(await asyncio.to_thread(_page), host)
        match = _NAME.fullmatch(path)
        sound = self._shelf.find(match[2]) if match else None
        if match is None or sound is None:
            return web.Response(status=404)
        picture = match[1] == "spectrogram"
        return _picture_of(await asyncio.to_thread(draw, sound)) if picture else _part_of(sound.wav, request)

    async def _wire(self, request: web.Request, host: str) -> web.StreamResponse:
        from aiohttp import web

        wire = web.WebSocketResponse(heartbeat=10, max_msg_size=4096)
        # Browsers say where a script comes from, and let every script open a wire to everywhere.
        if request.headers.get("Origin") != f"http://{host}" or not wire.can_prepare(request).ok:
            return web.Response(status=403)
        await wire.prepare(request)
        await self._meet(wire)
        return wire


def _import_web() -> web:  # type: ignore[valid-type]
    from aiohttp import web

    return web


async def _add_headers(_request: web.BaseRequest, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers[name] = value


def _whole_page(page: str, host: str) -> web.Response:
    """The page, whose own script and style may work and no others."""
    from aiohttp import web

    nonce = secrets.token_urlsafe(16)
    policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce, host=host)}
    return web.Response(text=page.replace("{nonce}", nonce), content_type="text/html", headers=policy)


def _picture_of(picture: bytes) -> web.Response:
    from aiohttp import web

    return web.Response(body=picture, content_type="image/png")


def _part_of(content: bytes, request: web.Request) -> web.Response:
    """The content, or the part of it that the request asks for."""
    from aiohttp import web

    headers = {"Accept-Ranges": "bytes"}
    try:
        wanted = request.http_range
    except ValueError:
        wanted = slice(len(content), None)
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=content, content_type="audio/wav", headers=headers)
    start, stop, _ = wanted.indices(len(content))
    if start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return web.Response(status=206, body=content[start:stop], content_type="audio/wav", headers=headers)
