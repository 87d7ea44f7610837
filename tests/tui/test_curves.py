"""Rows of metrics as curves."""

import math

import numpy as np

from harmonic_tui.series import Curve, Curves


def step_row(step: int, **figures: object) -> dict[str, object]:
    return {"kind": "step", "step": step, **figures}


def test_a_long_curve_keeps_its_ends_and_its_highest_peak() -> None:
    curve = Curve()
    for step in range(100_000):
        curve.append(step, 5.0 if step == 54_321 else math.sin(step / 500))
    steps, values = curve.decimated(200)
    assert len(steps) <= 220
    assert (steps[0], steps[-1]) == (0, 99_999)
    assert max(values) == 5.0
    assert values[-1] == curve.newest


def test_a_short_curve_is_left_as_it_is() -> None:
    curve = Curve()
    for step in range(10):
        curve.append(step, float(step))
    assert curve.decimated(200) == (curve.steps, curve.values)


def test_steps_without_a_number_are_kept_beside_the_curve() -> None:
    curves = Curves()
    curves.extend([step_row(10, loss=0.5), step_row(20, loss=math.nan), step_row(30, loss=math.inf)])
    assert curves.step("loss").steps == [10]
    assert curves.step("loss").gaps == [20, 30]


def test_a_curve_is_cut_where_a_figure_between_was_no_number() -> None:
    curve = Curve()
    for step, value in enumerate([3.0, 2.0, math.nan, math.inf, 1.0, 0.5, -math.inf]):
        curve.append(step, value)
    assert curve.pieces(200) == [([0, 1], [3.0, 2.0]), ([4, 5], [1.0, 0.5])]
    assert curve.end == 6


def test_a_long_curve_keeps_its_cuts_when_it_is_thinned_out() -> None:
    curve = Curve()
    for step in range(50_000):
        curve.append(step, math.nan if 20_000 <= step < 21_000 else math.sin(step / 500))
    first, second = curve.pieces(200)
    assert first[0][-1] < 20_000
    assert second[0][0] >= 21_000
    assert len(first[0]) + len(second[0]) <= 220


def test_the_newest_figure_is_told_as_it_is_even_if_it_is_no_number() -> None:
    curve = Curve()
    for step, value in enumerate([0.5, math.nan]):
        curve.append(step, value)
    assert math.isnan(curve.newest or 0)
    curve.append(2, 0.25)
    assert curve.newest == 0.25


def test_nothing_is_a_figure_too_and_is_passed_over() -> None:
    curves = Curves()
    curves.extend([step_row(10, loss=0.5), step_row(20, loss=None, kl=0.1)])
    assert curves.step("loss").newest == 0.5
    assert curves.step("loss").gaps == []


def test_a_resumed_run_replaces_what_it_does_again() -> None:
    curves = Curves()
    curves.extend([step_row(step, loss=1.0) for step in (10, 20, 30, 40)])
    curves.extend([step_row(step, loss=2.0) for step in (30, 40)])
    assert curves.step("loss").steps == [10, 20, 30, 40]
    assert curves.step("loss").values == [1.0, 1.0, 2.0, 2.0]


def test_rows_that_make_no_sense_are_passed_over() -> None:
    curves = Curves()
    curves.extend([{}, {"kind": "step"}, {"kind": [], "step": 1}, step_row(10, loss="low", beta=True, kl=[1])])
    assert curves.step("loss").newest is None
    assert curves.step("beta").newest is None


def test_epochs_are_as_long_as_the_rows_say() -> None:
    curves = Curves()
    assert curves.steps_per_epoch is None
    curves.extend([{"kind": "epoch", "step": 120, "epoch": 3, "val_loss": 0.1}])
    assert curves.steps_per_epoch == 40
    assert np.isclose(curves.epoch("val_loss").newest or 0, 0.1)
