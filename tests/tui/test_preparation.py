"""What the console shows while the music is made ready, and of the files that were refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from recorded_run import NOW, PREPARATION, PREPARING, Recording, record_run, refused_row, status_of
from textual.pilot import Pilot
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_core.run.status import write_status
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.refused import RefusedScreen
from harmonic_tui.widgets import refused as refused_widget
from harmonic_tui.widgets.lines import EventsPanel
from harmonic_tui.widgets.refused import RefusedList
from harmonic_tui.widgets.samples import SamplesPanel

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
THIN = "\N{THIN SPACE}"
NO_AUDIO = "No valid audio files in data/gtzan: all 3 were refused; `harmonic data validate data/gtzan` says more"


def console_on(run: RunDirectory) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


def preparing(**changes: object) -> Recording:
    return alive(replace(PREPARING, **changes))


def listed(console: Console) -> RefusedList:
    return console.screen.query_one(RefusedList)


def add_refused(run: RunDirectory, *names: str, reason: str = "too short: 0.4 s", moment: float = NOW - 3.0) -> None:
    with run.events.open("ab") as file:
        file.write(b"".join(encode_row(refused_row(name, reason, moment)) for name in names))


def places(console: Console, *ids: str) -> dict[str, object]:
    return {each: console.screen.query_one(f"#{each}").region for each in ids}


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_files_hours_cache_speed_time_left_and_refused_files_are_shown(size: tuple[int, int]) -> None:
    console = console_on(record_run(Path("run"), preparing()))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "◌ preparing", f"412 of 1{THIN}000", "41 %", "3.4 h", "120", "cache", "ETA 2 min")
        await sees(pilot, "324 × real time", "5.4 h a minute", "gtzan in data/gtzan", "genres/jazz/jazz.00055.wav")
        await sees(pilot, "Refused: 3 files", "libsndfile (wav): the header is damaged", "invalid data after 12.3 s")
        assert "the loss appears" not in text_of(console)


async def test_before_the_first_file_it_says_what_the_run_does_and_where_the_music_is() -> None:
    profile = '[data]\ndataset = "combined"\nmaestro_dir = "piano"\ncustom_dir = ["mine", "[red]yours"]\n'
    console = console_on(record_run(Path("run"), preparing(preparation=None, refused=(), profile=profile)))
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "decoding 50 tracks", "none so far; a file that cannot be used is named here")
        await sees(pilot, "maestro in piano", "custom in [red]yours")


async def test_what_the_trainer_tells_and_refuses_is_followed() -> None:
    recording = preparing()
    run = record_run(Path("run"), recording)
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, f"412 of 1{THIN}000", "Refused: 3 files")
        add_refused(run, "new.wav")
        more = PREPARATION.model_copy(update={"done": 500, "audio_s": 4.1 * 3600})
        write_status(run.status, status_of(recording).model_copy(update={"preparation": more}))
        await sees(pilot, f"500 of 1{THIN}000", "4.1 h of music", "50 %", "Refused: 4 files", "new.wav")
        assert listed(console).cursor == 3


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
async def test_when_training_begins_the_charts_come_and_nothing_else_moves(size: tuple[int, int]) -> None:
    run = record_run(Path("run"), preparing())
    console = console_on(run)
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "Preparing the music")
        await pilot.press("tab")
        await until(pilot, lambda: listed(console).has_focus)
        steady = ("header", "state", "device", "happenings", "samples", "verdict")
        before = places(console, *steady, "preparation")
        record_run(Path("run"), alive(Recording(state="training", preparation=PREPARATION, refused=PREPARING.refused)))
        await sees(pilot, "● training", "val 0.0944")
        await until(pilot, lambda: "Preparing the music" not in text_of(console))
        after = places(console, *steady, "charts")
        assert {each: after[each] for each in steady} == {each: before[each] for each in steady}
        assert after["charts"] == before["preparation"]
        await until(pilot, lambda: console.screen.query_one(SamplesPanel).has_focus)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
async def test_during_training_r_shows_the_refused_files_and_escape_goes_back(size: tuple[int, int]) -> None:
    young = Recording(state="training", epochs_done=5, preparation=PREPARATION, refused=PREPARING.refused)
    console = console_on(record_run(Path("run"), alive(young)))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "● training", "3 files refused")
        await pilot.press("r")
        await sees(pilot, "genres/blues/blues.00003.wav", "ffmpeg (wav): invalid data after 12.3 s")
        await pilot.press("home")
        await until(pilot, lambda: listed(console).cursor == 0)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, DashboardScreen))


async def test_on_a_narrow_screen_the_number_of_refused_files_can_be_clicked() -> None:
    recording = alive(Recording(state="training", refused=PREPARING.refused))
    console = console_on(record_run(Path("run"), recording))
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "● training", "3 files refused")
        line = text_of(console).splitlines()[0]
        assert await pilot.click("#header", offset=(line.index("files refused"), 0))
        await until(pilot, lambda: isinstance(console.screen, RefusedScreen))


async def test_a_run_without_refused_files_has_no_key_for_them() -> None:
    console = console_on(record_run(Path("run"), alive(Recording(state="training", refused=()))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "● training", "val 0.0944", "checkpoint step 1200")
        await pilot.press("r")
        assert isinstance(console.screen, DashboardScreen)
        assert "Refused" not in text_of(console)


async def see_a_thousand(pilot: Pilot[str], size: int) -> None:
    await sees(pilot, f"Refused: {size:,} files".replace(",", THIN))


async def test_a_thousand_refused_files_are_one_line_of_events_and_a_list_made_only_where_it_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    plain = refused_widget.plain
    monkeypatch.setattr(refused_widget, "plain", lambda text, *limit: made.append(text) or plain(text, *limit))
    run = record_run(Path("run"), preparing(refused=()))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "none so far")
        for hundred in range(10):
            add_refused(run, *(f"song {hundred}{number:02d}.mp3" for number in range(100)))
        await see_a_thousand(pilot, 1000)
        await sees(pilot, "1 000 files refused: r shows them", "song 999.mp3")
        assert len(console.screen.query_one(EventsPanel)._events) == 2
        assert len(made) < 1000
        await pilot.press("tab", "home")
        await sees(pilot, "song 000.mp3", "song 001.mp3")
        await pilot.press("pagedown", "j", "k", "end")
        await sees(pilot, "song 999.mp3")


async def test_the_list_stays_where_one_reads_while_more_files_come() -> None:
    run = record_run(Path("run"), preparing(refused=()))
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        add_refused(run, *(f"song {number:02d}.mp3" for number in range(40)))
        await sees(pilot, "Refused: 40 files", "song 39.mp3")
        await pilot.press("tab", "home", "down")
        await sees(pilot, "song 00.mp3")
        await until(pilot, lambda: listed(console).cursor == 1)
        add_refused(run, "late.mp3")
        await sees(pilot, "Refused: 41 files")
        assert listed(console).cursor == 1
        await sees(pilot, "song 00.mp3")


async def test_enter_and_a_click_show_a_refused_file_in_full() -> None:
    name = "music/" + "very " * 20 + "long.flac"
    reason = "libsndfile (flac): " + "the frame header is damaged, " * 4 + "that's all"
    run = record_run(Path("run"), preparing(refused=(("first.wav", "empty"), (name, reason), ("last.wav", "empty"))))
    console = console_on(run)
    async with console.run_test(size=BROAD) as pilot:
        await sees(pilot, "Refused: 3 files")
        assert "that's all" not in text_of(console)
        await pilot.press("tab", "up", "enter")
        await until(pilot, lambda: isinstance(console.screen, RefusedScreen))
        await sees(pilot, name, "that's all")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, DashboardScreen))
        assert await pilot.click("#refused", offset=(4, 1))
        await until(pilot, lambda: isinstance(console.screen, RefusedScreen) and listed(console).cursor == 0)


async def test_an_open_list_grows_with_the_run() -> None:
    run = record_run(Path("run"), preparing())
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Refused: 3 files")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(console.screen, RefusedScreen))
        add_refused(run, "fourth.wav")
        await sees(pilot, "Refused: 4 files", "fourth.wav")


async def test_names_of_refused_files_are_shown_as_text_whatever_they_hold() -> None:
    hostile = ("[bold]\x1b]0;owned\x07x\u202egpj.wav", "\x1b[31mred[/] \N{CJK UNIFIED IDEOGRAPH-97F3}" * 30)
    console = console_on(record_run(Path("run"), preparing(refused=(hostile, ("\ud800.wav", "[link=x]y[/link]")))))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "[bold]x", "Refused: 2 files", "[link=x]y[/link]")
        assert not set("\x1b\u202e\x07\ud800") & set(text_of(console))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(console.screen, RefusedScreen))
        assert not set("\x1b\u202e\x07\ud800") & set(text_of(console))


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
@pytest.mark.parametrize("preparation", [PREPARATION, None], ids=["counted", "uncounted"])
async def test_a_run_that_failed_while_preparing_shows_the_refused_files_and_the_message(
    size: tuple[int, int], preparation: object
) -> None:
    failed = replace(PREPARING, state="failed", message=NO_AUDIO, preparation=preparation)
    console = console_on(record_run(Path("run"), failed))
    async with console.run_test(size=size) as pilot:
        await sees(pilot, "✗ failed", "No valid audio files in data/gtzan", "Refused: 3 files", "jazz.00054.wav")
        await sees(pilot, "header is damaged", "too short: 0.4 s")
        assert "ETA" not in text_of(console)
        assert "left 2 min" not in text_of(console)


async def test_a_trainer_lost_while_preparing_shows_the_file_that_it_was_at() -> None:
    console = console_on(record_run(Path("run"), PREPARING))
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "! lost", "lost since", "last        genres/jazz/jazz.00055.wav", "Refused: 3 files")


async def test_the_list_is_that_of_the_present_start_of_a_run_that_was_started_before() -> None:
    recording = preparing(refused=(("same.wav", "empty"),))
    run = record_run(Path("run"), recording)
    started = status_of(recording).started_at
    earlier = [refused_row(name, "empty", started - 500.0) for name in ("mended.wav", "same.wav")]
    run.events.write_bytes(b"".join(map(encode_row, earlier)) + run.events.read_bytes())
    console = console_on(run)
    async with console.run_test(size=FULL) as pilot:
        await sees(pilot, "Refused: 1 file", "2 files refused", "same.wav: empty")
        assert "mended.wav" not in text_of(console)


async def test_keys_that_would_do_nothing_yet_are_not_offered() -> None:
    console = console_on(record_run(Path("run"), preparing()))
    async with console.run_test(size=SMALL) as pilot:
        await sees(pilot, "◌ preparing", "Other list", "r Refused", "q Leave")
        assert "Checkpoint" not in text_of(console)
