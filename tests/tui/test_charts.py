"""The charts of the dashboard: what their frames say, and how it fits into little room."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from recorded_run import NOW, Recording, metric_rows, record_run
from textual.content import Content
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, encode_row
from harmonic_tui.app import Console

TRAINING = Recording(state="training", sample_epochs=())
HEARD = {"perceptual_db": 6.2, "multi_scale_db": 3.1, "harmony": 0.42}


def run_with(rows: list[Row]) -> RunDirectory:
    run = record_run(Path("run"), alive(TRAINING))
    run.metrics.write_bytes(b"".join(map(encode_row, rows)))
    return run


def console_on(run: RunDirectory) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


async def test_reconstruction_is_shown_by_term_where_the_run_has_the_figures() -> None:
    validation = {f"val_{name}": value for name, value in HEARD.items()}
    rows = [row | HEARD | (validation if row["kind"] == "epoch" else {}) for row in metric_rows(TRAINING)]
    async with console_on(run_with(rows)).run_test(size=(200, 50)) as pilot:
        await sees(pilot, "Reconstruction, dB", "p 6.20", "m 3.10", "h 0.420")
        await pilot.resize_terminal(120, 36)
        await sees(pilot, "Reconstruction, dB", "━val pmh", "p 6.20")


async def test_a_mean_spectrum_far_away_is_told_and_does_not_flatten_the_curves() -> None:
    def near(row: Row) -> Row:
        return row | {name: 4.0 + 0.1 * math.sin(row["step"]) for name in ("recon_db", "val_recon_db") if name in row}

    async with console_on(run_with([near(row) for row in metric_rows(TRAINING)])).run_test(size=(120, 36)) as pilot:
        await sees(pilot, "mean spectrum 10.7 ↑")


async def test_rate_and_norm_stand_beside_the_loss_and_tab_shows_their_chart() -> None:
    async with console_on(run_with(metric_rows(TRAINING))).run_test(size=(120, 36)) as pilot:
        await sees(pilot, "lr 7.0e−4  norm 0.35", "KL, nats per dimension")
        await pilot.press("tab")
        await sees(pilot, "Gradient norm  ┈ learning rate (right)")
        assert "KL, nats per dimension" not in text_of(pilot.app)
        await pilot.press("tab")
        await until(pilot, lambda: "Gradient norm" not in text_of(pilot.app))


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
async def test_no_foot_of_a_chart_is_cut(width: int) -> None:
    async with console_on(run_with(metric_rows(TRAINING))).run_test(size=(width, 40)) as pilot:
        await sees(pilot, "◆")
        for chart in pilot.app.screen.query(".chart"):
            foot = Content.from_markup(str(chart.border_subtitle))
            assert not chart.size.area or foot.cell_length <= chart.size.width - 4


async def test_what_is_wrong_with_a_picture_is_said_however_narrow_it_is() -> None:
    none = {"loss": math.nan, "recon_db": math.nan}
    rows = [row | none if 600 < row["step"] <= 800 and row["kind"] == "step" else row for row in metric_rows(TRAINING)]
    async with console_on(run_with(rows)).run_test(size=(100, 36)) as pilot:
        await sees(pilot, "◆")
        await pilot.press("z", "+")
        await until(pilot, lambda: text_of(pilot.app).count("zoomed") >= 3)
        assert text_of(pilot.app).count("×20") + text_of(pilot.app).count("× 20 NaN") >= 2
