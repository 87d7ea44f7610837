"""The screens as pictures. A change of looks shows here, and is looked at before it is taken over."""

from dataclasses import replace
from pathlib import Path

import pytest
from recorded_run import GPU, NOW, PREPARING, Recording, record_run
from textual.pilot import Pilot
from watching import alive, sees, until

from harmonic_tui.app import Console
from harmonic_tui.themes import LIGHT
from harmonic_tui.widgets.chart import Chart

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
SETTLED = "Still improving"


def console(recording: Recording) -> Console:
    return Console(record_run(Path("gtzan_ld128_e100"), recording), clock=lambda: NOW, sound=False)


async def settle(pilot: Pilot[str]) -> None:
    await sees(pilot, SETTLED, "prior 1")
    await until(pilot, lambda: all(chart.is_current for chart in pilot.app.screen.query(Chart)))
    await pilot.pause()


async def see_it_prepare(pilot: Pilot[str]) -> None:
    await sees(pilot, "Preparing the music", "Refused: 3 files", "gtzan in data/gtzan")
    await pilot.pause()


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_dashboard_of_a_live_run(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(console(alive(Recording(state="training"))), terminal_size=size, run_before=settle)


def test_dashboard_of_a_live_run_on_a_graphics_card_in_the_light_theme(snap_compare) -> None:  # type: ignore[no-untyped-def]
    app = console(alive(Recording(state="training", device=GPU)))
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=FULL, run_before=settle)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_dashboard_of_a_lost_run(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def see_it_lost(pilot: Pilot[str]) -> None:
        await settle(pilot)
        await sees(pilot, "lost since")

    app = console(Recording(state="training", heartbeat=NOW - 3000))
    assert snap_compare(app, terminal_size=size, run_before=see_it_lost)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_dashboard_while_the_music_is_made_ready(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(console(alive(PREPARING)), terminal_size=size, run_before=see_it_prepare)


def test_dashboard_while_the_music_is_made_ready_in_the_light_theme(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def go_to_the_list(pilot: Pilot[str]) -> None:
        await see_it_prepare(pilot)
        await pilot.press("tab", "up")
        await pilot.pause()

    app = console(alive(PREPARING))
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=FULL, run_before=go_to_the_list)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_dashboard_of_a_run_that_failed_for_want_of_music(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    message = "No valid audio files in data/gtzan: all 3 were refused; `harmonic data validate data/gtzan` says more"

    async def see_it_failed(pilot: Pilot[str]) -> None:
        await sees(pilot, "✗ failed", "No valid audio", "Refused: 3 files", *(["gtzan in data/gtzan"] * (size == FULL)))
        await pilot.pause()

    failed = replace(PREPARING, state="failed", message=message)
    assert snap_compare(console(failed), terminal_size=size, run_before=see_it_failed)


def test_the_list_of_refused_files(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def open_it(pilot: Pilot[str]) -> None:
        await see_it_prepare(pilot)
        await pilot.press("r")
        await sees(pilot, "Escape goes back", "│ too short: 0.4 s")
        await pilot.pause()

    assert snap_compare(console(alive(PREPARING)), terminal_size=FULL, run_before=open_it)


def test_dashboard_without_colours(snap_compare, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(console(alive(Recording(state="training"))), terminal_size=FULL, run_before=settle)


def test_the_question_on_leaving(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def ask(pilot: Pilot[str]) -> None:
        await settle(pilot)
        await pilot.press("q")
        await sees(pilot, "Leave it running")

    assert snap_compare(console(alive(Recording(state="training"))), terminal_size=SMALL, run_before=ask)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_profiles_and_runs(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    # Profiles of our own, so that a new one that comes with the program changes no picture.
    Path("profiles").mkdir()
    Path("profiles/demo.toml").write_text('[run]\ndescription = "Music made by the program itself"\n')
    record_run(Path("runs/first"), Recording(state="finished"))

    async def look(pilot: Pilot[str]) -> None:
        await sees(pilot, "first", "Music made by")
        await pilot.pause()

    assert snap_compare(Console(clock=lambda: NOW, sound=False), terminal_size=size, run_before=look)
