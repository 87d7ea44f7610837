"""Strangers at the port of the console's page: they can neither hold the console, nor keep its pages out, nor learn."""

import asyncio
import json
import os
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import soundfile
from recorded_run import NOW, Recording, record_run
from test_browser_sound import SIZE, Served, served
from watching import DEADLINE_S, sees, until

from harmonic_core.run.samples import read_samples, sample_path
from harmonic_tui.app import Console
from harmonic_tui.sound import shelf
from harmonic_tui.sound.browser import FULL, MOST_PAGES, Page
from harmonic_tui.sound.door import MOST_CONNECTIONS, Door
from harmonic_tui.sound.player import Heard, Player
from harmonic_tui.sound.shelf import Shelf

__all__ = ["served"]

BARE = 300


async def bare_connections(port: int, strangers: ExitStack) -> list[socket.socket]:
    """Hundreds of connections over which nothing is said."""
    made = []
    for _ in range(BARE):
        bare = strangers.enter_context(socket.socket())
        bare.setblocking(False)
        await asyncio.get_running_loop().sock_connect(bare, ("127.0.0.1", port))
        made.append(bare)
        # They come one by one, so that each is let in.
        await asyncio.sleep(0)
    return made


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def ended(connection: socket.socket) -> None:
    """Wait until the other side has ended it."""
    received = asyncio.get_running_loop().sock_recv(connection, 1)
    with suppress(ConnectionError):
        assert await asyncio.wait_for(received, DEADLINE_S) == b""


async def test_hundreds_of_bare_connections_leave_the_console_to_its_pages_and_let_it_end() -> None:
    console = Console(record_run(Path("run"), Recording()), clock=lambda: NOW)
    with ExitStack() as strangers:
        async with console.run_test(size=SIZE) as pilot:
            await sees(pilot, "prior 1")
            await console.player.serve()
            server = console.player.browser.server
            before = open_files()
            bare = await bare_connections(server.port, strangers)
            # The first ones had to make room for the last ones.
            await ended(bare[0])
            await until(pilot, lambda: open_files() - before - BARE <= MOST_CONNECTIONS)
            async with aiohttp.ClientSession() as client, client.get(server.address) as answer:
                assert answer.status == 200
            await pilot.press("q")
            await until(pilot, lambda: not console.is_running)
        assert not server.is_open


async def test_a_page_keeps_its_place_while_strangers_come(served: Served) -> None:
    wire = await served.wire()
    assert (await wire.receive_json(timeout=DEADLINE_S))["kind"] == "state"
    with ExitStack() as strangers:
        bare = await bare_connections(served.server.port, strangers)
        await ended(bare[0])
        await wire.send_json({"kind": "listen", "on": True})
        while not (await wire.receive_json(timeout=DEADLINE_S)).get("listeners"):
            pass
    assert not wire.closed


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
async def test_who_does_not_ask_for_anything_is_shown_out(
    served: Served, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Door, "patience_s", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
    writer.write(said)
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
    writer.close()


async def test_the_server_ends_though_its_cleaning_never_does(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = served.server._runner
    assert runner is not None
    going_on = asyncio.Event()
    cleanup = type(runner).cleanup
    monkeypatch.setattr(type(runner), "cleanup", lambda self: going_on.wait())
    await asyncio.wait_for(served.server.close(), DEADLINE_S)
    assert not served.server.is_open
    await cleanup(runner)


async def test_the_console_ends_though_its_player_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harmonic_tui.app.CLOSING_S", 0.1)
    console = Console(record_run(Path("run"), Recording()), clock=lambda: NOW)
    close = console.player.close
    async with asyncio.timeout(DEADLINE_S):
        async with console.run_test(size=SIZE) as pilot:
            await sees(pilot, "prior 1")
            console.player.close = asyncio.Event().wait  # type: ignore[method-assign,assignment]
            await pilot.press("q")
            await until(pilot, lambda: not console.is_running)
    await close()


async def test_a_page_too_many_is_told_that_there_are_enough(served: Served) -> None:
    wires = [await served.wire() for _ in range(MOST_PAGES)]
    while served.player.browser.pages < MOST_PAGES:
        await asyncio.sleep(0.01)
    extra = await served.wire()
    assert (await extra.receive(timeout=DEADLINE_S)).type is aiohttp.WSMsgType.CLOSE
    assert extra.close_code == FULL
    await wires[0].close()
    while served.player.browser.pages == MOST_PAGES:
        await asyncio.sleep(0.01)
    assert (await (await served.wire()).receive_json(timeout=DEADLINE_S))["kind"] == "state"


@pytest.mark.parametrize(
    "lines",
    [
        ("nonsense secret-echo",),
        ("GET /secret-echo HTTP/9.9", "Host: localhost"),
        ("GET /secret-echo HTTP/1.1",),
        ("GET / HTTP/1.1", "Host: localhost", "secret-echo"),
        ("GET / HTTP/1.1", "Host: localhost", "Content-Length: secret-echo"),
        ("GET / HTTP/1.1", "Host: localhost", "Expect: secret-echo"),
        ("OPTIONS * HTTP/1.1", "Host: localhost"),
        ("CONNECT secret-echo:443 HTTP/1.1", "Host: localhost"),
    ],
)
async def test_a_malformed_request_learns_nothing(served: Served, lines: tuple[str, ...]) -> None:
    status, head, body = await served.ask(*lines)
    assert 400 <= status < 500
    assert body == b""
    for word in (b"aiohttp", b"Python", b"secret-echo"):
        assert word not in head
    assert b"X-Content-Type-Options: nosniff" in head


async def test_two_origins_at_once_get_no_wire(served: Served) -> None:
    origin = f"Origin: http://127.0.0.1:{served.server.port}"
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    status, *_ = await served.get(f"/{served.token}/wire", *upgrade, origin, "Origin: http://evil.example")
    assert status in {400, 403}


async def test_the_near_end_of_the_tunnel_may_have_another_port(served: Served) -> None:
    status, *_ = await served.ask(f"GET /{served.token}/ HTTP/1.1", "Host: localhost:1")
    assert status == 200


async def test_a_link_that_leads_out_of_the_run_is_not_played(served: Served) -> None:
    await served.plays()
    private = Path("private.wav")
    soundfile.write(private, np.zeros(8000), 8000)
    sample = sample_path(served.run, served.sample, "original")
    linked = sample.with_name("linked.wav")
    linked.symlink_to(private.resolve())
    await served.player.play(linked)
    assert served.said[-1].event == "failed"
    assert "a link that leads out of its run" in served.said[-1].reason
    with pytest.raises(OSError, match="leads out"):
        Shelf().put(linked)
    # A step of a replay is a link to that of the run.
    replayed = Path("replay") / "samples" / sample.parent.name
    replayed.parent.mkdir(parents=True)
    replayed.symlink_to(sample.parent.resolve())
    assert Shelf().put(replayed / sample.name).duration_s > 0


async def test_another_run_takes_what_was_played_of_the_first_from_the_shelf() -> None:
    console = Console(record_run(Path("first"), Recording()), clock=lambda: NOW)
    other = record_run(Path("second"), Recording())
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "prior 1")
        kept = console.player.browser._shelf
        run = console.watched.run if console.watched else other
        sound = kept.put(sample_path(run, read_samples(run, 1200)[2], "original"))
        assert kept.find(sound.name) is sound
        console.open_run(other)
        assert kept.find(sound.name) is None
        await sees(pilot, "second", "prior 1")


def test_the_shelf_holds_so_many_bytes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "LARGEST_BYTES", 50_000)
    kept = Shelf()
    sounds = []
    for number in range(4):
        soundfile.write(f"{number}.wav", np.zeros(10_000), 8000, subtype="PCM_16")
        sounds.append(kept.put(Path(f"{number}.wav")))
    assert kept.size <= 50_000
    assert [kept.find(sound.name) is not None for sound in sounds] == [False, False, True, True]
    # Small as a file, large as what a browser plays.
    soundfile.write("long.flac", np.zeros(40_000), 8000)
    assert Path("long.flac").stat().st_size < 50_000
    with pytest.raises(OSError, match="too large"):
        kept.put(Path("long.flac"))


class SlowWire:
    """A wire that takes a message only when it is told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []
        self.closed = False
        self.takes = asyncio.Semaphore(0)
        self.busy = asyncio.Event()

    async def send_json(self, message: dict[str, object]) -> None:
        self.busy.set()
        await self.takes.acquire()
        self.sent.append(json.loads(json.dumps(message)))


async def test_a_slow_page_gets_the_newest_state_and_none_that_was_overtaken() -> None:
    now = {"state": 0}
    wire = SlowWire()
    page = Page(wire, lambda: {"kind": "state", **now})  # type: ignore[arg-type]
    speaking = asyncio.create_task(page.speak())
    await asyncio.wait_for(wire.busy.wait(), DEADLINE_S)
    for number in range(1, 1000):
        now["state"] = number
        page.tell_state()
        page.tell_place({"kind": "at", "position": number})
    async with asyncio.timeout(DEADLINE_S):
        while len(wire.sent) < 3:
            wire.takes.release()
            await asyncio.sleep(0.01)
    speaking.cancel()
    assert [each.get("state", each.get("position")) for each in wire.sent] == [0, 999, 999]


async def test_a_sound_that_is_stopped_while_it_is_read_does_not_begin() -> None:
    said: list[Heard] = []
    player = Player(said.append)
    run = record_run(Path("run"), Recording())
    browser = player.browser
    player._transport.path = sample_path(run, read_samples(run, 1200)[2], "original")
    browser.obey("play", player._transport)
    loading = browser._loading
    assert loading is not None
    browser.obey("stop", player._transport)
    await asyncio.wait({loading})
    assert browser._message()["sound"] is None
