"""Learning rate and beta over a run, and what plateaus and early stopping remember."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonic_core.profile.sections import Loss, Train
from harmonic_core.training.schedule import Plateau, beta, learning_rate, rising_epochs

SCHEDULES = ("linear", "cosine", "cyclical")


def rising(schedule: str, steps: int = 8, cycles: int = 4) -> Loss:
    return Loss.model_validate(
        {"beta_start": 1e-4, "beta_end": 1e-2, "beta_steps": steps, "beta_schedule": schedule, "beta_cycles": cycles}
    )


def train(schedule: str, **others: float) -> Train:
    return Train.model_validate({"learning_rate_schedule": schedule, "learning_rate": 0.01, **others})


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_beta_begins_and_ends_exactly_where_the_profile_says(schedule: str) -> None:
    loss = rising(schedule)
    assert beta(loss, 0.0) == 1e-4
    assert beta(loss, rising_epochs(loss)) == beta(loss, 1e6) == 1e-2


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_beta_stops_changing_when_the_rise_is_over_and_not_before(schedule: str) -> None:
    loss = rising(schedule)
    end = rising_epochs(loss)
    assert beta(loss, end - 0.01) < 1e-2
    assert {beta(loss, end + epochs) for epochs in (0.0, 0.01, 1.0, 7.3, 50.0)} == {1e-2}


def test_the_epochs_of_the_rise_are_those_of_the_profile_less_the_last_flat_half_of_the_cycles() -> None:
    assert [rising_epochs(rising(schedule)) for schedule in SCHEDULES] == [8.0, 8.0, 28.0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_without_steps_or_without_a_difference_beta_never_changes(schedule: str) -> None:
    at_once = rising(schedule, steps=0)
    level = at_once.model_copy(update={"beta_start": 1e-2, "beta_steps": 20})
    for loss in (at_once, level):
        assert rising_epochs(loss) == 0.0
        assert {beta(loss, epochs / 3) for epochs in range(100)} == {1e-2}


def test_the_cosine_is_slow_at_both_ends_and_meets_the_line_in_the_middle() -> None:
    line, cosine = rising("linear"), rising("cosine")
    assert beta(cosine, 1.0) < beta(line, 1.0)
    assert beta(cosine, 4.0) == pytest.approx(beta(line, 4.0))
    assert beta(cosine, 7.0) > beta(line, 7.0)


def test_the_cycles_rise_for_half_of_their_time_and_begin_anew() -> None:
    loss = rising("cyclical")
    for cycle in range(4):
        start = 8.0 * cycle
        assert beta(loss, start) == 1e-4
        assert beta(loss, start + 2.0) == pytest.approx((1e-4 + 1e-2) / 2)
        assert beta(loss, start + 4.0) == beta(loss, start + 7.99) == 1e-2
    assert beta(loss, 32.0) == 1e-2


@given(
    schedule=st.sampled_from(SCHEDULES),
    steps=st.integers(1, 60),
    cycles=st.integers(1, 9),
    step=st.integers(0, 5_000),
    per_epoch=st.integers(1, 50),
)
@settings(deadline=None)
def test_beta_never_leaves_its_range_and_never_jumps_but_where_a_cycle_begins(
    schedule: str, steps: int, cycles: int, step: int, per_epoch: int
) -> None:
    loss = rising(schedule, steps, cycles)
    now, later = beta(loss, step / per_epoch), beta(loss, (step + 1) / per_epoch)
    assert 1e-4 <= now <= 1e-2 + 1e-12
    if schedule != "cyclical" or math.floor(step / per_epoch / steps) == math.floor((step + 1) / per_epoch / steps):
        # Nothing is steeper than the middle of half a cosine that takes half a cycle.
        assert -1e-12 <= later - now <= math.pi * (1e-2 - 1e-4) / (steps * per_epoch) + 1e-12


@pytest.mark.parametrize("schedule", ["cosine", "plateau", "constant"])
def test_every_schedule_warms_up_in_a_line(schedule: str) -> None:
    course = [learning_rate(train(schedule, warmup_steps=50), step, 1_000) for step in range(51)]
    assert course[0] == pytest.approx(0.01 / 50)
    assert course[24] == pytest.approx(0.005)
    assert course[49] == course[50] == 0.01
    assert all(before < after for before, after in itertools.pairwise(course[:50]))


@pytest.mark.parametrize("schedule", ["plateau", "constant"])
def test_after_the_warm_up_only_the_cosine_falls_by_itself(schedule: str) -> None:
    chosen = train(schedule, warmup_steps=50)
    assert {learning_rate(chosen, step, 1_000) for step in range(50, 1_200)} == {0.01}


@pytest.mark.parametrize("schedule", ["cosine", "plateau", "constant"])
@pytest.mark.parametrize("step", [0, 30, 50, 700, 1_000])
def test_a_scale_multiplies_every_schedule_at_every_step(schedule: str, step: int) -> None:
    chosen = train(schedule, warmup_steps=50)
    whole = learning_rate(chosen, step, 1_000)
    assert learning_rate(chosen, step, 1_000, scale=0.125) == pytest.approx(0.125 * whole)


def test_the_factor_of_a_plateau_counts_under_that_schedule_alone() -> None:
    assert learning_rate(train("plateau"), 500, 1_000, plateau=0.25) == 0.0025
    assert learning_rate(train("constant"), 500, 1_000, plateau=0.25) == 0.01
    cosine = train("cosine")
    assert learning_rate(cosine, 500, 1_000, plateau=0.25) == learning_rate(cosine, 500, 1_000)


def test_a_plateau_ends_at_the_final_rate_and_a_scale_goes_below_it() -> None:
    chosen = train("plateau", final_learning_rate=0.1)
    assert learning_rate(chosen, 500, 1_000, plateau=2.0**-30) == pytest.approx(0.001)
    assert learning_rate(chosen, 500, 1_000, scale=0.25, plateau=2.0**-30) == pytest.approx(0.00025)


def heard(*errors: float, patience: int = 3) -> Plateau:
    plateau = Plateau(patience)
    for error in errors:
        plateau.hear(error, counts=True)
    return plateau


def test_the_factor_is_halved_after_as_many_epochs_without_a_better_error_and_then_anew() -> None:
    plateau, factors = Plateau(3), []
    for error in (6.0, 5.0, 5.1, 5.0, 5.2, 5.3, 5.4, 5.5):
        plateau.hear(error, counts=True)
        factors.append(plateau.factor)
    assert factors == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


def test_a_better_error_begins_the_patience_anew_and_keeps_the_factor() -> None:
    plateau = heard(5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0)
    assert plateau.factor == 0.5
    plateau.hear(4.0, counts=True)
    assert plateau.factor == 0.25


def test_less_than_a_thousandth_is_no_improvement_but_adds_up_to_one() -> None:
    assert heard(5.0, 4.999, 4.998, 4.9975).factor == 0.5
    assert heard(5.0, 4.998, 4.996, 4.994).best_db == 4.994


def test_errors_heard_while_beta_rises_are_no_measure_for_those_after() -> None:
    plateau = Plateau(2)
    for error in (3.0, 3.5, 4.0, 4.5, 5.0):
        plateau.hear(error, counts=False)
    assert plateau == Plateau(2)
    plateau.hear(6.0, counts=True)
    assert (plateau.best_db, plateau.since_best) == (6.0, 0)


def test_an_error_that_is_no_number_is_an_epoch_without_improvement() -> None:
    plateau = heard(math.nan, 5.0, math.nan, math.inf)
    assert (plateau.best_db, plateau.since_best) == (5.0, 2)
    assert heard(math.inf, math.nan).best_db is None


def test_early_stopping_counts_from_the_best_epoch_however_often_the_rate_was_halved() -> None:
    plateau = heard(5.0, *[5.0] * 6, patience=2)
    assert plateau.factor == 0.125
    assert plateau.should_stop(6)
    assert not plateau.should_stop(7)


def test_early_stopping_of_0_never_stops() -> None:
    assert not heard(5.0, *[5.0] * 1_000).should_stop(0)


@given(
    errors=st.lists(st.tuples(st.floats(0.1, 20) | st.just(math.nan), st.booleans()), max_size=40),
    cut=st.integers(0, 40),
)
@settings(deadline=None)
def test_a_plateau_that_was_stored_as_json_goes_on_as_if_nothing_had_happened(
    errors: list[tuple[float, bool]], cut: int
) -> None:
    straight, before, after = Plateau(2), Plateau(2), Plateau(2)
    for error, counts in errors:
        straight.hear(error, counts)
    for error, counts in errors[:cut]:
        before.hear(error, counts)
    after.restore(json.loads(json.dumps(before.state(), allow_nan=False)))
    for error, counts in errors[cut:]:
        after.hear(error, counts)
    assert after == straight
