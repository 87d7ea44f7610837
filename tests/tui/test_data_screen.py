"""The music of a run in the console: how much of what, how it is divided, what was refused, and a check of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import soundfile
from recorded_run import NOW, PREPARING, Recording, record_run, tone
from recorded_study import record_music, the_music
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.music import Group
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.data import DataScreen
from harmonic_tui.screens.refused import RefusedScreen
from harmonic_tui.screens.whole import WholeTextScreen
from harmonic_tui.widgets.findings import FindingsList
from harmonic_tui.widgets.music import GroupsList
from harmonic_tui.widgets.refused import RefusedList

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
THIN = "\N{THIN SPACE}"
TRAINING = Recording(state="training", refused=PREPARING.refused, preparation=PREPARING.preparation)
CUSTOM = '[data]\ndataset = "custom"\ncustom_dir = "music"\ncache_dir = "cache"\nsegment_length = 1.0\n'


def console_on(run: RunDirectory) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


def a_run(recording: Recording = TRAINING, *, with_music: bool = True) -> RunDirectory:
    run = record_run(Path("run"), alive(recording))
    if with_music:
        record_music(run)
    return run


def findings_of(pilot: Pilot[str]) -> FindingsList:
    return pilot.app.screen.query_one(FindingsList)


def add_music(*broken: str) -> None:
    """Four good sounds in `music`, and files that are none."""
    for number in range(4):
        folder = Path("music") / ("jazz" if number % 2 else "folk")
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"song {number}.wav", tone(220.0 * (number + 1), 2.0), 22_050)
    for name in broken:
        (Path("music") / name).write_bytes(b"RIFF and nothing more")


async def open_data(pilot: Pilot[str], *words: str) -> None:
    await sees(pilot, "gtzan")
    await pilot.press("6")
    await until(pilot, lambda: isinstance(pilot.app.screen, DataScreen))
    await sees(pilot, *words)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_tracks_hours_and_segments_are_told_by_side_and_by_genre(size: tuple[int, int]) -> None:
    async with console_on(a_run()).run_test(size=size) as pilot:
        await open_data(pilot, "━ training", "╍ held out", "┄ kept aside", "920", "9.7 h", f"9{THIN}200")
        await sees(pilot, "Music by genre", "blues", "50 min", "100 tracks", "not known")


async def test_how_it_is_divided_and_looked_at_is_told_in_words() -> None:
    music = the_music(notes=("fewer than four artists or albums are known [red]",))
    run = a_run()
    record_music(run, music)
    async with console_on(run).run_test(size=BROAD) as pilot:
        await open_data(
            pilot, f"9{THIN}200 segments of 3.00 s an epoch, 22{THIN}050 Hz", "512 of the held-out segments"
        )
        await sees(pilot, "albums are known [red]", "30 s to 60 s", "10 min to 30 min")


async def test_hours_by_data_set_come_with_brackets() -> None:
    async with console_on(a_run()).run_test(size=FULL) as pilot:
        await open_data(pilot, "Music by genre")
        await pilot.press("right_square_bracket")
        await sees(pilot, "Music by data set", "maestro", "8.3 h")
        await pilot.press("left_square_bracket")
        await sees(pilot, "Music by genre")


async def test_music_that_becomes_ready_appears_by_itself() -> None:
    run = a_run(PREPARING, with_music=False)
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_data(pilot, "Preparing the music", f"412 of 1{THIN}000", "appears here once it is decoded")
        record_music(run)
        await sees(pilot, "blues", "━ training")


async def test_while_the_music_is_made_ready_refused_files_come_first() -> None:
    async with console_on(a_run(PREPARING, with_music=False)).run_test(size=SMALL) as pilot:
        await open_data(pilot, "Preparing the music", "Refused: 3 files", "the header is damaged")
        await pilot.press("shift+tab", "shift+tab")
        await sees(pilot, "appears here once it is")


async def test_a_run_of_an_older_version_says_so_and_what_its_events_tell() -> None:
    async with console_on(a_run(with_music=False)).run_test(size=FULL) as pilot:
        await open_data(pilot, "Not written down: an older version", "Its events tell: decoding 50 tracks")


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
async def test_refused_files_stand_here_with_their_reasons_and_r_shows_all(size: tuple[int, int]) -> None:
    console = console_on(a_run())
    async with console.run_test(size=size) as pilot:
        await open_data(pilot, "Music by genre")
        await pilot.press("tab", "tab")
        await until(pilot, lambda: isinstance(console.focused, RefusedList))
        await sees(pilot, "Refused: 3 files", "libsndfile (wav)")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(console.screen, RefusedScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, DataScreen))


async def test_where_there_is_room_for_one_list_only_tab_goes_through_them_both_ways() -> None:
    async with console_on(a_run()).run_test(size=SMALL) as pilot:
        await open_data(pilot, "Music by genre")
        for key, words in (("tab", "Length of the tracks"), ("tab", "Refused: 3"), ("tab", "v checks every file")):
            await pilot.press(key)
            await sees(pilot, words)
        await pilot.press("shift+tab")
        await sees(pilot, "Refused: 3")
        await pilot.press("tab", "tab")
        await until(pilot, lambda: isinstance(pilot.app.focused, GroupsList))


async def test_v_checks_the_real_files_and_names_what_is_wrong_with_each() -> None:
    add_music("broken.wav", "bad [red]\x1b[2J.wav")
    console = console_on(a_run(replace(TRAINING, profile=CUSTOM)))
    async with console.run_test(size=BROAD) as pilot:
        await open_data(pilot, "v checks every file")
        await pilot.press("v")
        await sees(pilot, "looking at every file")
        await sees(pilot, "Check: 2 ", "✗ ", "broken.wav", "! not ready: 2 files are refused")
        assert "\x1b" not in text_of(console)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, WholeTextScreen))
        await sees(pilot, "refused: ")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, DataScreen))
        await pilot.press("slash", *"refused")
        await sees(pilot, "2 findings")
        await pilot.press(*"x]")
        await sees(pilot, "No finding matches.")
        await pilot.press(*["backspace"] * 9, *"broken", "enter")
        await sees(pilot, "1 finding", "Check: 1 of 2 ")
        await pilot.press("escape")
        await until(pilot, lambda: findings_of(pilot).count == 2)


async def test_good_music_is_said_to_be_ready() -> None:
    add_music()
    console = console_on(a_run(replace(TRAINING, profile=CUSTOM)))
    async with console.run_test(size=FULL) as pilot:
        await open_data(pilot, "v checks every file")
        await pilot.press("v")
        await sees(pilot, "✓ ready: 4 files", "Nothing is wrong with any of the 4 files.")


async def test_folders_count_from_where_the_trainer_was_started() -> None:
    here = Path.cwd()
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    os.chdir(elsewhere)
    add_music()
    os.chdir(here)
    run = a_run(replace(TRAINING, profile=CUSTOM))
    run.origin.write_text(json.dumps({"starts": [{"directory": str(elsewhere)}]}))
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_data(pilot, "v checks every file")
        await pilot.press("v")
        await sees(pilot, "✓ ready: 4 files")


async def test_a_check_that_cannot_be_made_says_why() -> None:
    console = console_on(a_run(replace(TRAINING, profile=CUSTOM)))
    async with console.run_test(size=BROAD) as pilot:
        await open_data(pilot, "v checks every file")
        await pilot.press("v")
        await sees(pilot, "No result: music: no such folder")


def checks() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "validate" in " ".join(each.cmdline())]


@pytest.mark.parametrize("end", ["escape", "leaving"])
async def test_a_check_gives_way_to_the_trainer_and_ends_when_it_is_not_wanted(
    end: str, stopped_checks: Callable[[], object]
) -> None:
    add_music()
    console = console_on(a_run(replace(TRAINING, profile=CUSTOM)))
    async with console.run_test(size=FULL) as pilot:
        await open_data(pilot, "v checks every file")
        await pilot.press("v")
        await until(pilot, lambda: any(each.nice() == 15 for each in checks()))
        if end == "escape":
            await pilot.press("escape")
            await sees(pilot, "No result: you ended the check")
            await until(pilot, lambda: not checks())
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(console.screen, DashboardScreen))
    assert not stopped_checks()


@pytest.fixture
def stopped_checks() -> Callable[[], object]:
    """Waits for checks to end, and gives those that do not."""

    def wait() -> object:
        return psutil.wait_procs(checks(), timeout=60)[1]

    return wait


async def test_names_of_genres_from_outside_are_harmless() -> None:
    run = a_run()
    odd = Group(name="\x1b[31m[bold]noise", training=the_music().division.training)
    record_music(run, the_music(genres=(odd,)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await open_data(pilot, "[bold]noise")
        assert "\x1b" not in text_of(pilot.app)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_picture_of_the_music_of_a_run(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await open_data(pilot, "blues", "━ training")
        await pilot.pause()

    record_music(record_run(Path("gtzan"), alive(TRAINING)))
    assert snap_compare(console_on(RunDirectory(Path("gtzan"))), terminal_size=size, run_before=look)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_picture_while_the_music_is_made_ready(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def look(pilot: Pilot[str]) -> None:
        await open_data(pilot, "Preparing the music")
        await pilot.pause()

    assert snap_compare(console_on(record_run(Path("gtzan"), alive(PREPARING))), terminal_size=size, run_before=look)
