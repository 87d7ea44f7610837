"""A run measures itself with its checkpoints, for a bounded share of its time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import ExitCode
from harmonic_core.evaluation.closeness import Ears
from harmonic_core.evaluation.validation import mean_deviation
from harmonic_core.model.build import build_model
from harmonic_core.model.vae import Posterior
from harmonic_core.profile.resolve import Resolved
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import read_evaluations
from harmonic_core.run.records import read_rows
from harmonic_core.training.journal import SilentJournal
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.measurement import Budget, Measurement
from harmonic_core.training.self_evaluation import SelfEvaluation
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.update import make_state

ALL_THE_TIME = "evaluation.evaluation_share=1"


def test_every_checkpoint_of_a_milestone_is_measured_where_there_is_time(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, ALL_THE_TIME, "data.demo_minutes=2", "train.epochs=3") == ExitCode.OK
    reports = read_evaluations(run)
    assert reports
    assert reports[-1].epoch == 3
    assert reports[-1].mean_spectrum_db > reports[-1].model.mel_db > 0
    assert reports[-1].model_and_vocoder.loudness_db is not None
    assert len(reports[-1].kl_per_dim) == reports[-1].latent_dim == 8
    told = [row for row in read_rows(run.events) if row["kind"] == "evaluation"]
    assert len(told) == len(reports)
    assert f"mel {reports[-1].model.mel_db:.2f} dB" in told[-1]["message"]


def test_a_run_too_short_for_its_share_is_measured_once_at_the_end(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, "evaluation.evaluation_share=0.0001") == ExitCode.OK
    (report,) = read_evaluations(run)
    assert (report.epoch, report.step) == (EPOCHS, EPOCHS * STEPS_PER_EPOCH)


def test_a_share_of_nothing_measures_nothing(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, "evaluation.evaluation_share=0") == ExitCode.OK
    assert not run.evaluations.exists()


def test_measuring_changes_nothing_that_is_learnt(tmp_path: Path, train_in: Train, finished: RunDirectory) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, ALL_THE_TIME)
    ours, theirs = (read_rows(each.metrics)[-1] for each in (run, finished))
    assert ours["val_loss"] == theirs["val_loss"]


def test_what_was_measured_of_steps_that_come_again_is_forgotten(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    train_in(run.path, ALL_THE_TIME)
    with run.evaluations.open("a", encoding="utf-8") as file:
        file.write('{"kind":"evaluation","step":9999,"epoch":99}\n')
    train_in(run.path, ALL_THE_TIME, "train.epochs=4", resume_from=run.path)
    assert [row["step"] for row in read_rows(run.evaluations) if row["step"] > EPOCHS * STEPS_PER_EPOCH] in ([], [16])


def test_tensorboard_hears_of_it(tmp_path: Path, train_in: Train) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = RunDirectory(tmp_path / "run")
    train_in(run.path, ALL_THE_TIME, "output.use_tensorboard=true")
    events = EventAccumulator(str(run.logs))
    events.Reload()
    tags = events.Tags()["scalars"]
    assert {"evaluation/model/mel_db", "evaluation/draws/mel_fd"} <= set(tags)


def test_a_budget_says_when_a_share_of_it_is_spent() -> None:
    assert Budget().allows(0.0001)
    spent = Budget(seconds=10.0, _began=-1e9)
    assert not spent.allows(1.0)
    with pytest.raises(StoppedError):
        Budget(stopped=lambda: True).allows(1.0)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, profile_of: object) -> tuple[Resolved, Material]:
    resolved: Resolved = profile_of("data.demo_minutes=6", "data.validation_split=0.3")  # type: ignore[operator]
    journal = SilentJournal(RunDirectory(tmp_path_factory.mktemp("nowhere")), lambda: None)  # type: ignore[arg-type, return-value]
    found = prepare_material(resolved.profile, journal, lambda: False)
    assert found is not None
    return resolved, found


def test_little_time_looks_at_a_handful_spread_over_all(material: tuple[Resolved, Material]) -> None:
    profile, music = material[0].profile, material[1]
    torch.manual_seed(0)
    model = build_model(profile.model, profile.audio, profile.segment_frames)
    measurement = Measurement(profile, Ears(profile.audio), music.training, music.validation, 10.0)
    about = {"weights": "x", "step": 1, "epoch": 1, "music": "y"}
    hasty = measurement.report(model, None, Budget(1e-9), **about)  # type: ignore[arg-type]
    thorough = measurement.report(model, None, Budget(), **about)  # type: ignore[arg-type]
    assert 0 < hasty.heard <= 4
    assert hasty.heard < thorough.heard
    assert hasty.tells_apart == {}
    assert thorough.tells_apart["genre"].values > 1
    assert thorough.samples_music is not None
    assert model.training


def test_what_is_not_spent_is_left_for_the_next_time_and_what_was_overspent_is_taken_off(
    material: tuple[Resolved, Material], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, music = material[0].profile, material[1]
    model = build_model(profile.model, profile.audio, profile.segment_frames)
    state = make_state(model, profile.train, torch.device("cpu"))
    journal = SilentJournal(RunDirectory(Path()), lambda: None)  # type: ignore[arg-type, return-value]
    given: list[float] = []

    def measure(self: Measurement, model: object, refine: object, budget: Budget, **about: object) -> object:
        given.append(budget.seconds)
        raise StoppedError

    monkeypatch.setattr(Measurement, "report", measure)
    profile = profile.model_copy(update={"evaluation": profile.evaluation.model_copy(update={"evaluation_share": 0.1})})
    evaluation = SelfEvaluation(profile, music, journal, torch.device("cpu"), 10.0, lambda: False)
    evaluation.measure(state, None, 1.0, is_last=False)
    assert given == []
    evaluation.measure(state, None, 100.0, is_last=False)
    assert given == [pytest.approx(10.0)]
    evaluation._spent_s = 25.0
    evaluation.measure(state, None, 200.0, is_last=False)
    assert len(given) == 1
    evaluation.measure(state, None, 300.0, is_last=False)
    assert given[1] == pytest.approx(5.0, abs=0.1)


def test_distances_are_counted_in_what_the_encoder_is_sure_of() -> None:
    mu = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    sure_of_the_first = Posterior(mu, torch.tensor([[0.01, 1.0], [0.01, 1.0]]).log())
    scaled = (mu / mean_deviation(sure_of_the_first)).numpy()
    assert scaled[1].tolist() == pytest.approx([10.0, 1.0])
    assert np.isfinite(scaled).all()
    assert math.isfinite(float(scaled.sum()))
