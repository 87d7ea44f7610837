"""The figures of a study: every trial in its place, nothing outside the picture, whatever there is to draw."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from written_studies import OBJECTIVES, TRADED, a_study, trial, write

from harmonic_core.errors import DiskError
from harmonic_core.evaluation.picture_style import picture_style
from harmonic_core.run.studies import Study
from harmonic_core.tuning.figures import draw_beside, importance, write_figures
from harmonic_core.tuning.front_figure import pareto
from harmonic_core.tuning.history_figure import history

IMPORTANCE = {"recon_db": {"model.latent_dim": 0.7, "loss.beta_end": 0.3}, "mel_fd": {"loss.beta_end": 1.0}}


def study_of(number: int, **changes: Any) -> Study:
    """A study of so many trials, all kinds among them once there are enough."""
    random = np.random.default_rng(number)
    trials = []
    for place in range(number):
        state = "complete" if place % 7 < 4 else ("pruned", "failed", "interrupted")[place % 3]
        error, distance = 5.0 + random.random(), 300.0 + 900.0 * random.random()
        values = {"complete": (error, distance), "pruned": (error + 1.0,)}.get(state, ())
        stage = ("baseline", "sweep", "refine")[min(2, place // 2)]
        trials.append(trial(place, state, values=values, stage=stage))
    given = {"importance": IMPORTANCE, "importance_trials": number} if number > 5 else {}
    return a_study(trials, **{**given, **changes})


def edge_of(figure: Figure) -> set[int]:
    """Values of the outermost pixels of a figure: white alone where nothing is cut off."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    return {int(value) for side in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]) for value in np.unique(side)}


def words(figure: Figure) -> str:
    """Everything that is written in a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def spots(figure: Figure, label: str) -> list[tuple[float, float]]:
    """Places of the marks that a legend calls `label`, of all panels."""
    return [
        (float(x), float(y))
        for axes in figure.axes
        for marks in axes.collections
        if isinstance(marks, PathCollection) and marks.get_label() == label
        for x, y in np.asarray(marks.get_offsets())
    ]


@pytest.mark.parametrize("number", [0, 1, 3, 200])
@pytest.mark.parametrize("draw", [importance, history, pareto])
def test_nothing_is_cut_off_at_the_edge_of_the_picture(draw: Any, number: int) -> None:
    long = {"model." + "a_rather_long_name_of_a_setting": 0.5, "loss.beta_end": 0.5}
    study = study_of(number, name="s" * 60, importance={"recon_db": long} if number > 5 else {})
    with picture_style():
        assert edge_of(draw(study)) == {255}


def test_the_front_is_a_line_of_diamonds_and_the_knee_is_ringed() -> None:
    figure = pareto(a_study())
    assert sorted(spots(figure, "Pareto front")) == [(5.0, 900.0), (5.2, 400.0), (6.0, 300.0)]
    assert spots(figure, "complete") == [(5.9, 1000.0)]
    assert spots(figure, "recommended: trial 2") == [(5.2, 400.0)]
    (line,) = figure.axes[0].get_lines()
    assert list(np.asarray(line.get_xdata())) == [5.0, 5.2, 6.0]
    assert list(np.asarray(line.get_ydata())) == [900.0, 400.0, 300.0]
    assert line.get_drawstyle() == "steps-post"


def test_axes_have_their_units_and_say_what_is_better() -> None:
    axes = pareto(a_study()).axes[0]
    assert axes.get_xlabel() == "held-out mel error, dB (lower is better)"
    assert axes.get_ylabel() == "mel-FD of prior samples, dB² (lower is better)"
    upper, lower = history(a_study()).axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("held-out mel error, dB", "mel-FD of prior samples, dB²")
    assert lower.get_xlabel() == "trial"


def test_pruned_and_failed_trials_are_marked_in_their_place() -> None:
    pairs = [trial(number, values=pair) for number, pair in enumerate(TRADED)]
    study = a_study([*pairs, trial(4, "pruned", values=(5.5,)), trial(5, "failed"), trial(6, "failed")])
    figure = history(study)
    assert (4.0, 5.5) in spots(figure, "pruned")
    assert sorted({x for x, _ in spots(figure, "failed")}) == [5.0, 6.0]
    assert spots(pareto(study), "pruned before")[0][0] == 5.5


def test_the_best_so_far_falls_where_a_trial_was_better() -> None:
    upper = history(a_study()).axes[0]
    (line,) = (line for line in upper.get_lines() if line.get_label() == "best so far")
    assert list(np.asarray(line.get_xdata())) == [0, 1, 3]
    assert list(np.asarray(line.get_ydata())) == [6.0, 5.0, 5.0]


def test_one_far_value_does_not_flatten_all_others_and_is_marked_at_the_edge() -> None:
    pairs = [(5.0 + 0.1 * number, 300.0 + 10 * number) for number in range(9)]
    study = a_study([trial(number, values=pair) for number, pair in enumerate([*pairs, (5.05, 9e9)])])
    for figure, axes in ((history(study), 1), (pareto(study), 0)):
        FigureCanvasAgg(figure).draw()
        assert figure.axes[axes].get_ylim()[1] < 600.0
        assert len(spots(figure, "beyond the scale")) == 1


def test_the_stages_of_a_search_are_named_where_they_begin() -> None:
    assert {"baseline", "sweep", "refine"} <= set(words(history(study_of(12))).splitlines())


def test_importance_has_a_bar_for_each_objective_the_largest_on_top() -> None:
    figure = importance(study_of(12))
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["model.latent_dim", "loss.beta_end"]
    assert sorted(bar.get_width() for bar in axes.patches) == pytest.approx([0.0, 30.0, 70.0, 100.0])  # type: ignore[attr-defined]
    assert "70 %" in words(figure)


@pytest.mark.parametrize(
    ("study", "draw", "told"),
    [
        (a_study(), importance, "What matters cannot be told yet: 4 trials completed"),
        (a_study([]), pareto, "No trial has both figures yet: no trial yet"),
        (a_study(objectives=OBJECTIVES[:1]), pareto, "It has one objective"),
        (a_study([trial(0, "failed")]), history, "no trial has this figure"),
        (a_study([trial(0, values=(math.inf, math.nan))]), pareto, "No trial has both figures yet"),
    ],
)
def test_where_there_is_nothing_to_draw_it_says_so(study: Study, draw: Any, told: str) -> None:
    assert told in words(draw(study))


def test_three_pictures_are_written_and_replaced(tmp_path: Path) -> None:
    for number in (1, 12):
        written = write_figures(study_of(number, name="$x_1$"), tmp_path / "new" / "figures")
    assert [path.name for path in written] == ["importance.png", "history.png", "pareto.png"]
    assert sorted(path.name for path in (tmp_path / "new" / "figures").iterdir()) == sorted(
        path.name for path in written
    )
    assert all(imread(path).ndim == 3 for path in written)


def test_where_they_cannot_be_written_is_a_matter_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="figures cannot be written there"):
        write_figures(a_study(), tmp_path / "file" / "figures")


def test_a_search_that_ends_draws_them_beside_its_trials_and_does_not_fail_where_it_cannot(tmp_path: Path) -> None:
    said: list[str] = []
    directory = write(a_study(), tmp_path)
    draw_beside(directory, said.append)
    assert len(list((directory / "figures").iterdir())) == 3
    assert said[0].startswith("drawn: ")
    for path in (directory / "figures").iterdir():
        path.unlink()
    (directory / "figures").rmdir()
    (directory / "figures").write_text("")
    draw_beside(directory, said.append)
    assert "the figures cannot be written there" in said[1]
    draw_beside(tmp_path / "nothing", said.append)
    assert len(said) == 2
