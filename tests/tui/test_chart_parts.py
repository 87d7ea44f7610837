"""What charts are made of: axes, windows, dots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from harmonic_tui.curves.columns import parse
from harmonic_tui.curves.series import Curve, Curves
from harmonic_tui.patterns import PatternError, pattern_of
from harmonic_tui.widgets.axes import along_axis, along_power_axis, power_axis, step_axis, value_axis
from harmonic_tui.widgets.canvas import Canvas
from harmonic_tui.widgets.marks import clip_marks, gap_marks
from harmonic_tui.widgets.plot import Plot, PlotLine
from harmonic_tui.widgets.view import View


def curve_of(values: list[float]) -> Curve:
    rows = b"".join(b'{"kind":"step","step":%d,"loss":%r}\n' % (n, value) for n, value in enumerate(values))
    curves = Curves()
    curves.extend(parse(rows.replace(b"nan", b'"NaN"').replace(b"-inf", b'"-Infinity"').replace(b"inf", b'"Infinity"')))
    return curves.step("loss")


def picture_of(curve: Curve, width: int = 40, height: int = 10) -> list[str]:
    values = curve.points[1]
    axis = value_axis(float(values.min()), float(values.max()), height - 2)
    plot = Plot(width, height, step_axis(curve.end, None, width - 14), axis, None)
    plot.line(PlotLine(curve, "train", end="A"))
    plot.gaps(curve, "look")
    return plot.content().plain.split("\n")


def test_logarithmic_ticks_are_powers_of_ten() -> None:
    axis = power_axis(-3.2, 1.1, 12)
    assert axis.ticks == [-3, -2, -1, 0, 1]
    assert [label.strip() for label in axis.labels] == ["0.001", "0.01", "0.1", "1", "10"]


def test_within_one_power_of_ten_the_ticks_are_round_values() -> None:
    axis = power_axis(math.log10(0.081), math.log10(0.097), 10)
    assert len(axis.ticks) >= 2
    assert [10**tick for tick in axis.ticks] == pytest.approx([float(label) for label in axis.labels])


@given(st.floats(-200, 200), st.floats(0, 40), st.integers(3, 40))
def test_a_logarithmic_axis_holds_all_values_and_its_ticks(low: float, span: float, rows: int) -> None:
    axis = power_axis(low, low + span, rows)
    assert axis.low <= low <= low + span <= axis.high
    assert all(axis.low - 1e-6 <= tick <= axis.high + 1e-6 for tick in axis.ticks)
    assert len(axis.ticks) <= rows + 1
    assert len(set(map(len, axis.labels))) <= 1


@given(st.floats(0, 1e7), st.floats(1e-3, 1e7), st.integers(16, 200))
def test_a_window_has_ticks_that_lie_in_it_and_labels_that_fit(low: float, span: float, columns: int) -> None:
    axis = along_axis(low, low + span, 1.0, "step", columns)
    *ticks, end = axis.ticks
    assert end == low + span
    assert all(low - 1e-6 * span <= tick <= end for tick in ticks)
    assert axis.labels[-1] == "step"


def test_steps_have_no_ticks_between_them() -> None:
    assert along_axis(100, 102, 1.0, "step", 60, least=1.0).labels == ["100", "101", "step"]


def test_powers_of_ten_along_have_the_name_of_the_axis_at_their_end() -> None:
    assert along_power_axis(0.0, 3.5, 1.0, "step", 60).labels == ["1", "10", "100", "1000", "step"]


@pytest.mark.parametrize(("first", "last"), [(310.0, 470.0), (21.0, 28.0), (5.0, 60.0), (1001.0, 1004.0)])
def test_however_closely_one_looks_at_powers_of_ten_there_are_two_ticks(first: float, last: float) -> None:
    axis = along_power_axis(math.log10(first), math.log10(last), 1.0, "step", 60)
    assert len(axis.ticks) > 2
    said = [float(label.replace("\N{THIN SPACE}", "")) for label in axis.labels[:-1]]
    assert [10**tick for tick in axis.ticks[:-1]] == pytest.approx(said)


@pytest.mark.parametrize("columns", [20, 26, 40])
@pytest.mark.parametrize("end", [0.4, 1.0, 1.5, 2.0, 37.0, 100.0])
def test_an_axis_of_epochs_has_two_ticks_beside_its_name(end: float, columns: int) -> None:
    axis = step_axis(end * 40, 40.0, columns)
    assert len(axis.labels) > 2


@given(st.floats(-1e4, 1e4), st.floats(1e-5, 1e4), st.integers(3, 40))
def test_an_axis_of_values_has_two_ticks_at_least(low: float, span: float, rows: int) -> None:
    axis = value_axis(low, low + span, rows)
    assert len(axis.ticks) >= 2
    assert axis.low <= low <= low + span <= axis.high


@pytest.mark.parametrize(
    ("low", "high", "widest"), [(0.055812, 0.05589, 7), (0.002, 0.002, 7), (3.2e-7, 9e-7, 6), (-0.4, 0.3, 5)]
)
def test_labels_are_short_and_written_as_people_do(low: float, high: float, widest: int) -> None:
    labels = value_axis(low, high, 10).labels
    assert max(map(len, labels)) <= widest
    assert not any("-" in label for label in labels)


def test_infinities_stand_where_they_point_and_what_is_no_number_below() -> None:
    curve = curve_of([1.0, math.inf, 2.0, -math.inf, 3.0, math.nan, 4.0])
    rows = picture_of(curve)
    assert "∞" in rows[0]
    assert rows[-3].count("∞") == 1
    assert rows[-3].count("×") == 1


def test_what_is_wrong_is_counted_over_all_curves_and_by_kind() -> None:
    marks = gap_marks([curve_of([1.0, math.nan, math.inf]), curve_of([math.nan, -math.inf, 2.0])])
    assert [mark.words for mark in marks] == ["× 2 NaN", "∞ 1 infinite", "−∞ 1 infinite"]
    assert [mark.short for mark in marks] == ["×2", "∞1", "−∞1"]


def test_what_is_clipped_is_told_for_both_axes() -> None:
    (mark,) = clip_marks({"left": (1, 2), "right": (0, 3)})
    assert mark.words == "clipped: 2 points above, 1 below, 3 above on the right"
    assert mark.short == "▴5 ▾1"


def test_a_line_goes_from_corner_to_corner() -> None:
    canvas = Canvas(3, 2)
    canvas.line(np.array([0.0, 5.0]), np.array([7.0, 0.0]), "train")
    rows = ["".join(text for text, _ in row) for row in canvas.lines()]
    assert rows[0][-1] != " "
    assert rows[1][0] != " "
    assert (rows[0][0], rows[1][-1]) == (" ", " ")


def test_a_later_line_has_its_cells_alone() -> None:
    canvas = Canvas(4, 1)
    canvas.line(np.array([0.0, 7.0]), np.array([0.0, 0.0]), "train")
    canvas.line(np.array([4.0, 7.0]), np.array([3.0, 3.0]), "validation")
    assert canvas.lines() == [[("⠉⠉", "train"), ("⣀⣀", "validation")]]


def test_what_is_no_number_breaks_the_line_and_a_point_alone_is_a_dot() -> None:
    canvas = Canvas(4, 1)
    canvas.line(np.array([0.0, 2.0, 4.0]), np.array([0.0, math.nan, 0.0]), "train")
    assert "".join(text for text, _ in canvas.lines()[0]) == "⠁ ⠁ "


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9) | st.just(math.nan)), max_size=20))
def test_however_far_points_lie_away_only_what_is_inside_is_drawn(points: list[tuple[float, float]]) -> None:
    across, down = (np.array([point[part] for point in points], dtype=float) for part in (0, 1))
    canvas = Canvas(5, 3)
    canvas.line(np.sort(across), down, "train")
    assert [sum(cell_len(text) for text, _ in row) for row in canvas.lines()] == [5, 5, 5]


@given(st.lists(st.floats(-1e5, 1e5) | st.just(math.nan), min_size=1, max_size=60), st.integers(16, 70))
def test_a_picture_is_as_large_as_it_is_meant_to_be(values: list[float], width: int) -> None:
    curve = curve_of(values)
    if not len(curve):
        return
    rows = picture_of(curve, width)
    assert len(rows) == 10
    assert all(cell_len(row) <= width for row in rows)
    assert all(cell_len(row) == width for row in rows[:-2])


def test_a_curve_ends_with_its_letter_and_gaps_are_marked_below() -> None:
    rows = picture_of(curve_of([1.0, 2.0, math.nan, 3.0, 4.0]))
    assert any(row.endswith("A") for row in rows)
    assert "×" in rows[-3]


def test_where_a_curve_leaves_the_chart_a_mark_says_so() -> None:
    curve = curve_of([1.0, 2.0, 900.0, 2.0, -500.0, 1.0])
    plot = Plot(40, 10, step_axis(5, None, 26), value_axis(1.0, 2.0, 8), None)
    plot.line(PlotLine(curve, "train"))
    rows = plot.content().plain.split("\n")
    assert "▴" in rows[0]
    assert "▾" in rows[7]


@given(
    st.lists(st.sampled_from(["in", "out", "left", "right", "whole", "later", "earlier"]), max_size=40),
    st.floats(10, 1e6),
)
def test_wherever_one_looks_the_window_stays_within_the_run(moves: list[str], end: float) -> None:
    view = View()
    view.tell_extent("chart", 0.0, end)
    does = {
        "in": lambda: view.zoom(1),
        "out": lambda: view.zoom(-1),
        "left": lambda: view.pan(-1),
        "right": lambda: view.pan(1),
        "whole": view.whole,
        "later": lambda: view.step(3, 100),
        "earlier": lambda: view.step(-3, 100),
    }
    for move in moves:
        does[move]()
        low, high = view.shown
        assert -1e-6 * end <= low < high <= end * (1 + 1e-6)
        assert view.window is None or high - low >= min(2.0, end) * (1 - 1e-6)
        assert view.cursor is None or 0 <= view.cursor <= end


def test_every_chart_of_a_screen_is_told_of_another_window() -> None:
    view, told = View(), []
    view.watch(lambda: told.append("one"))
    view.watch(lambda: told.append("other"))
    view.zoom(1)
    assert told == ["one", "other"]


@pytest.mark.parametrize("text", ["(a+)+$", "(a|aa)+$", ".*.*.*.*x", "(x?){40}y", "(?=(a+)+)b", "x" * 300])
def test_expressions_that_could_take_for_ever_are_refused(text: str) -> None:
    with pytest.raises(PatternError):
        pattern_of(text)


@pytest.mark.parametrize("text", ["(a|b)+c", "quick|ste", r"\d+\.\d+ .* \d+\.\d+", "(foo|bar)", "a{2,5}(b{1,3})?"])
def test_sensible_expressions_are_taken(text: str) -> None:
    assert pattern_of(text).pattern == text
