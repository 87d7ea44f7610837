"""Tiny runs that really go wrong, and what their figures are told to mean."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_run import Train

from harmonic_core.errors import DivergedError, ExitCode
from harmonic_core.evaluation.verdict import judge
from harmonic_core.profile.resolve import Resolved
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import Verdict, read_status
from harmonic_core.training.schedule import rising_epochs

pytestmark = pytest.mark.slow

RATE = 8000
ONLY_AT_THE_END = ("output.checkpoint_every=1000", "evaluation.prior_samples=0", "evaluation.reconstructions=0")


@pytest.fixture
def verdict_of(tmp_path: Path, train_in: Train, profile_of: Callable[..., Resolved]) -> Callable[..., Verdict]:
    """Trains with further settings, `KEY=VALUE`, and judges what `metrics.jsonl` holds then."""

    def train_and_judge(*settings: str) -> Verdict:
        run = RunDirectory(tmp_path / "run")
        with suppress(DivergedError):
            train_in(run.path, *ONLY_AT_THE_END, *settings)
        status, profile = read_status(run.status), profile_of(*settings).profile
        assert status is not None
        verdict = judge(
            read_rows(run.metrics),
            train=profile.train,
            loss=profile.loss,
            augment=profile.augment,
            latent_dim=profile.model.latent_dim,
            rising_epochs=rising_epochs(profile.loss),
            state=status.state,
        )
        assert verdict is not None
        return verdict

    return train_and_judge


def told_of(run: RunDirectory) -> Verdict:
    """The verdict that a run left when it was over."""
    status = read_status(run.status)
    assert status is not None
    assert status.verdict is not None
    return status.verdict


def write_clips(folder: Path, count: int) -> None:
    """Short chords of random notes, no two alike."""
    chance = np.random.default_rng(0)
    times = np.arange(round(1.5 * RATE)) / RATE
    folder.mkdir()
    for number in range(count):
        notes = 110.0 * 2.0 ** (chance.integers(0, 36, 5) / 12.0)
        beats = chance.uniform(1.0, 6.0, 5)
        sound = sum(
            np.sin(2 * np.pi * note * times) * np.abs(np.sin(np.pi * beat * times))
            for note, beat in zip(notes, beats, strict=True)
        )
        soundfile.write(folder / f"clip-{number:02}.wav", 0.1 * sound, RATE)


def test_a_huge_beta_collapses_the_latent(verdict_of: Callable[..., Verdict]) -> None:
    verdict = verdict_of("loss.beta_start=100", "loss.beta_end=100", "train.epochs=100", "train.learning_rate=0.03")
    assert verdict.kind == "collapsed"
    assert "0 of 8 units active" in verdict.evidence
    assert "--beta-end 0.01`" in verdict.action


def test_eight_clips_are_soon_learnt_by_heart(tmp_path: Path, verdict_of: Callable[..., Verdict]) -> None:
    write_clips(tmp_path / "clips", 12)
    verdict = verdict_of(
        "data.dataset=custom",
        f"data.custom_dir={tmp_path / 'clips'}",
        "data.validation_split=0.34",
        "model.hidden_dims=[64,64]",
        "model.latent_dim=16",
        "loss.beta_start=1e-3",
        "loss.beta_end=1e-3",
        "train.batch_size=2",
        "train.learning_rate=3e-3",
        "train.epochs=30",
    )
    assert verdict.kind == "overfitting"
    assert "--augment" in verdict.action


@pytest.mark.parametrize("rate", [10, 100])
def test_a_learning_rate_of_ten_and_more_diverges(verdict_of: Callable[..., Verdict], rate: int) -> None:
    # The weights of the one stay numbers, large ones; those of the other do not.
    verdict = verdict_of(f"train.learning_rate={rate}", "train.warmup_steps=0", "train.epochs=4")
    assert verdict.kind == "diverged"
    assert f"--learning-rate 0.001` (now {rate})" in verdict.action


def test_a_loss_that_is_no_number_ends_as_diverged_with_its_exit_code(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(DivergedError) as failure:
        train_in(run.path, *ONLY_AT_THE_END, "train.learning_rate=100", "train.warmup_steps=0", "train.max_rollbacks=0")
    status = read_status(run.status)
    assert status is not None
    assert (failure.value.exit_code, status.state, status.exit_code) == (3, "diverged", 3)


def test_the_verdict_on_a_run_that_went_back_and_gave_up_agrees_with_its_failure(
    tmp_path: Path, train_in: Train
) -> None:
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(DivergedError, match="2 returns"):
        train_in(run.path, *ONLY_AT_THE_END, "train.learning_rate=100", "train.warmup_steps=0", "train.max_rollbacks=2")
    verdict = told_of(run)
    assert verdict.kind == "diverged"
    assert "ran away" in verdict.sentence
    assert "ent back 2 times" in verdict.evidence


def test_a_run_of_one_epoch_is_told_that_it_was_too_short(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, *ONLY_AT_THE_END, "train.epochs=1") == ExitCode.OK
    assert told_of(run).sentence == "Training was too short to tell: 1 epoch."


def test_a_run_that_ended_early_says_how_it_goes_on_and_does_then(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    still = (*ONLY_AT_THE_END, "train.learning_rate=1e-9", "train.epochs=30", "loss.beta_start=1e-2")
    assert train_in(run.path, *still, "train.early_stopping=2") == ExitCode.OK
    status, verdict = read_status(run.status), told_of(run)
    assert status is not None
    assert "ends early after 3" in status.message
    assert verdict.sentence == "Too early to tell: 3 epochs of 30."
    assert verdict.action == "Go on with `harmonic train --resume-from RUN --early-stopping 0`."
    assert train_in(run.path, *still, "train.early_stopping=0", resume_from=run.path) == ExitCode.OK
    assert [row["epoch"] for row in read_rows(run.metrics) if row["kind"] == "epoch"] == list(range(1, 31))


def test_a_run_that_is_stopped_by_command_says_how_it_goes_on(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, *ONLY_AT_THE_END, "train.epochs=1") == ExitCode.OK
    (run.control / "0.json").write_text('{"command": "stop"}')
    assert train_in(run.path, *ONLY_AT_THE_END, "train.epochs=30", resume_from=run.path) == ExitCode.OK
    status, verdict = read_status(run.status), told_of(run)
    assert status is not None
    assert status.state == "stopped"
    assert verdict.sentence == "Too early to tell: 1 epoch of 30."
    assert verdict.action == "Go on with `harmonic train --resume-from RUN`."
    assert run.console_log.read_text().splitlines()[-2].endswith(verdict.action)
