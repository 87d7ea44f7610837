"""Who may come in, and for how long: strangers at the port cost the console little, and take no room from its pages.

It stands apart, as it needs aiohttp at once, which is not to be imported before somebody wants the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

MOST_CONNECTIONS = 64
"""A page needs two or three at a time."""

PATIENCE_S = 10.0
"""How long a connection may take to ask for its first thing."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "Server": "harmonic-tui",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer carries."""


class Connection(web.RequestHandler):
    """One connection.

    Attributes
    ----------
    is_known
        Whether the secret of the address came over it.
    """

    def __init__(self, door: Door, **settings: Any) -> None:
        super().__init__(door, loop=asyncio.get_running_loop(), **settings)
        self.is_known = False
        self._door = door
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, in place of a stranger if there is no room."""
        assert isinstance(transport, asyncio.Transport)
        if not self._door.makes_room():
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)
        self._deadline = asyncio.get_running_loop().call_later(self._door.patience_s, self._lose_patience)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        if self._deadline is not None:
            self._deadline.cancel()
        if not self._refused:
            super().connection_lost(exc)

    def turn_out(self) -> None:
        """End it at once, whatever it is at."""
        transport = self.transport
        self.force_close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def _lose_patience(self) -> None:
        if self._request_count == 0:
            self.turn_out()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What was wrong is nobody's business, nor is what serves here."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        answer = web.Response(status=status, headers=HEADERS)
        answer.force_close()
        return answer


class Door(web.Server):
    """Makes the connections, as the framework's server does, but only so many at once."""

    patience_s = PATIENCE_S

    def __call__(self) -> web.RequestHandler:
        """A connection that is about to be made."""
        return Connection(self, **self._kwargs)

    def makes_room(self) -> bool:
        """Whether there is room for one more, if need be in place of the stranger that has been here longest."""
        here = [each for each in self.connections if isinstance(each, Connection) and each.transport is not None]
        if len(here) < MOST_CONNECTIONS:
            return True
        stranger = next((each for each in here if not each.is_known), None)
        if stranger is not None:
            stranger.turn_out()
        return stranger is not None

    def turn_all_out(self) -> None:
        """End whatever is open still."""
        for each in self.connections:
            if isinstance(each, Connection):
                each.turn_out()
