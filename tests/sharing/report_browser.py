"""A real Chromium that opens a file, and writes down all that happens in it: requests, refusals, complaints."""

from __future__ import annotations

import asyncio
import base64
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

DEADLINE_S = 120.0


class Tab:
    """The one page in it.

    Attributes
    ----------
    events
        What the browser told, by method.
    """

    def __init__(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        self.events: list[dict[str, Any]] = []
        self._wire, self._numbers = wire, itertools.count(1)
        self.session = ""

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol and its result."""
        number = next(self._numbers)
        session = {"sessionId": self.session} if self.session else {}
        await self._wire.send_json({"id": number, "method": method, "params": parameters, **session})
        while True:
            told = await self._wire.receive_json(timeout=DEADLINE_S)
            if told.get("id") == number:
                assert "error" not in told, told["error"]
                result: dict[str, Any] = told["result"]
                return result
            self.events.append(told)

    async def open(self, path: Path, *, width: int = 1400, dark: bool = False, print_it: bool = False) -> None:
        """Show a file, in a window of some width, in one of the two colour schemes."""
        for domain in ("Page", "Network", "Runtime", "Log", "Audits"):
            await self.ask(f"{domain}.enable")
        await self.look(width=width, dark=dark, print_it=print_it)
        await self.ask("Page.navigate", url=path.absolute().as_uri())
        await self.until("document.readyState === 'complete' && document.documentElement.classList.contains('js')")

    async def look(self, *, width: int, dark: bool, print_it: bool = False) -> None:
        """Look in another window, or with another colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", media="print" if print_it else "", features=[scheme])
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )

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
                value = await self.value(expression)
            except AssertionError:
                # Before the page is there, much of it is missing.
                value = None
            if value:
                return value
            assert asyncio.get_running_loop().time() < deadline, f"it never came true in the page: {expression}"
            await asyncio.sleep(0.05)

    async def click(self, selector: str, *, across: float = 0.5) -> None:
        """Click on an element as a mouse does, at a share of its width."""
        await self.value(
            f"document.querySelector({selector!r}).scrollIntoView({{block: 'center', behavior: 'instant'}})"
        )
        x, y = await self.value(
            f"(r => [r.x + {across} * r.width, r.y + r.height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def press(self, key: str, text: str = "") -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, **more)

    async def picture(self, path: Path, *, whole: bool = True) -> None:
        """Take a picture of the page."""
        answer = await self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def requests(self) -> list[str]:
        """Addresses that were asked for, but for those that are in the page itself."""
        told = (
            each["params"]["request"]["url"] for each in self.events if each["method"] == "Network.requestWillBeSent"
        )
        return [url for url in told if not url.startswith("data:")]

    def complaints(self) -> list[Any]:
        """Errors and warnings of the console, of programs, and of the security policy."""
        bad = []
        for each in self.events:
            parameters = each.get("params", {})
            match each["method"]:
                case "Runtime.exceptionThrown" | "Audits.issueAdded":
                    bad.append(parameters)
                case "Runtime.consoleAPICalled" if parameters["type"] in {"error", "warning", "assert"}:
                    bad.append(parameters)
                case "Log.entryAdded" if parameters["entry"]["level"] in {"error", "warning"}:
                    bad.append(parameters)
        return bad


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    """A browser without a window, with one empty page."""
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
            "--hide-scrollbars",
            "--remote-debugging-port=0",
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
            tab = Tab(wire)
            target = (await tab.ask("Target.createTarget", url="about:blank"))["targetId"]
            tab.session = (await tab.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            tab.events.clear()
            yield tab
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
