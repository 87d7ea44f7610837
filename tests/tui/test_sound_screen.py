"""The screen that says where sound goes, and its pictures."""

import getpass
import re
from pathlib import Path

import pytest
from recorded_run import NOW, Recording, record_run
from test_sound import put_in_place_of_sounddevice
from textual.pilot import Pilot
from watching import sees, text_of, until

from harmonic_tui.app import Console
from harmonic_tui.sound.player import Player
from harmonic_tui.themes import LIGHT

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)


@pytest.fixture(autouse=True)
def far_from_any_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a card, reached over SSH."""
    code = "class PortAudioError(Exception): ...\ndef query_devices(kind): raise PortAudioError('device -1')\n"
    put_in_place_of_sounddevice(code, tmp_path, monkeypatch)
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50122 192.0.2.44 22")
    monkeypatch.setattr(getpass, "getuser", lambda: "ana")


def console() -> Console:
    return Console(record_run(Path("gtzan_ld128_e100"), Recording()), clock=lambda: NOW)


async def open_it(pilot: Pilot[str]) -> None:
    await sees(pilot, "no sound card here", "prior 1")
    await pilot.press("o")
    await sees(pilot, "Sound goes to: none, no sound card here", "automatic")
    await pilot.pause()


async def serve(pilot: Pilot[str]) -> None:
    await open_it(pilot)
    await pilot.press("b")
    await sees(pilot, "waits for a browser")
    # What changes from time to time would be another picture each time.
    assert isinstance(pilot.app, Console)
    server = pilot.app.player.browser.server
    server.port, server._token = 45_111, "kQ4m8dVZ2pXw7sRt1uYb5nCe9aHf3gLj"
    await pilot.press("plus")
    await sees(pilot, "http://127.0.0.1:45111/kQ4m8dVZ2pXw7sRt1uYb5nCe9aHf3gLj/", "ssh -L 45111:127.0.0.1:45111")
    await pilot.pause()


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_where_sound_goes(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(console(), terminal_size=size, run_before=open_it)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_how_a_browser_becomes_the_loudspeaker(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(console(), terminal_size=size, run_before=serve)


def test_how_a_browser_becomes_the_loudspeaker_in_the_light_theme(snap_compare) -> None:  # type: ignore[no-untyped-def]
    app = console()
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=FULL, run_before=serve)


async def test_lines_go_to_the_clipboard_by_key_and_by_click() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await open_it(pilot)
        await pilot.press("b")
        await sees(pilot, "waits for a browser")
        server = app.player.browser.server
        await pilot.press("y")
        assert app.clipboard == server.address
        await pilot.press("Y")
        assert app.clipboard == f"ssh -L {server.port}:127.0.0.1:{server.port} ana@192.0.2.44"
        await pilot.click("#address")
        assert app.clipboard == server.address
        await pilot.press("f")
        await until(pilot, lambda: app.clipboard != server.address)
        await until(pilot, lambda: server.address in text_of(app))
        await pilot.press("b")
        await sees(pilot, "makes the browser in front of you the loudspeaker")
        assert not server.is_open


async def test_volume_and_route_are_chosen_by_key() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await open_it(pilot)
        await pilot.press("minus", "minus", "minus")
        await sees(pilot, "70 %")
        assert app.player.volume == pytest.approx(0.7)
        await pilot.press("plus")
        assert app.player.volume == pytest.approx(0.8)
        await pilot.press("j", "j", "j", "j", "enter")
        await sees(pilot, "Sound goes to: off, files are to be copied")
        assert app.player.choice == "copy"
        await pilot.press("k", "k", "k", "enter")
        await sees(pilot, "none, no browser listens yet", "http://127.0.0.1:")
        await pilot.press("escape")
        await sees(pilot, "sound: none, no browser listens yet (o)")


async def test_where_nothing_sounds_the_line_that_copies_the_file_goes_to_the_clipboard() -> None:
    app = console()
    async with app.run_test(size=FULL, notifications=True) as pilot:
        await sees(pilot, "no sound card here", "prior 1")
        await pilot.press("space")
        await sees(pilot, "Not played", "your browser becomes the loudspeaker")
        assert re.fullmatch(r"scp ana@192\.0\.2\.44:/\S+/samples/step-00001200/prior-0\.wav \.", app.clipboard)


async def test_a_click_on_the_sound_opens_the_screen() -> None:
    app = console()
    async with app.run_test(size=FULL) as pilot:
        await sees(pilot, "no sound card here", "prior 1")
        await pilot.click("#verdict", offset=(FULL[0] - 10, 0))
        await sees(pilot, "Sound goes to:")


@pytest.mark.parametrize(
    ("connection", "line"),
    [
        ("10.0.0.1 1 192.0.2.44 22", "scp ana@192.0.2.44:/x/a.wav ."),
        ("10.0.0.1 1 192.0.2.44 2222", "scp -P 2222 ana@192.0.2.44:/x/a.wav ."),
        ("fe80::2 1 fe80::1 22", "scp 'ana@[fe80::1]:/x/a.wav' ."),
    ],
)
async def test_the_line_that_copies_a_file_names_this_machine_as_it_was_reached(
    connection: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harmonic_tui.sound.seat import scp_line

    monkeypatch.setenv("SSH_CONNECTION", connection)
    assert scp_line(Path("/x/a.wav")) == line
    assert scp_line(Path("/x/a b.wav")).count("'") == 2


async def test_a_file_name_with_escape_codes_stays_one_line() -> None:
    from harmonic_tui.sound.seat import scp_line

    assert "\x1b" not in scp_line(Path("/x/\x1b]52;c;cm0=\x07.wav"))
    assert "\n" not in scp_line(Path("/x/a\nrm.wav"))
    assert Player(lambda heard: None).route == "looking for an output"
