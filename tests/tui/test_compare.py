"""Curves of several runs over each other: every key of the screen, and what the charts say."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recorded_run import NOW, Recording, metric_rows, record_run
from textual.pilot import Pilot
from textual.widgets import DataTable
from watching import alive, sees, text_of, until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_tui.app import Console
from harmonic_tui.curves.compared import Compared
from harmonic_tui.screens.compare import CompareScreen
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.themes import LIGHT
from harmonic_tui.widgets.chart import Chart
from harmonic_tui.widgets.compare_chart import CompareChart
from harmonic_tui.widgets.compare_list import CompareList

FULL, SMALL, BROAD = (120, 36), (80, 24), (200, 50)


def record(name: str, epochs_done: int = 20, profile: str = "", **more: object) -> RunDirectory:
    recording = Recording(epochs_done=epochs_done, sample_epochs=(), **more)  # type: ignore[arg-type]
    profile = profile or f'[data]\ndataset = "gtzan"\n\n[train]\nepochs = {epochs_done}\n'
    return record_run(Path("runs") / name, alive(Recording(**{**recording.__dict__, "profile": profile})))


def three_runs() -> RunDirectory:
    record("quick-lr", 5)
    record("steady", 12)
    return record("deep", 20, state="training")


def console_on(run: RunDirectory | None) -> Console:
    return Console(run, clock=lambda: NOW, sound=False)


def screen_of(pilot: Pilot[str]) -> CompareScreen:
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    return screen


def compared_in(pilot: Pilot[str]) -> Compared:
    return screen_of(pilot).compared


def chart_of(pilot: Pilot[str], number: int = 0) -> CompareChart:
    return screen_of(pilot).query_one(f"#compare-{number}", CompareChart)


async def go_and_compare(pilot: Pilot[str], *names: str) -> None:
    await pilot.press("5")
    await sees(pilot, "Runs: ", "deep", *names)


async def compare_all(pilot: Pilot[str]) -> None:
    await go_and_compare(pilot, "steady", "quick-lr")
    await pilot.press("*")
    await sees(pilot, "Runs: 3 of 3 pinned", "A 0.1", "B 0.1", "C 0.1")


async def test_the_open_run_is_pinned_from_the_start_and_the_others_are_offered() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady", "quick-lr")
        await sees(pilot, "Runs: 1 of 3 pinned", "A ━ ● deep", "loss  A", "A 0.1")
        assert chart_of(pilot).lines()[0].curve.end == 800


async def test_space_pins_a_run_by_the_next_letter_and_lets_it_go_again() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("j", "space")
        await sees(pilot, "Runs: 2 of 3 pinned", "B ━", "loss  A B")
        await until(pilot, lambda: len(chart_of(pilot).lines()[0].curve) > 0)
        await pilot.press("k", "space")
        await sees(pilot, "Runs: 1 of 3 pinned", "loss  B")
        await pilot.press("space")
        await sees(pilot, "loss  A B")


async def test_a_letter_that_was_let_go_is_given_to_the_next_run() -> None:
    compared = Compared()
    first, second = RunDirectory(Path("a")), RunDirectory(Path("b"))
    assert [compared.pin(run).letter for run in (first, second, first)] == ["A", "B", "A"]
    compared.unpin(first)
    assert compared.pin(RunDirectory(Path("c"))).letter == "A"
    letters = [compared.pin(RunDirectory(Path(f"run {number}"))).letter for number in range(30)]
    assert letters[:3] == ["C", "D", "E"]
    assert letters[-1] == "AF"


async def test_a_regular_expression_filters_and_star_pins_all_that_match() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("/", *"quick|ste")
        await sees(pilot, "2 match")
        await until(pilot, lambda: len(screen_of(pilot).query_one(CompareList)) == 2)
        await pilot.press("enter", "*")
        await sees(pilot, "Runs: 3 of 3 pinned")
        await pilot.press("*")
        await sees(pilot, "Runs: 1 of 3 pinned")
        await pilot.press("escape")
        await until(pilot, lambda: len(screen_of(pilot).query_one(CompareList)) == 3)


async def test_a_bad_expression_says_what_is_wrong_with_it_and_filters_nothing() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("/", *"*a")
        await sees(pilot, "nothing to repeat", "quick-lr")
        await pilot.press(*["backspace"] * 2, *"zzz")
        await sees(pilot, "no run's name matches")
        await pilot.press("(")
        await sees(pilot, "no pattern", "quick-lr")
        assert "0 match" not in text_of(pilot.app)


async def test_what_matches_nothing_is_said_in_words() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("/", *"zzz")
        await sees(pilot, "no run's name matches")


async def test_escape_goes_back_to_the_dashboard() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DashboardScreen))


async def test_enter_opens_the_chosen_run_on_the_dashboard() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        name = screen_of(pilot).query_one(CompareList).found[1].name
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DashboardScreen))
        await sees(pilot, f"HarmonicVAE   {name}")


@pytest.mark.parametrize(
    ("presses", "told", "axis"), [(0, "x: steps", "step"), (1, "x: epochs", "epoch"), (2, "x: time", "minutes")]
)
async def test_x_goes_along_steps_epochs_or_time(presses: int, told: str, axis: str) -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press(*["x"] * presses)
        await sees(pilot, told)
        await until(pilot, lambda: any(line.strip("│╮╯ ").endswith(axis) for line in text_of(pilot.app).splitlines()))


async def test_g_makes_the_values_logarithmic_and_counts_what_has_none() -> None:
    run = three_runs()
    rows = [{"kind": "step", "step": 801 + n, "loss": value} for n, value in enumerate((0.0, -1.0, 1e-4))]
    with run.metrics.open("ab") as file:
        file.write(b"".join(map(encode_row, rows)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await sees(pilot, "A 1.0e−4")
        await pilot.press("g")
        await sees(pilot, "y: log", "2 values not above 0 left out", "0.001")
        drawn = chart_of(pilot).lines()[0].curve.points[1]
        assert drawn[-1] == pytest.approx(-4, abs=1e-6)
        await pilot.press("g")
        await sees(pilot, "y: plain")


async def test_capital_g_goes_along_powers_of_ten() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press("G")
        await sees(pilot, "x: log steps", "100")
        assert chart_of(pilot).lines()[0].curve.end <= math.log10(800)


async def test_brackets_smooth_with_the_raw_line_behind_and_the_formula_told() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press("]", "]")
        await sees(pilot, "a = 0.7, y = ((1−a) Σ aⁱ xₙ₋ᵢ) / (1−aⁿ), raw faint")
        line = chart_of(pilot).lines()[0]
        assert line.raw is not None
        assert np.std(np.diff(line.curve.values)) < np.std(np.diff(line.raw.values))
        await pilot.press("[", "[", "[")
        await sees(pilot, "no smoothing")


async def test_m_lists_figures_with_unit_and_meaning_and_shows_up_to_four() -> None:
    async with console_on(three_runs()).run_test(size=FULL, notifications=True) as pilot:
        await compare_all(pilot)
        await pilot.press("m")
        await sees(pilot, "Figures: up to 4", "▣ loss", "KL divergence in nats per latent dimension", "bit/s")
        await pilot.press("down", "space", "j", "space", "j", "space", "j", "space")
        await sees(pilot, "There is room for 4 charts")
        await pilot.press("escape")
        await sees(pilot, "val_loss  A B C", "recon  A B C", "val_recon  A B C")
        assert compared_in(pilot).metrics == ["loss", "val_loss", "recon", "val_recon"]


async def test_enter_in_the_list_of_figures_shows_one_alone() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press("m", "down", "down", "down", "down", "enter")
        await sees(pilot, "recon_db, dB  A B C")
        assert compared_in(pilot).metrics == ["recon_db"]


async def test_one_figure_at_least_stays_chosen() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press("m", "space", "q")
        assert compared_in(pilot).metrics == ["loss"]


async def test_d_shows_the_settings_in_which_profiles_differ() -> None:
    record("quick-lr", 5, '[data]\ndataset = "gtzan"\n[train]\nlearning_rate = 0.004\nepochs = 20\n')
    record("broken", 5, "[data")
    record("newer", 5, '[data]\ndataset = "[red]\\u001b[31mfuture"\n[train]\nepochs = 20\nmood = "good"\n')
    async with console_on(record("deep", 20)).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "quick-lr", "newer")
        await pilot.press("*", "d")
        await sees(pilot, "settings differ", "train.learning_rate", "0.004", "train.mood", "good", "[red]future")
        await sees(pilot, "broken: its profile cannot be read")
        table = pilot.app.screen.query_one(DataTable)
        assert "train.epochs" not in text_of(pilot.app)
        await pilot.press("j")
        await until(pilot, lambda: table.cursor_row == 1)
        await pilot.press("k")
        await until(pilot, lambda: table.cursor_row == 0)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))


async def test_d_needs_two_runs_and_says_so() -> None:
    async with console_on(three_runs()).run_test(size=FULL, notifications=True) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("d")
        await sees(pilot, "Pin two runs or more")


async def test_zoom_pan_and_whole_are_the_same_for_all_charts() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press("m", "down", "space", "escape")
        await sees(pilot, "val_loss  A B C")
        await pilot.press("+")
        await sees(pilot, "loss  A B C  zoomed", "val_loss  A B C  zoomed", "outliers clipped  zoomed")
        view = screen_of(pilot).view
        assert view.window == (400, 800)
        await pilot.press("h")
        assert view.window == (300, 700)
        await pilot.press("right")
        assert view.window == (400, 800)
        await pilot.press("-")
        assert view.window is None
        await pilot.press("+", "left", "f")
        assert view.window is None
        await sees(pilot, "follows")


async def test_at_full_zoom_every_row_is_drawn() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await sees(pilot, "A 0.1")
        await pilot.press(*["+"] * 12)
        low, high = screen_of(pilot).view.window or (0, 0)
        assert (high - low, high) == (2, 800)


async def test_the_crosshair_reads_the_values_of_all_runs() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press(",")
        await sees(pilot, "step 800", "┊")
        newest = metric_rows(Recording(epochs_done=20))[-1]["loss"]
        await sees(pilot, f"A {newest:.3f}")
        await pilot.press("<")
        assert (screen_of(pilot).view.cursor or 0) < 720
        await pilot.press(">", "full_stop")
        assert screen_of(pilot).view.cursor == 800
        await pilot.press("f")
        assert screen_of(pilot).view.cursor is None


async def test_a_run_that_ended_before_the_crosshair_has_no_value_there() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        await pilot.press(",")
        await sees(pilot, "step 800", "B n/a", "C n/a", "loss at step 800")
        chart = chart_of(pilot)
        values = {each.run.name: chart.value_of(each.run) for each in compared_in(pilot).pinned}
        assert values["steady"] == values["quick-lr"] == "n/a"
        assert values["deep"] != "n/a"


async def test_the_smoothed_and_the_raw_value_are_read_off_and_the_raw_line_is_never_cut_unsaid() -> None:
    run = three_runs()
    rows = metric_rows(Recording(epochs_done=20))
    rows[40]["loss"] = 900.0
    run.metrics.write_bytes(b"".join(map(encode_row, rows)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("]", "]", "]", "comma")
        await sees(pilot, " raw 0.", "clipped: ", "above")
        await pilot.press("u")
        await sees(pilot, "outliers shown", "800")


async def test_hash_gives_the_chosen_run_another_colour() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        (pinned,) = compared_in(pilot).pinned
        before = pinned.hue
        await pilot.press("#")
        await until(pilot, lambda: pinned.hue != before)
        assert chart_of(pilot).lines()[0].hue == pinned.hue


async def test_on_a_small_screen_the_footer_and_the_settings_are_whole() -> None:
    async with console_on(three_runs()).run_test(size=SMALL) as pilot:
        await compare_all(pilot)
        await pilot.press("]")
        await sees(pilot, "Go", "Steer", "Help", "Leave", "outliers clipped  follows", "a = 0.5")


async def test_on_a_tiny_screen_the_chart_keeps_most_of_the_rows() -> None:
    async with console_on(three_runs()).run_test(size=(40, 12)) as pilot:
        await go_and_compare(pilot)
        await until(pilot, lambda: chart_of(pilot).size.height >= 5)
        await sees(pilot, "┤", "A 0.1")


async def test_evaluations_are_figures_to_choose_like_all_others() -> None:
    run = three_runs()
    rows = [{"kind": "evaluation", "step": step, "epoch": step // 40, "model": {"mel_db": 6.5}} for step in (400, 800)]
    run.evaluations.write_bytes(b"".join(map(encode_row, rows)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await until(pilot, lambda: compared_in(pilot).pinned[0].evaluated.has_rows)
        await pilot.press("m", *["pagedown"] * 4)
        await sees(pilot, "eval mel_db", "(evaluations)", "loss by epoch")
        await pilot.press("escape")
        compared_in(pilot).metrics = ["eval mel_db"]
        chart_of(pilot).look()
        await sees(pilot, "eval mel_db, dB", "A 6.50")


async def test_the_mouse_points_zooms_and_drags() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        chart, view = chart_of(pilot), screen_of(pilot).view
        await pilot.hover(chart, offset=(40, 10))
        await until(pilot, lambda: view.cursor is not None)
        pointed = view.cursor or 0
        assert 350 < pointed < 550
        await pilot._post_mouse_events([_scroll_up()], chart, offset=(40, 10), button=0)
        await until(pilot, lambda: view.window is not None)
        low, high = view.window or (0, 0)
        assert high - low == pytest.approx(400)
        assert low < pointed < high
        await pilot.mouse_down(chart, offset=(40, 10))
        await pilot.hover(chart, offset=(50, 10))
        await pilot.mouse_up(chart, offset=(50, 10))
        await until(pilot, lambda: (view.window or (0, 0))[0] < low)
        await pilot.click(chart, offset=(40, 10), times=2)
        await until(pilot, lambda: view.window is None)


def _scroll_up() -> Callable[..., object]:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_an_outlier_is_clipped_and_counted_until_u_shows_it() -> None:
    run = three_runs()
    rows = metric_rows(Recording(epochs_done=20))
    rows[40]["loss"] = 900.0
    run.metrics.write_bytes(b"".join(map(encode_row, rows)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await sees(pilot, "clipped: 1 point above", "▴")
        await pilot.press("u")
        await sees(pilot, "outliers shown", "800")
        assert "clipped: 1" not in text_of(pilot.app)


async def test_what_is_no_number_is_marked_where_it_happened() -> None:
    run = three_runs()
    rows = metric_rows(Recording(epochs_done=20))
    rows[40]["loss"] = math.inf
    run.metrics.write_bytes(b"".join(map(encode_row, rows)))
    async with console_on(run).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await sees(pilot, "∞ 1 infinite")
        (line,) = chart_of(pilot).lines()
        screen_of(pilot).view.point(float(line.curve.gaps[0]))
        await sees(pilot, "A ∞")


async def test_a_live_run_goes_on_while_one_looks() -> None:
    record("quick-lr", 5)
    run = three_runs()
    async with console_on(record("other", 3)).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "steady")
        await pilot.press("/", *"deep", "enter", "space")
        await sees(pilot, "Runs: 2 of", "B 0.1")
        with run.metrics.open("ab") as file:
            file.write(encode_row({"kind": "step", "step": 900, "epoch": 21, "loss": 0.0123}))
        await sees(pilot, "B 0.0123")


async def test_without_any_run_the_list_says_how_they_come_about() -> None:
    async with console_on(None).run_test(size=FULL) as pilot:
        await pilot.press("5")
        await sees(pilot, "No runs in ./runs and ./output yet", "pin runs with space; their curves appear here")
        await pilot.press("space", "*", "d", "enter", "comma", "plus")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, CompareScreen))


async def test_a_figure_that_no_pinned_run_has_is_said_to_be_missing() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await compare_all(pilot)
        compared_in(pilot).metrics = ["harmony"]
        chart_of(pilot).look()
        await sees(pilot, "none of the pinned runs has this figure yet; m chooses another")


async def test_two_hundred_runs_are_listed_and_only_pinned_ones_are_read() -> None:
    for number in range(200):
        path = Path(f"runs/run-{number:03d}")
        path.mkdir(parents=True)
        (path / "profile.toml").write_text("")
    async with console_on(record("deep", 20)).run_test(size=FULL) as pilot:
        await go_and_compare(pilot)
        await sees(pilot, "Runs: 1 of 201 pinned")
        await pilot.press("end")
        listed = screen_of(pilot).query_one(CompareList)
        await until(pilot, lambda: listed.cursor == 200)
        await pilot.press("home", "pagedown", "pageup")
        await until(pilot, lambda: listed.cursor == 0)
        assert [each.run.name for each in compared_in(pilot).pinned] == ["deep"]


async def test_a_run_with_a_hostile_name_is_listed_harmlessly() -> None:
    record("[bold]x\x1b[31m", 3)
    async with console_on(record("deep", 20)).run_test(size=FULL) as pilot:
        await go_and_compare(pilot, "[bold]x")
        await pilot.press("*", "d")
        await sees(pilot, "B ━ [bold]x")


async def test_on_a_small_screen_tab_shows_the_next_chart() -> None:
    async with console_on(three_runs()).run_test(size=SMALL) as pilot:
        await compare_all(pilot)
        await pilot.press("m", "down", "space", "escape")
        await sees(pilot, "─ loss  A B C")
        await pilot.press("tab")
        await sees(pilot, "─ val_loss  A B C")
        await pilot.press("tab")
        await sees(pilot, "─ loss  A B C")


# The charts of the dashboard know the same keys, once one of them has them.


async def test_z_gives_the_keys_to_a_chart_of_the_dashboard_and_escape_takes_them_back() -> None:
    async with console_on(three_runs()).run_test(size=FULL) as pilot:
        await sees(pilot, "Still improving", "◆ best")
        screen = pilot.app.screen
        assert isinstance(screen, DashboardScreen)
        chart = screen.query_one("#loss", Chart)
        await pilot.press("z")
        await until(pilot, lambda: chart.has_focus)
        await pilot.press("+", "comma")
        await sees(pilot, "Loss  ┈ train  ━ validation  zoomed", "step 800", "validation 0.1")
        await sees(pilot, "Reconstruction, dB")
        await pilot.press("escape")
        await until(pilot, lambda: screen.focused is not None and screen.focused.id == "samples")
        assert isinstance(pilot.app.screen, DashboardScreen)
        await pilot.press("z", "backspace")
        await until(pilot, lambda: "zoomed" not in text_of(pilot.app))


async def settle(pilot: Pilot[str]) -> None:
    await until(pilot, lambda: all(chart.is_current for chart in pilot.app.screen.query(Chart)))
    await pilot.pause()


async def show_everything(pilot: Pilot[str]) -> None:
    await compare_all(pilot)
    await pilot.press("m", "down", "space", "down", "down", "down", "space", "escape")
    await pilot.press("x", "]", "]", "comma", "<")
    await sees(pilot, "x: epochs", "a = 0.7")
    await settle(pilot)


async def show_one(pilot: Pilot[str]) -> None:
    await compare_all(pilot)
    await settle(pilot)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_runs_compared(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(console_on(three_runs()), terminal_size=size, run_before=show_one)


@pytest.mark.parametrize("size", [FULL, SMALL, BROAD], ids=["full", "small", "broad"])
def test_several_figures_smoothed_and_read_off(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(console_on(three_runs()), terminal_size=size, run_before=show_everything)


def test_runs_compared_in_the_light_theme(snap_compare) -> None:  # type: ignore[no-untyped-def]
    app = console_on(three_runs())
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=FULL, run_before=show_everything)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_the_figures_to_choose_from(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def open_it(pilot: Pilot[str]) -> None:
        await show_one(pilot)
        await pilot.press("m")
        await sees(pilot, "Figures: up to 4", "since the last row of the same kind")
        await settle(pilot)

    assert snap_compare(console_on(three_runs()), terminal_size=size, run_before=open_it)


@pytest.mark.parametrize("size", [FULL, SMALL], ids=["full", "small"])
def test_the_difference_of_profiles(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def open_it(pilot: Pilot[str]) -> None:
        await show_one(pilot)
        await pilot.press("d")
        await sees(pilot, "settings differ")
        await settle(pilot)

    assert snap_compare(console_on(three_runs()), terminal_size=size, run_before=open_it)
