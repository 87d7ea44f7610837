"""A real Chromium without a window, steered as its own developer tools steer it."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

DEADLINE_S = 60.0


class Tab:
    """One page in it."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._wire, self._session = wire, session
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol and its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._wire.send_json(message | ({"sessionId": self._session} if self._session else {}))
        while True:
            answer = await self._wire.receive_json(timeout=DEADLINE_S)
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page."""
        answer = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression is true in the page."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while True:
            try:
                value, wrong = await self.value(expression), None
            except AssertionError as error:
                # Before the page is there, much of it is missing.
                value, wrong = None, error
            if value:
                return value
            if asyncio.get_running_loop().time() > deadline:
                page = await self.value("document.body ? document.body.innerText : location.href")
                raise AssertionError(f"it never came true in the page: {expression}\n{page}") from wrong
            await asyncio.sleep(0.05)

    async def click(self, selector: str, *, across: float = 0.5) -> None:
        """Click on an element as a mouse does, at a share of its width."""
        x, y = await self.value(
            f"(r => [r.x + {across} * r.width, r.y + r.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@asynccontextmanager
async def chromium(folder: Path, *addresses: str) -> AsyncIterator[list[Tab]]:
    """A browser with a page at each of the addresses."""
    program = shutil.which("chromium")
    assert program, "the test needs a real browser: sudo apt install chromium"
    process = subprocess.Popen(
        [
            program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-extensions",
            "--remote-debugging-port=0",
            "--window-size=1000,700",
            f"--user-data-dir={folder}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(await _endpoint(folder), max_msg_size=0) as wire,
        ):
            whole = Tab(wire, "")
            tabs = []
            for number, address in enumerate(addresses):
                target = (await whole.ask("Target.createTarget", url=address))["targetId"]
                attached = await whole.ask("Target.attachToTarget", targetId=target, flatten=True)
                tab = Tab(wire, attached["sessionId"])
                tab._numbers = itertools.count(10_000 * (number + 1))
                tabs.append(tab)
            yield tabs
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def _endpoint(folder: Path) -> str:
    said = folder / "DevToolsActivePort"
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while not (said.exists() and len(lines := said.read_text().splitlines()) == 2):
        assert asyncio.get_running_loop().time() < deadline, "chromium did not start"
        await asyncio.sleep(0.05)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
