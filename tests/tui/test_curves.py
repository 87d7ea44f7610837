"""Rows of metrics as curves, and what of a long curve is drawn."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonic_core.run.records import encode_row
from harmonic_tui.curves.columns import parse
from harmonic_tui.curves.evaluated import curves_of as evaluations_of
from harmonic_tui.curves.figures import BACKLOG_BYTES, FigureReader
from harmonic_tui.curves.series import Curve, Curves
from harmonic_tui.curves.smoothing import averaged, smoothed
from harmonic_tui.curves.thinning import fences, outline

VALUES = st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([math.nan, math.inf, -math.inf]))


def step_row(step: float, **figures: object) -> dict[str, object]:
    return {"kind": "step", "step": step, **figures}


def curves_of(rows: Sequence[dict[str, object]], at_once: int = 10**9) -> Curves:
    curves = Curves()
    for start in range(0, len(rows), at_once):
        curves.extend(parse(b"".join(map(encode_row, rows[start : start + at_once]))))
    return curves


def curve_of(values: Sequence[float], at_once: int = 10**9) -> Curve:
    return curves_of([step_row(step, loss=value) for step, value in enumerate(values)], at_once).step("loss")


def drawn(curve: Curve, low: float, high: float, columns: int) -> tuple[list[float], list[float]]:
    places, values = outline(curve, low, high, columns)
    return places.tolist(), values.tolist()


def test_a_long_curve_keeps_its_ends_and_its_highest_peak() -> None:
    values = [5.0 if step == 54_321 else math.sin(step / 500) for step in range(100_000)]
    places, heights = drawn(curve_of(values), 0, 99_999, 200)
    assert len(places) <= 4 * 202
    assert heights[0] == values[0]
    assert max(heights) == 5.0
    assert heights[-1] == pytest.approx(values[-1])


def test_a_short_curve_is_drawn_point_by_point() -> None:
    places, heights = drawn(curve_of([float(step) for step in range(10)]), 0, 9, 200)
    assert places == heights == list(range(10))


@given(st.lists(VALUES, min_size=1, max_size=300), st.integers(2, 12), st.integers(1, 60))
def test_whatever_the_figures_no_peak_no_valley_and_no_end_is_lost(
    values: list[float], columns: int, at_once: int
) -> None:
    curve = curve_of(values, at_once)
    finite = [np.float32(value) for value in values if math.isfinite(value)]
    _, heights = drawn(curve, 0, len(values) - 1, columns)
    shown = [height for height in heights if math.isfinite(height)]
    if finite:
        assert (min(shown), max(shown)) == (min(finite), max(finite))
        assert (shown[0], shown[-1]) == (finite[0], finite[-1])
    assert curve.gaps.tolist() == [step for step, value in enumerate(values) if not math.isfinite(value)]
    assert curve.newest == values[-1] or (math.isnan(values[-1]) and math.isnan(curve.newest or 0.0))


@given(st.lists(VALUES, min_size=3, max_size=300), st.data())
def test_a_window_of_few_rows_shows_exactly_these_and_their_neighbours(
    values: list[float], data: st.DataObject
) -> None:
    low = data.draw(st.integers(0, len(values) - 2))
    high = data.draw(st.integers(low + 1, min(low + 20, len(values) - 1)))
    places, heights = drawn(curve_of(values), low, high, 200)
    seen = {place: height for place, height in zip(places, heights, strict=True) if math.isfinite(height)}
    for step in range(low, high + 1):
        if math.isfinite(values[step]):
            assert seen[step] == np.float32(values[step])
    finite = [step for step, value in enumerate(values) if math.isfinite(value)]
    before, after = [step for step in finite if step < low], [step for step in finite if step > high]
    assert seen.keys() - range(low, high + 1) <= {*before[-1:], *after[:1]}


@given(st.lists(VALUES, min_size=2, max_size=200), st.integers(2, 8))
def test_a_line_is_broken_wherever_whole_columns_have_no_number(values: list[float], columns: int) -> None:
    curve = curve_of(values)
    places, heights = drawn(curve, 0, len(values) - 1, columns)
    width = (len(values) - 1) / (columns - 1)
    for (place, height), (following, next_height) in pairwise(zip(places, heights, strict=True)):
        if math.isfinite(height) and math.isfinite(next_height) and following - place > 1.5 * width:
            between = values[math.ceil(place + width / 2) : math.floor(following - width / 2)]
            assert all(math.isfinite(value) for value in between)


def test_steps_without_a_number_are_kept_beside_the_curve() -> None:
    curves = curves_of([step_row(10, loss=0.5), step_row(20, loss=math.nan), step_row(30, loss=math.inf)])
    curve = curves.step("loss")
    assert curve.points[0].tolist() == [10]
    assert curve.gaps.tolist() == [20, 30]
    assert math.isnan(curve.bad_values[0])
    assert curve.bad_values[1] == math.inf


def test_a_curve_is_cut_where_a_figure_between_was_no_number() -> None:
    curve = curve_of([3.0, 2.0, math.nan, math.inf, 1.0, 0.5, -math.inf])
    places, heights = drawn(curve, 0, 6, 200)
    pieces = "".join("-" if math.isfinite(height) else " " for height in heights).split()
    assert pieces == ["--", "--"]
    assert [place for place, height in zip(places, heights, strict=True) if math.isfinite(height)] == [0, 1, 4, 5]
    assert curve.end == 6


def test_a_long_curve_keeps_its_cuts_when_it_is_thinned_out() -> None:
    curve = curve_of([math.nan if 20_000 <= step < 21_000 else math.sin(step / 500) for step in range(50_000)])
    _, heights = drawn(curve, 0, 49_999, 200)
    assert sum(math.isnan(height) for height in heights) == 1


def test_what_lies_nearest_is_read_off_also_where_it_is_no_number() -> None:
    curve = curve_of([3.0, 2.0, math.nan, 1.0])
    assert curve.at(0.9) == (1, 2)
    place, value = curve.at(2.1) or (0, 0)
    assert place == 2
    assert math.isnan(value)
    assert Curve.empty().at(3) is None


def test_beyond_its_ends_a_curve_has_no_value_to_read_off() -> None:
    curve = curves_of([step_row(step, loss=step / 10) for step in (10, 20, 30)]).step("loss")
    assert [curve.at(place) for place in (4, 36)] == [None, None]
    assert [curve.at(place, 6) for place in (4, 36)] == [(10, 1.0), (30, 3.0)]


def test_the_newest_figure_is_told_as_it_is_even_if_it_is_no_number() -> None:
    assert math.isnan(curve_of([0.5, math.nan]).newest or 0)
    assert curve_of([0.5, math.nan, 0.25]).newest == 0.25


def test_nothing_is_a_figure_too_and_is_passed_over() -> None:
    curve = curves_of([step_row(10, loss=0.5), step_row(20, loss=None, kl=0.1)]).step("loss")
    assert curve.newest == 0.5
    assert (curve.end, len(curve), len(curve.gaps)) == (10, 1, 0)


def test_a_resumed_run_replaces_what_it_does_again() -> None:
    first = [step_row(step, loss=1.0) for step in (10, 20, 30, 40)]
    again = [step_row(step, loss=2.0) for step in (30, 40)]
    for at_once in (1, 3, 100):
        curve = curves_of(first + again, at_once).step("loss")
        assert curve.steps.tolist() == [10, 20, 30, 40]
        assert curve.values.tolist() == [1.0, 1.0, 2.0, 2.0]


@given(st.lists(st.tuples(st.integers(0, 30), VALUES | st.none()), min_size=1, max_size=60), st.integers(1, 20))
def test_however_often_a_run_is_resumed_only_the_last_row_of_a_step_counts(
    rows: list[tuple[int, float | None]], at_once: int
) -> None:
    expected: list[tuple[int, float | None]] = []
    for step, value in rows:
        expected = [row for row in expected if row[0] < step] + [(step, value)]
    written = [step_row(step, other=1.0, **({} if value is None else {"loss": value})) for step, value in rows]
    curves = curves_of(written, at_once)
    assert curves.step("other").steps.tolist() == [step for step, _ in expected]
    curve, there = curves.step("loss"), [(step, value) for step, value in expected if value is not None]
    finite = [(step, np.float32(value)) for step, value in there if math.isfinite(value)]
    assert list(zip(*(part.tolist() for part in curve.points), strict=True)) == finite
    assert curve.gaps.tolist() == [step for step, value in there if not math.isfinite(value)]
    assert curve.end == (there[-1][0] if there else 0)
    if there and math.isfinite(there[-1][1]):
        assert curve.newest == pytest.approx(there[-1][1])


def test_rows_that_make_no_sense_are_passed_over_and_counted() -> None:
    lines = [
        *(b"{}", b'{"kind":"step"}', b'{"kind":[],"step":1}', b"half a li", b"", b"[1, 2]", b'{"kind":"step",'),
        *(b'"step":7,"loss":3}', b'{"kind":"step","step":true,"loss":1}', b'{"kind":"step","step":"NaN","loss":1}'),
        *(b'{"kind":"step","step":10,"loss":"low","beta":true,"kl":[1]}', b"\xff\xfe", b'{"a":' * 9000),
        *(b'{"kind":"step","step":11,"grad_norm":NaN}', b'{"kind":"step","step":12,"grad_norm":1' + b"0" * 400 + b"}"),
    ]
    curves = Curves()
    curves.extend(parse(b"\n".join(lines) + b"\n"))
    assert curves.step("loss").newest is None
    assert curves.step("beta").newest is None
    assert curves.step("grad_norm").gaps.tolist() == [11, 12]
    assert curves.unreadable == 7


def test_epochs_are_as_long_as_the_rows_say() -> None:
    assert Curves().steps_per_epoch is None
    curves = curves_of([{"kind": "epoch", "step": 120, "epoch": 3, "val_loss": 0.1, "kl_per_dim": [1.0, math.nan]}])
    assert curves.steps_per_epoch == 40
    assert np.isclose(curves.epoch("val_loss").newest or 0, 0.1)
    assert math.isnan(curves.last_epoch_row["kl_per_dim"][1])


def test_one_outlier_does_not_set_the_scale_and_is_counted() -> None:
    values = np.insert(np.linspace(1.0, 2.0, 60), 30, 900.0)
    limits = fences([values], clip=True)
    assert limits is not None
    assert (limits.low, limits.high, limits.below, limits.above) == (1.0, 2.0, 0, 1)
    assert fences([values], clip=False) == (1.0, 900.0, 0, 0)


def test_one_outlier_does_not_flatten_a_young_run_and_a_high_first_loss_is_none() -> None:
    young = fences([np.array([0.31, 0.22, 900.0, 0.19, 0.17])], clip=True)
    assert young is not None
    assert (young.low, young.high, young.above) == (0.17, 0.31, 1)
    assert fences([np.array([0.3, 0.15, 0.12, 0.11])], clip=True) == (0.11, 0.3, 0, 0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=200))
def test_what_is_not_counted_as_clipped_lies_between_the_fences(values: list[float]) -> None:
    limits = fences([np.array(values)], clip=True)
    assert limits is not None
    assert limits.below + limits.above <= max(2, 0.05 * len(values))
    beyond = [value for value in values if not limits.low <= value <= limits.high]
    assert len(beyond) == limits.below + limits.above


def test_where_a_run_is_now_is_no_outlier() -> None:
    limits = fences([np.append(np.linspace(1.0, 2.0, 60), 900.0)], clip=True)
    assert limits == (1.0, 900.0, 0, 0)


def test_a_curve_that_falls_as_losses_do_is_not_clipped() -> None:
    limits = fences([np.exp(-np.arange(200) / 25) + 0.06], clip=True)
    assert limits is not None
    assert limits.above == 0


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=400), st.sampled_from([0.1, 0.5, 0.9, 0.99, 0.999]))
def test_smoothing_is_the_formula_that_is_told(values: list[float], weight: float) -> None:
    smooth = averaged(np.array(values), weight)
    for count in {1, len(values) // 2 + 1, len(values)}:
        weights = weight ** np.arange(count)[::-1]
        assert smooth[count - 1] == pytest.approx(np.dot(weights, values[:count]) / weights.sum(), abs=1e-6)


def test_smoothing_leaves_gaps_where_they_are() -> None:
    curve = smoothed(curve_of([1.0, math.nan, 1.0, 3.0]), 0.5)
    assert curve.points[0].tolist() == [0, 2, 3]
    assert curve.points[1].tolist()[:2] == [1.0, 1.0]
    assert curve.gaps.tolist() == [1]


def write_long(path: Path, rows: int, *, spike_at: int = 0) -> None:
    tail = encode_row({f"figure_{number}": 0.123456789 for number in range(6)})[1:]
    with path.open("wb") as file:
        for step in range(1, rows + 1):
            value = b'"NaN"' if step == rows // 2 else b"9.5" if step == spike_at else b"%.6f" % (1 / step)
            file.write(b'{"kind":"step","step":%d,"loss":%b,' % (step, value) + tail)
            if step % 1000 == 0:
                file.write(encode_row({"kind": "epoch", "step": step, "epoch": step // 1000, "val_loss": 0.5}))


def read_all(reader: FigureReader) -> Curves:
    """Let the reader come to the end of a long file."""
    deadline = time.monotonic() + 60
    while True:
        read = reader.read()
        if read is not None and read.curves is not None and read.curves.whole:
            return read.curves
        assert time.monotonic() < deadline, "it never came to the end"
        time.sleep(0.01)


def test_a_long_run_is_seen_from_end_to_end_at_once_and_then_with_every_row() -> None:
    path, rows = Path("metrics.jsonl"), 40_000
    write_long(path, rows, spike_at=12_345)
    assert path.stat().st_size > BACKLOG_BYTES
    reader = FigureReader(path)
    first = reader.read()
    assert first is not None
    assert first.curves is not None
    overview = first.curves.step("loss")
    assert not first.curves.whole
    assert (overview.begin, overview.end) == (1, rows)
    assert 1000 < len(overview) < rows / 4
    assert first.curves.epoch("val_loss").end == rows
    curves = read_all(reader)
    assert (curves.rows("step"), curves.rows("epoch")) == (rows, rows // 1000)
    assert curves.step("loss").gaps.tolist() == [rows // 2]
    assert curves.step("loss").at(12_345) == (12_345, 9.5)
    with path.open("ab") as file:
        file.write(encode_row(step_row(rows + 1, loss=0.25)))
    added = reader.read()
    assert added is not None
    curves.extend(added.parsed[0])
    assert (curves.step("loss").end, curves.step("loss").newest) == (rows + 1, 0.25)
    reader.close()


def test_a_long_run_that_is_replaced_while_it_is_read_is_read_anew() -> None:
    path = Path("metrics.jsonl")
    write_long(path, 40_000)
    reader = FigureReader(path)
    assert reader.read() is not None
    path.unlink()
    path.write_bytes(encode_row(step_row(10, loss=0.5)))
    curves = read_all(reader)
    assert curves.step("loss").steps.tolist() == [10]
    reader.close()


def test_half_a_line_among_very_many_and_a_line_without_end_cost_only_themselves() -> None:
    path = Path("metrics.jsonl")
    write_long(path, 30_000)
    with path.open("ab") as file:
        file.write(b'{"kind":"st')
    reader = FigureReader(path)
    reader.read()
    curves = read_all(reader)
    assert curves.rows("step") == 30_000
    with path.open("ab") as file:
        file.write(b"\n" + b"x" * (2 << 20))
    for _ in range(3):
        for each in read.parsed if (read := reader.read()) else ():
            curves.extend(each)
    with path.open("ab") as file:
        file.write(b"\n" + encode_row(step_row(30_001, loss=1.5)))
    read = reader.read()
    assert read is not None
    for each in read.parsed:
        curves.extend(each)
    assert curves.step("loss").newest == 1.5
    assert curves.unreadable == 2
    reader.close()


@pytest.mark.parametrize("broken", ["nothing starts", "it dies at once"])
def test_without_another_process_a_long_run_is_read_all_the_same(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("metrics.jsonl")
    write_long(path, 30_000)
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", "/nowhere" if broken == "nothing starts" else "/bin/false")
        reader, curves = FigureReader(path), Curves()
        deadline = time.monotonic() + 60
        while curves.rows("step") < 30_000:
            assert time.monotonic() < deadline
            read = reader.read()
            if read is not None:
                curves = read.curves or curves
                for each in read.parsed:
                    curves.extend(each)
    assert curves.whole
    assert curves.step("loss").end == 30_000
    reader.close()


def test_whoever_stops_reading_in_the_middle_leaves_nothing_running() -> None:
    path = Path("metrics.jsonl")
    write_long(path, 60_000)
    reader = FigureReader(path)
    reader.read()
    helper = reader._backlog
    assert helper is not None
    reader.close()
    assert helper.finished
    assert helper._process.poll() is not None


def test_the_error_of_every_data_set_is_a_curve_of_its_own() -> None:
    rows = [{"kind": "epoch", "step": step, "recon_db_by_source": {"gtzan": step / 10, "[b]": 1}} for step in (10, 20)]
    curves = curves_of([*rows, {"kind": "epoch", "step": 30, "recon_db_by_source": 3}])
    assert curves.epoch("val_recon_db of gtzan").points[1].tolist() == [1.0, 2.0]
    assert "val_recon_db of [b]" in curves.names("epoch")


def test_evaluations_are_curves_in_the_order_of_their_steps() -> None:
    rows = [
        {"step": 90, "epoch": 9, "model": {"mel_db": 4.0, "perceptual_db": None}, "tells_apart": {"genre": {"a": 1}}},
        {"step": 40, "epoch": 4, "model": {"mel_db": 5.0}, "draws": [], "tells_apart": {"genre": {"neighbours": 0.5}}},
        {"epoch": 4, "model": {"mel_db": 5.0}},
    ]
    curves = evaluations_of(rows)
    assert curves.epoch("eval mel_db").points[1].tolist() == [5.0, 4.0]
    assert curves.epoch("eval kNN genre").newest == 0.5
    assert curves.names("epoch") >= {"eval mel_db", "eval kNN genre"}
    assert "eval perceptual_db" not in curves.names("epoch")
