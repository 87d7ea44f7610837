"""What a study writes down for the console to read."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from programs import Programs

from harmonic_core.run.studies import read_study, seen_study, study_file
from harmonic_core.tuning.record import StudyRecord, importance
from harmonic_core.tuning.space import Choice, LogRange

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

SPACE = (Choice("model.latent_dim", (64, 128)), LogRange("train.learning_rate", 1e-4, 1e-2))


def study_with(results: list[float | None]) -> optuna.Study:
    """A study whose error is that of the latent's size alone; None fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(direction="minimize")
    for number, value in enumerate(results):
        known = {"run": f"trial-{number:04d}", "outcome": "failed" if value is None else "complete", "epoch": 3}
        study.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE,
                value=value,
                params={"model.latent_dim": 64 if number % 2 else 128, "train.learning_rate": 1e-4 * (1 + number % 7)},
                distributions={
                    "model.latent_dim": CategoricalDistribution((64, 128)),
                    "train.learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
                },
                user_attrs={**known, "recon_db": math.nan if value is None else value, "kl_nats": 100.0},
            )
        )
    return study


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., StudyRecord]:
    """Makes the record of a study in a folder."""

    def make(directory: Path = tmp_path, said: list[str] | None = None) -> StudyRecord:
        log = (said if said is not None else []).append
        return StudyRecord(directory, "demo", ("loss.beta_end=0.01",), SPACE, 20, 3, ["harmonic", "tune", "a b"], log)

    return make


def test_trials_the_best_of_them_and_both_commands_are_written_down(
    record: Callable[..., StudyRecord], tmp_path: Path
) -> None:
    record().write(study_with([6.0, 5.0, None]))
    study = read_study(tmp_path)
    assert study is not None
    assert [trial.state for trial in study.trials] == ["complete", "complete", "failed"]
    assert [trial.values["recon_db"] for trial in study.trials] == [6.0, 5.0, None]
    assert study.trials[1].params == {"model.latent_dim": 64, "train.learning_rate": 2e-4}
    assert (study.best, study.wanted, study.epochs, study.objective.unit) == (1, 20, 3, "dB")
    assert study.best_command == (
        "harmonic train demo --set loss.beta_end=0.01 --set model.latent_dim=64 --set train.learning_rate=0.0002"
    )
    assert study.again_command == "harmonic tune 'a b'"
    assert list(study.space) == ["model.latent_dim", "train.learning_rate"]
    assert (study.importance, seen_study(study)) == ({"recon_db": {}}, "searching")


def test_what_decides_the_error_is_what_matters(record: Callable[..., StudyRecord], tmp_path: Path) -> None:
    record().write(study_with([6.0 if number % 2 else 5.0 for number in range(20)]), "finished")
    study = read_study(tmp_path)
    assert study is not None
    shares = study.importance["recon_db"]
    assert next(iter(shares)) == "model.latent_dim"
    assert shares["model.latent_dim"] > 0.9
    assert sum(shares.values()) == pytest.approx(1.0)
    assert (study.importance_trials, study.supervisor) == (20, None)


def test_trials_that_all_came_to_the_same_say_nothing_of_what_matters() -> None:
    shares = importance(study_with([5.0] * 8))
    assert not shares or all(math.isfinite(share) for share in shares.values())


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
    assert study.again_command.startswith("harmonic tune ./no.toml --trials 2 --study no --output-dir output/tuning")


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
