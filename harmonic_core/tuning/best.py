"""Which trials of a study are worth training in full: the front, its knee, and why. Reads `study.json`; no Optuna."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from harmonic_core.run.studies import Objective, Study, Trial

_WORDS = {"recon_db": "held-out mel error", "mel_fd": "mel-FD of prior samples"}


def objective_words(objective: Objective) -> str:
    """What an objective measures, in words; its name where that is not known."""
    return _WORDS.get(objective.name, objective.name)


def value_of(trial: Trial, objective: Objective) -> float | None:
    """What a trial came to; None where that is not known, or no finite number."""
    value = trial.values.get(objective.name)
    return value if value is not None and math.isfinite(value) else None


def completed(study: Study) -> list[Trial]:
    """Trials that came to their end with a figure to be ranked by, in the order of their numbers."""
    return [
        trial for trial in study.trials if trial.state == "complete" and value_of(trial, study.objective) is not None
    ]


def front_of(study: Study) -> list[Trial]:
    """Completed trials than which no other is better in one objective and as good in all, in the order of the first.

    Trials of which an objective is not known are not compared, unless none is known in full.
    """
    objectives = study.objectives or (study.objective,)
    judged = [(trial, values) for trial in completed(study) if (values := _signed(trial, objectives)) is not None]
    front = [each for each in judged if not any(_dominates(other[1], each[1]) for other in judged)]
    return [trial for trial, _ in sorted(front, key=lambda each: each[1])]


def knee(study: Study) -> Trial | None:
    """The trial of the front that comes nearest to the best of all objectives at once; None where there is no front.

    Each objective is scaled to 0 at the best and 1 at the middle one of all completed trials; the distance is
    Euclidean, and the better in the first objective wins a tie. (The compromise solution of Yu 1973. Scaled by the
    front alone, a hundredth of one objective would weigh as much as half of another wherever it has two trials.)
    """
    objectives = study.objectives or (study.objective,)
    values = {trial.number: signed for trial in completed(study) if (signed := _signed(trial, objectives)) is not None}
    if not values:
        return None
    columns = list(zip(*values.values(), strict=True))
    low = [min(column) for column in columns]
    span = [statistics.median(column) - min(column) or max(column) - min(column) or 1.0 for column in columns]

    def distance(trial: Trial) -> tuple[float, tuple[float, ...]]:
        scaled = [(value - least) / width for value, least, width in zip(values[trial.number], low, span, strict=True)]
        return round(math.hypot(*scaled), 9), values[trial.number]

    return min((trial for trial in front_of(study) if trial.number in values), key=distance, default=None)


def recommended(study: Study) -> Trial | None:
    """The trial to train in full: the study's own best; where it names none that was completed, the knee of its front.

    None before a trial was completed.
    """
    trials = completed(study)
    named = next((trial for trial in trials if trial.number == study.best), None)
    return named or knee(study) or (trials[0] if trials else None)


def why(study: Study, trial: Trial) -> str:
    """Why `trial` is recommended, or what speaks against one that is not, in a sentence without its full stop."""
    objectives, front = study.objectives or (study.objective,), front_of(study)
    asked = study.objective_asked or "pareto"
    best = recommended(study)
    if trial != best:
        if asked == "pareto" and trial in front:
            return "on the Pareto front: no other trial betters it in every objective"
        return f"not the recommended one, which is trial {best.number}" if best else "it was not completed"
    if asked != "pareto" or len(objectives) == 1:
        what = objective_words(study.objective) if asked in {"pareto", study.objective.name} else f"sum {asked}"
        return f"the lowest {what} of {len(completed(study))} completed"
    if len(front) == 1:
        return "the best in every objective at once"
    scaled = "each scaled to the middle one of all trials"
    return f"the knee of the Pareto front: nearest to the best of both objectives at once, {scaled}"


def _signed(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """Values with signs such that lower is better; None where one is not known."""
    values = [value_of(trial, each) for each in objectives]
    if any(value is None for value in values):
        return None
    return tuple(
        value if each.direction == "minimize" else -value
        for value, each in zip(values, objectives, strict=True)
        if value is not None
    )


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
