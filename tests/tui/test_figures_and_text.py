"""Words for figures, and harmlessness of text from outside."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from harmonic_core.run.words import count, duration, music_length
from harmonic_tui.plain import end_of, plain, plain_lines
from harmonic_tui.widgets.axes import step_axis, value_axis
from harmonic_tui.wording import ago, figure, hundredths


def test_text_from_outside_cannot_move_the_cursor_or_colour_the_screen() -> None:
    assert plain("\x1b[31mred\x1b[0m \x1b]0;title\x07name") == "red name"
    assert plain("a\x1b]52;c;ZXZpbA==\x1b\\b") == "ab"


def test_text_that_runs_the_other_way_is_shown_as_what_it_is() -> None:
    assert "\u202e" not in plain("song\u202egpj.wav")


def test_brackets_stay_brackets() -> None:
    assert plain("[bold]loud[/bold]") == "[bold]loud[/bold]"


@given(st.text(alphabet=st.characters(codec=None, categories=None)))
def test_whatever_the_text_it_becomes_one_printable_line(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown


@given(st.text(max_size=60), st.integers(1, 40))
def test_the_end_of_a_path_fits_where_it_is_shown(path: str, cells: int) -> None:
    shown = end_of(plain(path), cells)
    assert cell_len(shown) <= cells
    assert plain(path).endswith(shown.removeprefix("…"))


def test_of_an_overwritten_log_line_the_newest_part_counts() -> None:
    assert plain_lines("one\n 10 %\r 20 %\r 30 %\ntwo\n\n", 5) == ["one", "30 %", "two"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0456, "0.0456"),
        (5.834, "5.83"),
        (1310.2, "1\N{THIN SPACE}310"),
        (None, "n/a"),
        (math.nan, "NaN"),
        (3.2e-4, "3.2e−4"),
        (0.0, "0"),
        (-12.34, "−12.3"),
        (9_999_999.0, "9\N{THIN SPACE}999\N{THIN SPACE}999"),
        (1.2e30, "1.20e30"),
    ],
)
def test_figures_have_three_digits(value: float | None, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.456, "0.46"),
        (-0.018, "−0.02"),
        (10.7, "10.70"),
        (1410.0, "1\N{THIN SPACE}410"),
        (1e300, "1.00e300"),
        (None, "n/a"),
        (math.nan, "n/a"),
        (-math.inf, "n/a"),
    ],
)
def test_figures_around_one_have_two_decimals(value: float | None, shown: str) -> None:
    assert hundredths(value) == shown


def test_thousands_are_parted_by_thin_spaces() -> None:
    assert count(12480) == "12\N{THIN SPACE}480"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(25, "25 s"), (42 * 60, "42 min"), (3 * 3600 + 600, "3 h 10"), (52 * 3600, "2 d 4 h"), (None, "n/a")],
)
def test_time_is_said_as_people_say_it(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (40, "40 s"),
        (40 * 60, "40 min"),
        (3.4 * 3600, "3.4 h"),
        (1276 * 3600, "1\N{THIN SPACE}276 h"),
        (math.nan, "n/a"),
    ],
)
def test_music_is_measured_in_hours(seconds: float, said: str) -> None:
    assert music_length(seconds) == said


def test_an_age_is_said_as_people_say_it() -> None:
    assert ago(8) == "8 s ago"


@given(
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
    st.integers(3, 60),
)
def test_a_value_axis_holds_all_values_and_its_ticks_stand_on_whole_rows(low: float, span: float, rows: int) -> None:
    axis = value_axis(low, low + span, rows)
    slack = 1e-6 * max(1.0, abs(low), span)
    assert axis.low <= low + slack
    assert axis.high >= low + span - slack
    per_row = (axis.high - axis.low) / rows
    for tick in axis.ticks:
        row = (tick - axis.low) / per_row - 0.5
        assert row == pytest.approx(round(row), abs=1e-3)


@pytest.mark.parametrize(("low", "high"), [(0, 5e6), (0.1, 1.02e8), (1, 3e30), (0, 1e299), (3.475e-4, 3.475e-4)])
def test_an_axis_of_enormous_or_tiny_values_has_short_labels_that_differ(low: float, high: float) -> None:
    labels = value_axis(low, high, 11).labels
    assert len(set(labels)) == len(labels) >= 2
    assert max(map(len, labels)) <= 9


def test_time_is_in_whole_epochs_and_the_axis_has_its_name() -> None:
    axis = step_axis(1480, 40, 60)
    assert axis.labels == ["0", "10", "20", "30", "epoch"]
    assert axis.ticks[:2] == [0, 400]


def test_where_the_length_of_an_epoch_is_unknown_time_is_in_steps() -> None:
    assert step_axis(500, None, 60).labels[-1] == "step"
