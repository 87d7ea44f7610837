"""The browser as loudspeaker: a real Chromium hears the console through a real SSH tunnel, and nobody else gets in."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
import soundfile
from chromium import Tab, chromium
from recorded_run import NOW, Recording, record_run
from textual.pilot import Pilot
from tunnel import dug, free_port, near_port, ssh_server, with_near_end
from watching import DEADLINE_S, sees, text_of, until

from harmonic_core.run.samples import read_samples, sample_path
from harmonic_tui.app import Console
from harmonic_tui.sound.player import Heard, Player

SIZE = (140, 40)
AT = "current.audio.currentTime"


@pytest.fixture
def far_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An SSH server through which the console was reached. Gives the folder of its keys."""
    folder = tmp_path / "ssh"
    with ssh_server(folder) as port:
        monkeypatch.setenv("SSH_CONNECTION", f"127.0.0.1 50122 127.0.0.1 {port}")
        yield folder


async def true_in(pilot: Pilot[str], tab: Tab, expression: str) -> None:
    """Let the console work until something is true in the page."""
    waiting = asyncio.create_task(tab.until(expression))
    await until(pilot, waiting.done)
    await waiting


def line_on(console: Console, pattern: str) -> str:
    found = re.search(pattern, text_of(console))
    assert found, text_of(console)
    return found[0]


async def test_what_the_console_plays_sounds_at_once_in_the_browser_at_the_other_end(
    far_end: Path, tmp_path: Path
) -> None:
    run = record_run(Path("run"), Recording(titles=("one",), seconds=20.0))
    console = Console(run, clock=lambda: NOW)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "prior 1")
        await pilot.press("o")
        await sees(pilot, "makes the browser in front of you the loudspeaker")
        await pilot.press("b")
        await sees(pilot, "waits for a browser", "ssh -p")
        shown = line_on(console, r"ssh -p \d+ -L \S+ \S+")
        near = free_port()
        tunnel = with_near_end(shown, near)
        address = line_on(console, r"http://127\.0\.0\.1:\d+/\S+/").replace(f":{near_port(shown)}/", f":{near}/")
        await pilot.press("escape")
        player = console.player
        with dug(tunnel, far_end):
            async with chromium(tmp_path / "browser", address, address) as (tab, other):
                await true_in(pilot, tab, "document.querySelector('#wire').textContent.includes('not listening')")
                assert "browser" not in player.route or "(o: browser)" in player.route
                await tab.ask("Page.bringToFront")
                await tab.click("#listen")
                await sees(pilot, "sound: browser (1 listener)")

                await pilot.press("end", "space")
                await sees(pilot, "▶ one")
                await true_in(pilot, tab, f"current && {AT} > 0.5")
                assert await tab.value("document.querySelector('#title').textContent") == "one"
                assert "reconstruction" in await tab.value("document.querySelector('#detail').textContent")
                await true_in(pilot, tab, "document.querySelector('#spectrogram').naturalWidth > 100")
                assert abs(await tab.value(AT) - player.position_s) < 0.5

                first = await tab.value("current.audio.src")
                before = await tab.value(AT)
                await pilot.press("a")
                await true_in(pilot, tab, f"current.audio.src !== {first!r} && !current.audio.paused && !settling")
                assert before < await tab.value(AT) < player.position_s + 0.5
                assert "original" in await tab.value("document.querySelector('#detail').textContent")

                player.seek(12.0)
                await true_in(pilot, tab, f"{AT} > 12 && {AT} < 14")
                player.set_volume(0.5)
                await true_in(pilot, tab, "Math.abs(current.audio.volume - 0.25) < 0.01")
                player.pause()
                await true_in(pilot, tab, "current.audio.paused")
                held = await tab.value(AT)
                player.resume()
                await true_in(pilot, tab, f"!current.audio.paused && {AT} > {held}")

                # From the page to the console.
                await tab.click("#picture", across=0.25)
                await until(pilot, lambda: 4.9 < player.position_s < 7.0)
                await tab.click("#toggle")
                await until(pilot, lambda: player.paused)
                await tab.click("#toggle")
                await until(pilot, lambda: not player.paused)

                # A second page, in step with the first.
                await other.ask("Page.bringToFront")
                await true_in(pilot, other, "wanted !== null")
                await other.click("#listen")
                await sees(pilot, "sound: browser (2 listeners)")
                await true_in(pilot, other, f"current && {AT} > 5")
                assert abs(await tab.value(AT) - await other.value(AT)) < 0.5

                player.set_loop(True)
                player.seek(19.5)
                await true_in(pilot, tab, f"{AT} < 3")
                player.set_loop(False)
                player.seek(19.5)
                await until(pilot, lambda: player.playing is None)
                await sees(pilot, "sound: browser (2 listeners)")
                assert await tab.value("decks.every(each => each.audio.paused)")
            await until(pilot, lambda: "browser (2" not in player.route)


async def test_a_page_comes_back_by_itself_after_the_tunnel_or_the_server_was_gone(
    far_end: Path, tmp_path: Path
) -> None:
    run = record_run(Path("run"), Recording(seconds=60.0))
    console = Console(run, clock=lambda: NOW)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "prior 1")
        player = console.player
        player.browser.grace_s = DEADLINE_S
        await player.serve()
        await pilot.press("o")
        await sees(pilot, "ssh -p")
        shown = line_on(console, r"ssh -p \d+ -L \S+ \S+")
        await pilot.press("escape")
        near = free_port()
        tunnel = with_near_end(shown, near)
        address = player.browser.server.address.replace(f":{near_port(shown)}/", f":{near}/")
        first = ExitStack()
        first.enter_context(dug(tunnel, far_end))
        async with chromium(tmp_path / "browser", address) as (tab,):
            await true_in(pilot, tab, "wanted !== null")
            await tab.click("#listen")
            await sees(pilot, "sound: browser (1 listener)")
            await pilot.press("space")
            await true_in(pilot, tab, f"current && {AT} > 0.3")
            first.close()
            await sees(pilot, "sound: browser (out of reach, waiting)")
            await true_in(pilot, tab, "document.querySelector('#wire').textContent.includes('out of reach')")
            assert not player.paused
            with dug(tunnel, far_end):
                await sees(pilot, "sound: browser (1 listener)")
                await true_in(pilot, tab, f"!lost && !current.audio.paused && {AT} < {player.position_s + 5}")

                # The server ends and comes back, under the same address: the page again has nothing to do.
                served = player.browser.server.address
                await player.browser.close()
                await true_in(pilot, tab, "current === null || current.audio.paused")
                await until(pilot, lambda: "browser (" not in player.route)
                assert player.paused
                await player.serve()
                assert player.browser.server.address == served
                await sees(pilot, "sound: browser (1 listener)")
                player.resume()
                await true_in(pilot, tab, "current && !current.audio.paused")


class Served:
    """A player that serves one sample, and another that it was never told to play."""

    def __init__(self) -> None:
        self.run = record_run(Path("run"), Recording())
        self.sample = read_samples(self.run, 1200)[2]
        self.said: list[Heard] = []
        self.player = Player(self.said.append)
        self.server = self.player.browser.server

    @property
    def token(self) -> str:
        """The part of the address that nobody can guess."""
        return self.server.address.split("/")[3]

    async def ask(self, line: str, *headers: str) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer to a request that is sent as it stands."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write("\r\n".join([line, *headers, "Connection: close", "", ""]).encode())
        answer = await asyncio.wait_for(reader.read(), DEADLINE_S)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head, body

    async def get(self, path: str, *headers: str) -> tuple[int, bytes, bytes]:
        """The same of a request as a browser makes it."""
        return await self.ask(f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}", *headers)

    async def wire(self) -> aiohttp.ClientWebSocketResponse:
        """A wire as a page opens it."""
        headers = {"Origin": f"http://127.0.0.1:{self.server.port}"}
        return await self.client.ws_connect(self.server.address.replace("http", "ws") + "wire", headers=headers)

    async def plays(self) -> str:
        """Somebody listens, and a sample is played. Gives the name under which it is served."""
        wire = await self.wire()
        await wire.send_json({"kind": "listen", "on": True})
        while self.player.route != "browser (1 listener)":
            await asyncio.sleep(0.01)
        await self.player.play(sample_path(self.run, self.sample, "original"), title="one")
        while not (state := await wire.receive_json(timeout=DEADLINE_S)).get("sound"):
            pass
        return str(state["sound"])


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    await served.player.serve()
    served.client = aiohttp.ClientSession()
    yield served
    await served.client.close()
    await served.player.close()


PATHS = (
    "/",
    "/favicon.ico",
    "/{token}",
    "//{token}/",
    "/{token}//",
    "/{token}/?",
    "/{token}/index.html",
    "/{token}/page.js",
    "/{token}/server.py",
    "/{token}/sound/",
    "/{token}/sound/unknown",
    "/{token}/sound/{name}/",
    "/{token}/sound/{name}.wav",
    "/{token}/sound/../sound/{name}",
    "/{token}/../{token}/",
    "/{token}/../../etc/passwd",
    "/{token}/sound/../../../../../../etc/passwd",
    "/{token}/%2e%2e/%2e%2e/etc/passwd",
    "/{token}/sound/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/{token}/sound/..%5c..%5cetc",
    "/{token}/sound/%2Fetc%2Fpasswd",
    "/{token}/sound/prior-0.wav",
    "/{token}/%73ound/{name}",
    "/wrong/",
    "/wrong/sound/{name}",
    "/{cut}/sound/{name}",
    "/{upper}/sound/{name}",
    "http://127.0.0.1/{token}/",
)


async def test_nothing_but_the_page_and_what_was_played_is_there(served: Served) -> None:
    name, token = await served.plays(), served.token
    assert (await served.get(f"/{token}/"))[0] == 200
    assert (await served.get(f"/{token}/sound/{name}"))[0] == 200
    for path in PATHS:
        asked = path.format(token=token, name=name, cut=token[:-1], upper=token.swapcase())
        status, head, body = await served.get(asked)
        assert (status, body) == (404, b""), asked
        assert b"aiohttp" not in head
        assert b"Python" not in head


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
async def test_one_can_only_get(served: Served, method: str) -> None:
    status, _, body = await served.ask(f"{method} /{served.token}/ HTTP/1.1", "Host: localhost", "Content-Length: 0")
    assert (status, body) == (404, b"")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "127.0.0.1:80@evil",
        "10.0.0.7",
        "[::1]",
        "",
    ],
)
async def test_another_name_for_this_machine_does_not_lead_in(served: Served, host: str) -> None:
    status, _, body = await served.ask(f"GET /{served.token}/ HTTP/1.1", f"Host: {host}")
    assert (status, body) == (403, b"")


async def test_two_names_at_once_do_not_lead_in(served: Served) -> None:
    status, *_ = await served.ask(f"GET /{served.token}/ HTTP/1.1", "Host: localhost", "Host: evil.example")
    assert status in {400, 403}


@pytest.mark.parametrize(
    "origin", [None, "http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
async def test_a_page_from_elsewhere_gets_no_wire(served: Served, origin: str | None) -> None:
    headers = {"Origin": origin.format(port=served.server.port)} if origin else {}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await served.client.ws_connect(served.server.address.replace("http", "ws") + "wire", headers=headers)
    assert refused.value.status == 403
    assert served.player.browser.pages == 0


async def test_a_wire_over_which_nonsense_comes_is_closed(served: Served) -> None:
    for nonsense in ("{", "[]", "{}", '{"kind": "dance"}', '{"kind": "listen"}', "[" * 4000, "x" * 5000):
        wire = await served.wire()
        await wire.send_str(nonsense)
        while (await wire.receive(timeout=DEADLINE_S)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert wire.closed, nonsense
    while served.player.browser.pages:
        await asyncio.sleep(0.01)


async def test_an_address_is_void_once_there_is_a_fresh_one(served: Served) -> None:
    name, old = await served.plays(), served.token
    await served.player.browser.renew()
    assert (await served.get(f"/{old}/"))[0] == 404
    assert (await served.get(f"/{old}/sound/{name}"))[0] == 404
    assert (await served.get(f"/{served.token}/"))[0] == 200
    assert Player(lambda heard: None).browser.server.address.split("/")[3] != served.token


async def test_the_page_brings_everything_with_it_and_may_fetch_nothing_else(served: Served) -> None:
    status, head, body = await served.get(f"/{served.token}/")
    said = head.decode().lower()
    assert status == 200
    for rule in ("default-src 'none'", "script-src 'nonce-", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in said
    for header in ("cache-control: no-store", "referrer-policy: no-referrer", "x-content-type-options: nosniff"):
        assert header in said
    nonce = re.search(r"script-src 'nonce-([^']+)'", head.decode())
    assert nonce
    assert body.count(f'nonce="{nonce[1]}"'.encode()) == 2
    # Names of standards, which nobody fetches, aside.
    assert re.findall(rb"https?://(?!www\.w3\.org/2000/svg)", body) == []
    assert nonce[1] not in (await served.get(f"/{served.token}/"))[1].decode()


@pytest.mark.parametrize(
    ("wanted", "part"),
    [("0-99", slice(0, 100)), ("100-", slice(100, None)), ("-50", slice(-50, None)), ("0-999999999", slice(0, None))],
)
async def test_a_part_of_a_sound_can_be_asked_for(served: Served, wanted: str, part: slice) -> None:
    name = await served.plays()
    written = sample_path(served.run, served.sample, "original").read_bytes()
    status, head, body = await served.get(f"/{served.token}/sound/{name}", f"Range: bytes={wanted}")
    assert (status, body) == (206, written[part])
    first = len(written) - 50 if wanted == "-50" else int(wanted.split("-", maxsplit=1)[0])
    assert f"Content-Range: bytes {first}-{first + len(body) - 1}/{len(written)}".encode() in head


@pytest.mark.parametrize("wanted", ["bytes=9999999-", "bytes=9999999-99999999", "bytes=-0"])
async def test_a_part_that_is_not_there_is_refused(served: Served, wanted: str) -> None:
    name = await served.plays()
    assert (await served.get(f"/{served.token}/sound/{name}", f"Range: {wanted}"))[::2] == (416, b"")


@pytest.mark.parametrize(
    "asked",
    [
        ("Range: bytes=5-4",),
        ("Range: bytes=0-3,5-6",),
        ("Range: lines=1-2",),
        ("Range: bytes=x",),
        ("Range: bytes=-",),
        ("Range: bytes=0-3", "Range: bytes=5-6"),
        ("Range: bytes=0-3", 'If-Range: "foreign"'),
        ("Range: bytes=0-3", "If-Range: Thu, 26 Nov 2026 00:00:00 GMT"),
    ],
)
async def test_a_part_that_cannot_be_understood_or_would_not_fit_is_answered_with_the_whole(
    served: Served, asked: tuple[str, ...]
) -> None:
    name = await served.plays()
    written = sample_path(served.run, served.sample, "original").read_bytes()
    assert (await served.get(f"/{served.token}/sound/{name}", *asked))[::2] == (200, written)


async def test_a_part_of_what_one_has_already_can_be_asked_for(served: Served) -> None:
    name = await served.plays()
    _, head, body = await served.get(f"/{served.token}/sound/{name}")
    tag = re.search(r"ETag: (.+)", head.decode())
    assert tag
    asked = ("Range: bytes=4-7", f"If-Range: {tag[1].strip()}")
    assert (await served.get(f"/{served.token}/sound/{name}", *asked))[::2] == (206, body[4:8])


async def test_a_sound_of_another_kind_is_made_into_one_that_every_browser_plays(served: Served) -> None:
    await served.plays()
    path = Path("other.flac")
    sound, rate = soundfile.read(sample_path(served.run, served.sample, "original"))
    soundfile.write(path, sound, rate, subtype="PCM_24")
    await served.player.play(path)
    while served.player.duration_s is None:
        await asyncio.sleep(0.01)
    name = next(reversed(served.player.browser._shelf._by_file.values())).name
    _, _, body = await served.get(f"/{served.token}/sound/{name}")
    assert body.startswith(b"RIFF")
    assert (await served.get(f"/{served.token}/spectrogram/{name}"))[2].startswith(b"\x89PNG")


async def test_what_is_no_sound_is_said_to_be_none(served: Served) -> None:
    await served.plays()
    Path("none.wav").write_bytes(b"not a sound")
    await served.player.play(Path("none.wav"))
    while served.said[-1].event != "failed":
        await asyncio.sleep(0.01)
    assert served.player.playing is None


async def test_a_port_that_is_in_use_is_said_to_be(served: Served) -> None:
    console = Console(record_run(Path("other"), Recording()), clock=lambda: NOW)
    console.player.port = served.server.port
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        await sees(pilot, "prior 1")
        await pilot.press("o")
        await sees(pilot, "makes the browser in front of you")
        await pilot.press("b")
        await sees(pilot, f"Port {served.server.port} is in use", "--sound-port")
        assert not console.player.browser.server.is_open
