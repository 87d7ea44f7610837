"""What a profile promises, held against what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harmonic_core.run.evaluations import Report

Standing = Literal["reached", "not yet", "missed", "unknown"]


@dataclass(frozen=True)
class Goal:
    """One promise, and how it stands."""

    setting: str
    """Setting of the section `case_study` that makes it."""
    name: str
    """What is promised, in words."""
    value: float | None
    """What was measured; None where it could not be, or nothing was."""
    threshold: float
    """Least value with which the promise is kept."""
    by_epoch: int
    """Epoch by which that is promised."""
    standing: Standing
    """Below the threshold it is `not yet` before that epoch, and `missed` from then on."""


class _Promise(NamedTuple):
    name: str
    by: str
    """Setting that says by which epoch; empty where it is the last one."""
    measured: Callable[[Report], float | None]


_PROMISES: dict[str, _Promise] = {
    "genre_accuracy": _Promise(
        "kNN genre accuracy",
        "clusters_by",
        lambda report: report.tells_apart["genre"].neighbours if "genre" in report.tells_apart else None,
    ),
    "genre_silhouette": _Promise(
        "genre silhouette",
        "clusters_by",
        lambda report: report.tells_apart["genre"].silhouette if "genre" in report.tells_apart else None,
    ),
    "path_evenness": _Promise(
        "evenness of paths", "", lambda report: report.smoothness.evenness if report.smoothness else None
    ),
    "key_clarity": _Promise(
        "samples' key clarity",
        "structured_by",
        lambda report: report.samples_music.key_clarity if report.samples_music else None,
    ),
    "onset_regularity": _Promise(
        "samples' regularity",
        "structured_by",
        lambda report: report.samples_music.onset_regularity if report.samples_music else None,
    ),
}
"""By the setting that has the threshold."""


def goals(report: Report | None, case_study: Mapping[str, float | None], epochs: int) -> list[Goal]:
    """How each promise stands that a profile makes, in a fixed order; none where it makes none.

    Parameters
    ----------
    report
        What was measured last; None where nothing was yet.
    case_study
        The section `case_study` of the profile, by setting.
    epochs
        Epochs of the run: what is promised without an epoch is promised by the last one.
    """
    return [
        _goal(setting, promise, threshold, report, int(case_study.get(promise.by) or epochs))
        for setting, promise in _PROMISES.items()
        if (threshold := case_study.get(setting)) is not None
    ]


def _goal(setting: str, promise: _Promise, threshold: float, report: Report | None, by_epoch: int) -> Goal:
    value = promise.measured(report) if report else None
    if report is None or value is None or not math.isfinite(value):
        return Goal(setting, promise.name, None, threshold, by_epoch, "unknown")
    below: Standing = "not yet" if report.epoch < by_epoch else "missed"
    standing = "reached" if value >= threshold else below
    return Goal(setting, promise.name, value, threshold, by_epoch, standing)
