"""Which trials are given up early, and which never."""

from __future__ import annotations

import math

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from harmonic_core.tuning.pruning import Pruner, PrunerName


def trial(number: int, errors: list[float], state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    """A trial with a curve, epoch by epoch."""
    done = state == TrialState.COMPLETE
    curve = [[epoch, error] for epoch, error in enumerate(errors, 1)]
    found = create_trial(state=state, values=[1.0, 2.0] if done else None, user_attrs={"curve": curve})
    found.number = number
    return found


def curve(*errors: float) -> dict[int, float]:
    """A trial's own curve."""
    return dict(enumerate(errors, 1))


FIVE = [trial(number, [9.0, 8.0, 7.0 + number / 10, 6.0]) for number in range(5)]


def test_worse_than_the_median_at_the_same_epoch_is_given_up() -> None:
    median = Pruner("median")
    assert median.is_hopeless(5, 12, curve(9.0, 8.0, 7.3), FIVE)
    assert not median.is_hopeless(5, 12, curve(9.0, 8.0, 7.2), FIVE)
    # What counts is the best that it ever was.
    assert not median.is_hopeless(5, 12, curve(9.0, 7.1, 7.3), FIVE)


def test_neither_too_soon_nor_with_too_few_others_nor_at_its_end_is_anything_given_up() -> None:
    median, bad = Pruner("median"), curve(90.0, 80.0, 70.0)
    assert not median.is_hopeless(5, 16, bad, FIVE)
    assert not median.is_hopeless(5, 12, bad, FIVE[:4])
    assert not median.is_hopeless(5, 12, bad, [*FIVE[:4], trial(9, [1.0] * 3, TrialState.RUNNING)])
    assert not median.is_hopeless(5, 3, bad, FIVE)
    assert not median.is_hopeless(5, 12, {}, FIVE)


@pytest.mark.parametrize("name", ["median", "hyperband"])
def test_an_error_that_is_no_number_is_hopeless_and_spoils_no_comparison(name: PrunerName) -> None:
    broken = [*FIVE, trial(6, [math.nan] * 4)]
    assert Pruner(name).is_hopeless(5, 9, curve(math.nan, math.nan, math.nan), broken)


def test_without_a_pruner_everything_goes_on() -> None:
    assert not Pruner("none").is_hopeless(5, 4, curve(90.0, 80.0, 70.0), FIVE)


def test_hyperband_lets_the_best_third_of_those_that_came_to_a_rung_go_on() -> None:
    """With three epochs there are two brackets; in the first one the only rung is after the first epoch."""
    hyperband = Pruner("hyperband")
    others = [trial(number, [5.0 + number]) for number in range(40)]
    verdicts = [hyperband.is_hopeless(each.number, 3, curve(5.0 + each.number), others) for each in others]
    kept = [number for number, is_hopeless in enumerate(verdicts) if not is_hopeless]
    # Those of the other bracket, and the best third of this one.
    assert 40 / 4 < len(kept) < 40 * 3 / 4
    assert not verdicts[0]
    assert any(verdicts[30:])


def test_the_median_is_that_of_optuna() -> None:
    """The same decisions as Optuna's own pruner makes where a study has one objective."""
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3))
    curves = [[10.0 - e * (0.3 + 0.1 * ((7 * n) % 5)) + ((3 * n + e) % 4) / 5 for e in range(12)] for n in range(14)]
    done: list[FrozenTrial] = []
    for number, errors in enumerate(curves):
        asked, verdicts = study.ask(), []
        for epoch, error in enumerate(errors, 1):
            asked.report(error, epoch)
            verdicts.append(
                (asked.should_prune(), Pruner("median").is_hopeless(number, 13, curve(*errors[:epoch]), done))
            )
        assert all(theirs == ours for theirs, ours in verdicts)
        study.tell(asked, errors[-1])
        done.append(trial(number, errors))
