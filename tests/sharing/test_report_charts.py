"""The curves of a report: nothing that happened is lost by drawing it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonic_core.sharing.report.curves import curves, epochs_closed
from harmonic_core.sharing.report.plot import HEIGHT, WIDTH, Chart, Plot, Series, plot
from harmonic_core.sharing.report.scale import Scale
from harmonic_core.sharing.report.thinning import limits, outline
from harmonic_core.sharing.report.words import figure


def series(*values: float, right: bool = False) -> Series:
    return Series("loss", "train", np.arange(1.0, len(values) + 1), np.array(values), right)


def drawn(*values: float) -> Plot:
    found = plot(Chart("Loss", "dB", [series(*values)]))
    assert found is not None
    return found


@given(st.lists(st.floats(-1e300, 1e300) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=3000))
def test_of_any_curve_the_ends_the_extremes_and_the_gaps_are_kept(values: list[float]) -> None:
    numbers = np.array(values)
    kept = outline(np.arange(len(values), dtype=float), numbers, 30)
    assert kept == sorted(set(kept))
    assert {0, len(values) - 1} <= set(kept)
    finite = numbers[np.isfinite(numbers)]
    if len(finite):
        assert {finite.min(), finite.max()} <= {values[index] for index in kept}
    assert any(not math.isfinite(values[index]) for index in kept) == (len(finite) < len(values))


def test_a_long_curve_becomes_a_few_points_a_column() -> None:
    values = np.sin(np.arange(200_000) / 50.0)
    values[123_456] = 7.0
    kept = outline(np.arange(200_000.0), values, 360)
    assert len(kept) <= 5 * 360
    assert 123_456 in kept


def test_one_outlier_does_not_flatten_the_rest_and_is_marked() -> None:
    values = [1.0 + 0.01 * math.sin(index) for index in range(100)]
    values[50] = 1e9
    found = drawn(*values)
    heights = [y for x, y in found.lines[0].dots] or [point[1] for point in found.lines[0].points]
    assert max(heights) - min(heights) > 0.7 * (found.bottom - found.top)
    assert found.beyond_count == 1
    assert len(found.above) == 1


def test_where_a_curve_is_now_is_never_an_outlier() -> None:
    assert limits([np.array([1.0] * 50 + [1.1] * 50 + [900.0])]) == (1.0, 900.0, 0)


def test_what_is_no_number_breaks_the_line_and_is_marked() -> None:
    found = drawn(1.0, 2.0, math.nan, 3.0, math.inf, 2.0)
    assert found.lines[0].path.count("M") == 3
    assert len(found.broken) == 2
    assert [point[3] for point in found.lines[0].points][2::2] == ["NaN", "∞"]


def test_a_curve_without_any_number_is_still_told_of() -> None:
    found = drawn(math.nan, math.nan)
    assert found.lines[0].path == ""
    assert found.broken
    assert "NaN" in found.newest


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60))
def test_whatever_the_figures_are_the_drawing_stays_in_its_frame(values: list[float]) -> None:
    found = drawn(*values)
    for x, y, *_ in found.lines[0].points:
        assert 0 <= x <= WIDTH
        assert y is None or 0 <= y <= HEIGHT
    ticks = [tick.at for tick in found.y_ticks]
    assert ticks == sorted(ticks, reverse=True)
    assert len(ticks) <= 20


def test_a_scale_has_round_numbers_each_written_once() -> None:
    words = [tick.text for tick in drawn(0.0469, 0.0558, 0.0523).y_ticks]
    assert words == ["0.048", "0.050", "0.052", "0.054"]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(("level", "beyond"), [(5.0, False), (50.0, True)])
def test_a_level_to_compare_with_stretches_the_scale_only_while_it_is_near(level: float, beyond: bool) -> None:
    found = plot(Chart("Error", "dB", [series(4.0, 3.0, 3.5, 3.2)], reference=("mean spectrum", level)))
    assert found is not None
    assert found.reference is not None
    assert found.reference_is_beyond is beyond
    heights = [y for _, y in found.lines[0].dots]
    assert found.reference.at < min(heights)
    assert max(heights) - min(heights) > 0.25 * (found.bottom - found.top)


def test_updates_are_counted_in_whole_numbers() -> None:
    for last in (1, 2, 3, 7, 14, 23, 540, 1_234_567):
        words = [tick.text for tick in Scale.across(last).ticks(0.0, 100.0)]
        assert all(word.replace("\N{THIN SPACE}", "").isdigit() for word in words), words
        assert 2 <= len(words) <= 10


def test_a_run_before_its_first_epoch_has_curves_already() -> None:
    rows = [{"kind": "step", "step": step, "epoch": 1, "loss": 1.0 / step, "beta": 0.1} for step in (1, 2, 3)]
    assert [found.title for found in curves(rows)] == ["Loss", "KL and beta"]
    assert curves([]) == []
    assert epochs_closed(rows) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [(4.1198, "4.12"), (0.0, "0"), (5.0, "5"), (None, "n/a"), (math.nan, "NaN"), (-math.inf, "−∞"), (2e-5, "2e−5")],
)
def test_figures_have_three_digits(value: float | None, words: str) -> None:
    assert figure(value) == words
