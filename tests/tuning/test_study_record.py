"""What a study writes down for the console to read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from programs import Programs

from harmonic_core.profile.resolve import resolve
from harmonic_core.run.studies import read_study, seen_study, study_file
from harmonic_core.tuning.objective import FIGURES, read_goal
from harmonic_core.tuning.place import place_of
from harmonic_core.tuning.record import StudyRecord, importance
from harmonic_core.tuning.search import Budget, Search
from harmonic_core.tuning.space import searched

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

SPACE = """extends = "demo"
[tune.space]
latent_dim = [64, 128]
learning_rate = {low = 1e-4, high = 1e-2, log = true}
"""


def study_with(results: list[float | None], objectives: int = 2) -> optuna.Study:
    """A study whose error is that of the latent's size alone, and whose distance rises as it falls; None fails."""
    study = optuna.create_study(directions=["minimize"] * objectives)
    for number, value in enumerate(results):
        known = {"run": f"trial-{number:04d}", "outcome": "failed" if value is None else "complete", "epoch": 3}
        distance = 1000.0 - 100 * (value or 0.0)
        study.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE,
                values=None if value is None else [value, distance][:objectives],
                params={"model.latent_dim": 64 if number % 2 else 128, "train.learning_rate": 1e-4 * (1 + number % 7)},
                distributions={
                    "model.latent_dim": CategoricalDistribution((64, 128)),
                    "train.learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
                },
                user_attrs={
                    **known,
                    "recon_db": math.nan if value is None else value,
                    "mel_fd": None if value is None else distance,
                    "kl_nats": 100.0,
                },
            )
        )
    return study


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., StudyRecord]:
    """Makes the record of a study in a folder."""
    (tmp_path / "a b.toml").write_text(SPACE)

    def make(directory: Path = tmp_path, said: list[str] | None = None, objective: str = "pareto") -> StudyRecord:
        profile, settings = str(tmp_path / "a b.toml"), ("loss.beta_end=0.01",)
        resolved = resolve(profile, settings=[*settings, "train.epochs=3"], environ={})
        search = Search(
            profile=profile,
            settings=settings,
            budget=Budget(epochs=3),
            resolved=resolved,
            space=searched(resolved),
            strategy="tpe",
            pruner="median",
            goal=read_goal(objective),
            trials=20,
            seed=0,
            place=place_of("postgresql://me:secret@host/music", directory, "x"),
            directory=directory,
        )
        return StudyRecord(search, 1, None, True, (said if said is not None else []).append)

    return make


def test_trials_the_best_of_them_and_both_commands_are_written_down(
    record: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    record().write(study_with([6.0, 5.0, None, 5.4]))
    study = read_study(tmp_path)
    assert study is not None
    assert [trial.state for trial in study.trials] == ["complete", "complete", "failed", "complete"]
    assert [trial.values["recon_db"] for trial in study.trials] == [6.0, 5.0, None, 5.4]
    assert [trial.values["mel_fd"] for trial in study.trials] == [400.0, 500.0, None, 460.0]
    assert study.trials[1].params == {"model.latent_dim": 64, "train.learning_rate": 2e-4}
    assert (study.front, study.best) == ((1, 3, 0), 3)
    assert [(each.name, each.unit) for each in study.objectives] == [("recon_db", "dB"), ("mel_fd", "dB²")]
    assert (study.wanted, study.epochs, study.budget) == (20, 3, "3 epochs")
    assert (study.strategy, study.objective_asked, study.pruner) == ("tpe", "pareto", "median")
    best = "--set loss.beta_end=0.01 --set model.latent_dim=64 --set train.learning_rate=0.0004"
    assert study.best_command == f"harmonic train '{tmp_path}/a b.toml' {best}"
    assert study.again_command.startswith(
        f"harmonic tune '{tmp_path}/a b.toml' --trials 20 --epochs 3 --set loss.beta_"
    )
    assert list(study.space) == ["model.latent_dim", "train.learning_rate"]
    assert (study.importance, seen_study(study)) == ({}, "searching")
    assert study.supervisor in study.workers


def test_no_password_is_written_down(record: Callable[..., StudyRecord], tmp_path: Path) -> None:
    record().write(study_with([6.0]))
    text = study_file(tmp_path).read_text()
    assert "secret" not in text
    assert "--storage postgresql://me@host/music" in text


def test_of_one_number_the_lowest_is_best_and_the_front_is_known_all_the_same(
    record: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    record(objective="recon_db").write(study_with([6.0, 5.0, 5.4], objectives=1))
    study = read_study(tmp_path)
    assert study is not None
    assert (study.best, study.front, study.objective.name) == (1, (1, 2, 0), "recon_db")


def test_what_decides_the_error_is_what_matters(record: Callable[..., StudyRecord], tmp_path: Path) -> None:
    record().write(study_with([6.0 if number % 2 else 5.0 for number in range(20)]), "finished")
    study = read_study(tmp_path)
    assert study is not None
    for shares in (study.importance["recon_db"], study.importance["mel_fd"]):
        assert next(iter(shares)) == "model.latent_dim"
        assert shares["model.latent_dim"] > 0.9
        assert sum(shares.values()) == pytest.approx(1.0)
    assert (study.importance_trials, study.supervisor) == (20, None)


def test_trials_that_all_came_to_the_same_say_nothing_of_what_matters() -> None:
    shares = importance(study_with([5.0] * 8), FIGURES[0])
    assert not shares or all(math.isfinite(share) for share in shares.values())


def test_a_trial_that_lacks_a_setting_does_not_hide_what_matters() -> None:
    study = study_with([6.0 if number % 2 else 5.0 for number in range(20)])
    known = {"outcome": "complete", "recon_db": 5.5, "mel_fd": 450.0}
    study.add_trial(optuna.create_trial(values=[5.5, 450.0], user_attrs=known))
    assert next(iter(importance(study, FIGURES[0]))) == "model.latent_dim"


def test_a_place_that_cannot_be_written_is_told_once_and_stops_nothing(
    record: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    said: list[str] = []
    writer = record(tmp_path / "nowhere", said)
    for _ in range(3):
        writer.write(study_with([5.0]))
    assert len(said) == 1
    assert "study.json cannot be written" in said[0]


def test_every_trial_of_a_real_study_is_written_down_with_its_reason(
    harmonic: Programs, refused: list[str], studies: Path
) -> None:
    harmonic.run("tune", *refused, "--trials", "2", "--seed", "7")
    study = read_study(studies / "no")
    assert study is not None
    assert (study.state, study.name, study.wanted, study.message) == ("finished", "no", 2, "")
    assert [(trial.number, trial.state, trial.run) for trial in study.trials] == [
        (0, "failed", "trial-0000"),
        (1, "failed", "trial-0001"),
    ]
    assert "exit status 2" in study.trials[0].reason
    assert study.trials[0].ended_at is not None
    assert study.again_command.startswith(
        "harmonic tune ./no.toml --trials 2 --study no --output-dir output/tuning --seed 7"
    )


def test_how_a_study_came_to_its_end_is_written_down(harmonic: Programs, refused: list[str], studies: Path) -> None:
    harmonic.run("tune", *refused, "--timeout", "0")
    stopped = read_study(studies / "no")
    assert stopped is not None
    assert (stopped.state, stopped.message, stopped.trials) == ("stopped", "0 s are over", ())
    harmonic.run("tune", *refused, expect=1)
    failed = read_study(studies / "no")
    assert failed is not None
    assert failed.state == "failed"
    assert failed.message.startswith("all 5 trials so far failed")


def test_a_study_of_an_older_version_is_written_down_when_it_is_continued(
    harmonic: Programs, refused: list[str], studies: Path
) -> None:
    harmonic.run("tune", *refused, "--trials", "1", "--seed", "7")
    written = json.loads(study_file(studies / "no").read_text())
    study_file(studies / "no").unlink()
    harmonic.run("tune", *refused, "--trials", "1", "--seed", "7")
    again = json.loads(study_file(studies / "no").read_text())
    assert again["trials"] == written["trials"]
