"""Promises of a profile: reached, not yet, missed, or unknown, and never reached by accident."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harmonic_core.profile.sections import CaseStudy
from harmonic_core.run.case_study import Goal, goals
from harmonic_core.run.evaluations import Closeness, Musicality, Report, Smoothness, Telling

EVERYTHING = CaseStudy(
    genre_accuracy=0.4,
    genre_silhouette=-0.1,
    clusters_by=60,
    path_evenness=0.6,
    key_clarity=0.5,
    onset_regularity=0.3,
    structured_by=80,
).model_dump()


def report(epoch: int = 40, **changes: Any) -> Report:
    """A report in which every promise is kept, but for `changes`."""
    nearness = Closeness(mel_db=5.0, perceptual_db=4.0)
    whole = {
        "weights": "run",
        "step": 40 * epoch,
        "epoch": epoch,
        "music": "10 tracks",
        "segments": 20,
        "heard": 8,
        "mean_spectrum_db": 10.0,
        "vocoder": nearness,
        "model": nearness,
        "model_and_vocoder": nearness,
        "kl_nats": 10.0,
        "kl_bits_per_s": 5.0,
        "kl_per_dim": (5.0, 5.0),
        "active_units": 2,
        "latent_dim": 2,
        "sparsity": 0.0,
        "principal_shares": {},
        "tells_apart": {"genre": telling(0.5)},
        "smoothness": Smoothness(evenness=0.7, middle=1.0),
        "draws": None,
        "samples_music": Musicality(key_clarity=0.6, onset_regularity=0.4),
    }
    return Report.model_validate({**whole, **changes})


def telling(neighbours: float, silhouette: float = 0.0) -> Telling:
    return Telling(neighbours=neighbours, probe=None, chance=0.1, silhouette=silhouette, values=10, segments=20)


def accuracy(measured: Report | None, epochs: int = 100, **promised: float | None) -> Goal:
    """The only goal of a profile that promises accuracy, as `promised` or of 0.4 by epoch 60."""
    (goal,) = goals(measured, {"genre_accuracy": 0.4, "clusters_by": 60} | promised, epochs)
    return goal


def test_everything_that_can_be_promised_is_held_against_its_figure() -> None:
    told = goals(report(), EVERYTHING, 100)
    assert [(goal.value, goal.threshold, goal.by_epoch) for goal in told] == [
        (0.5, 0.4, 60),
        (0.0, -0.1, 60),
        (0.7, 0.6, 100),
        (0.6, 0.5, 80),
        (0.4, 0.3, 80),
    ]
    assert {goal.standing for goal in told} == {"reached"}
    assert len({goal.name for goal in told}) == len(told)
    thresholds = {name for name, info in CaseStudy.model_fields.items() if not name.endswith("_by")}
    assert {goal.setting for goal in told} == thresholds


def test_a_profile_that_promises_nothing_has_no_goals() -> None:
    assert goals(report(), CaseStudy().model_dump(), 100) == []
    assert goals(report(), CaseStudy(clusters_by=3).model_dump(), 100) == []


@pytest.mark.parametrize(
    ("epoch", "share", "standing"),
    [
        (10, 0.39, "not yet"),
        (10, 0.4, "reached"),
        (59, 0.39, "not yet"),
        (60, 0.39, "missed"),
        (60, 0.4, "reached"),
        (90, 0.1, "missed"),
    ],
)
def test_a_promise_is_missed_only_once_its_epoch_has_come(epoch: int, share: float, standing: str) -> None:
    assert accuracy(report(epoch, tells_apart={"genre": telling(share)})).standing == standing


def test_what_is_promised_without_an_epoch_is_promised_by_the_last_one() -> None:
    below = {"tells_apart": {"genre": telling(0.2)}}
    assert accuracy(report(19, **below), epochs=20, clusters_by=None).standing == "not yet"
    assert accuracy(report(20, **below), epochs=20, clusters_by=None) == Goal(
        "genre_accuracy", "kNN genre accuracy", 0.2, 0.4, 20, "missed"
    )


def test_a_promise_of_nothing_less_than_zero_is_one() -> None:
    (goal,) = goals(report(), {"genre_silhouette": 0.0}, 100)
    assert (goal.threshold, goal.standing) == (0.0, "reached")


@pytest.mark.parametrize(
    "changes",
    [
        {"tells_apart": {}, "smoothness": None, "samples_music": None},
        {
            "tells_apart": {"genre": telling(math.nan, math.nan)},
            "smoothness": Smoothness(evenness=math.inf, middle=1.0),
            "samples_music": Musicality(key_clarity=math.nan, onset_regularity=-math.inf),
        },
    ],
    ids=["not measured", "no numbers"],
)
def test_what_was_not_measured_is_unknown_whatever_the_epoch(changes: dict[str, Any]) -> None:
    for epoch in (10, 100):
        told = goals(report(epoch, **changes), EVERYTHING, 100)
        assert {(goal.value, goal.standing) for goal in told} == {(None, "unknown")}


def test_before_the_first_evaluation_everything_is_unknown() -> None:
    assert {(goal.value, goal.standing) for goal in goals(None, EVERYTHING, 100)} == {(None, "unknown")}
    assert accuracy(None).by_epoch == 60
