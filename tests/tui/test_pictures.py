"""The screens as pictures. A change of looks shows here, and is looked at before it is taken over."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_evaluation import PROMISING, record_evaluation, report_at
from recorded_run import (
    COLLAPSED,
    DISK_FULL,
    DIVERGED,
    GPU,
    NOW,
    PREPARING,
    Recording,
    metric_rows,
    ranks_of,
    record_run,
)
from textual.pilot import Pilot
from watching import alive, sees, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_tui.app import Console
from harmonic_tui.themes import LIGHT
from harmonic_tui.widgets.chart import Chart

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)
SETTLED = "Still improving"
NO_NUMBERS = dict.fromkeys(("loss", "recon", "recon_db", "kl", "kl_nats", "kl_bits_per_s", "grad_norm"), math.nan)


def console(recording: Recording) -> Console:
    return Console(record_run(Path("gtzan_ld128_e100"), recording), clock=lambda: NOW, sound=False)


async def settle(pilot: Pilot[str], *words: str) -> None:
    await sees(pilot, *(words or [SETTLED]), "prior 1")
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


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_dashboard_of_a_run_that_waits_for_room(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def see_it_wait(pilot: Pilot[str]) -> None:
        await settle(pilot, "paused: disk full", "1.24 GB needed", SETTLED)

    app = console(alive(Recording(state="paused", why="disk full", message=DISK_FULL)))
    assert snap_compare(app, terminal_size=size, run_before=see_it_wait)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_dashboard_of_a_run_whose_latent_collapsed(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def see_it_judged(pilot: Pilot[str]) -> None:
        await settle(pilot, "Latent collapsed", "--beta-end 0.001")

    app = console(alive(Recording(state="training", verdict=COLLAPSED)))
    assert snap_compare(app, terminal_size=size, run_before=see_it_judged)


@pytest.mark.parametrize("number", [2, 8])
@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_dashboard_of_a_run_with_several_ranks(snap_compare, size: tuple[int, int], number: int) -> None:  # type: ignore[no-untyped-def]
    async def see_its_ranks(pilot: Pilot[str]) -> None:
        await settle(pilot, SETTLED, "11.5 of 79.6", "batch ")

    recording = Recording(state="training", device=GPU, ranks=ranks_of(number, hosts=1 + number // 8))
    app = console(alive(replace(recording, skipped_steps=3, rollbacks=1, grad_accum_steps=4)))
    assert snap_compare(app, terminal_size=size, run_before=see_its_ranks)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_dashboard_of_a_run_that_diverged(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def see_it_diverged(pilot: Pilot[str]) -> None:
        await settle(pilot, "✗ diverged", "Diverged by epoch 37", "40 updates skipped")

    advice = "10 updates in a row were no numbers after 3 rollbacks; try --learning-rate 0.0001"
    recording = Recording(state="diverged", verdict=DIVERGED, message=advice, skipped_steps=40, rollbacks=3)
    app = console(recording)
    rows = [row | NO_NUMBERS if row["step"] > 1400 and row["kind"] == "step" else row for row in metric_rows(recording)]
    Path("gtzan_ld128_e100/metrics.jsonl").write_bytes(b"".join(map(encode_row, rows)))
    assert snap_compare(app, terminal_size=size, run_before=see_it_diverged)


def test_the_list_of_refused_files(snap_compare) -> None:  # type: ignore[no-untyped-def]
    async def open_it(pilot: Pilot[str]) -> None:
        await see_it_prepare(pilot)
        await pilot.press("r")
        await sees(pilot, "Escape goes back", "│ too short: 0.4 s")
        await pilot.pause()

    assert snap_compare(console(alive(PREPARING)), terminal_size=FULL, run_before=open_it)


def evaluated() -> Console:
    app = console(alive(Recording(state="training", profile=PROMISING)))
    record_evaluation(RunDirectory(Path("gtzan_ld128_e100")), report_at(30))
    return app


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_dashboard_of_a_run_that_was_measured(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def see_it_measured(pilot: Pilot[str]) -> None:
        await settle(pilot, SETTLED, "mel 5.83 dB")

    assert snap_compare(evaluated(), terminal_size=size, run_before=see_it_measured)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_a_whole_evaluation(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def open_it(pilot: Pilot[str]) -> None:
        await settle(pilot, SETTLED, "mel 5.83 dB")
        await pilot.press("e")
        await sees(pilot, "Whose error is whose", "✓ kNN genre accuracy")
        await pilot.pause()

    assert snap_compare(evaluated(), terminal_size=size, run_before=open_it)


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
