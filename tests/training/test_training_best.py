"""The best moment of a run: its whole state is there whenever anything later is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from programs import known_status
from same_runs import position, state_files
from tiny_run import STEPS_PER_EPOCH, Train

from harmonic_core.errors import ExitCode
from harmonic_core.run.directory import RunDirectory
from harmonic_core.training import archive
from harmonic_core.training.checkpoint import checkpoint_steps, open_checkpoint
from harmonic_core.training.weights import read_export

EPOCHS = 7
RUNS_AWAY = (
    f"train.epochs={EPOCHS}",
    "train.learning_rate=0.05",
    "train.learning_rate_schedule=constant",
    "train.warmup_steps=28",
)
"""The learning rate rises until things get worse: the best epoch is an early one."""


@pytest.fixture
def long_ago(tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A run whose best epoch is long over; saving it at once would have cost too much."""
    monkeypatch.setattr(archive, "_BEST_MAY_COST", 0.0)
    run = RunDirectory(tmp_path / "long ago")
    assert train_in(run.path, *RUNS_AWAY, "output.checkpoint_every=100") == ExitCode.OK
    best = known_status(run).best
    assert best is not None
    assert best.epoch < EPOCHS - 1
    return run


def best_step(run: RunDirectory) -> int:
    best = known_status(run).best
    assert best is not None
    return best.step


def test_the_best_moment_stays_though_newer_ones_were_written(
    long_ago: RunDirectory, tmp_path: Path, train_in: Train
) -> None:
    every = RunDirectory(tmp_path / "every")
    assert train_in(every.path, *RUNS_AWAY, "output.checkpoint_every=1") == ExitCode.OK
    step = best_step(long_ago)
    assert step == best_step(every)
    assert checkpoint_steps(long_ago)[-1] == EPOCHS * STEPS_PER_EPOCH
    assert state_files(long_ago, step) == state_files(every, step)
    assert position(long_ago, step) == position(every, step)
    ours = open_checkpoint(long_ago.checkpoints / f"step-{step:08d}").judged_weights()
    exported = read_export(long_ago.export("best"))["model"]
    assert all(torch.equal(ours[name], exported[name]) for name in exported)


def test_a_run_goes_on_from_its_best_export_with_the_whole_state(
    long_ago: RunDirectory, tmp_path: Path, train_in: Train
) -> None:
    whole = {step: state_files(long_ago, step) for step in checkpoint_steps(long_ago)}
    last = max(whole)
    assert train_in(long_ago.path, *RUNS_AWAY, resume_from=long_ago.export("best")) == ExitCode.OK
    assert state_files(long_ago, last) == whole[last]


def test_a_best_moment_that_is_gone_back_behind_is_forgotten_with_its_export(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, *RUNS_AWAY, "output.keep=9") == ExitCode.OK
    later, earlier = best_step(run), STEPS_PER_EPOCH
    assert later > earlier
    weights = open_checkpoint(run.checkpoints / f"step-{earlier:08d}").weights()
    first = run.checkpoints / f"step-{earlier:08d}"
    assert train_in(run.path, *RUNS_AWAY, "train.epochs=1", resume_from=first) == ExitCode.OK
    export = read_export(run.export("best"))
    assert (export["step"], best_step(run)) == (earlier, earlier)
    assert all(torch.equal(export["model"][name], weights[name]) for name in weights)


def test_before_the_first_best_there_is_no_export_of_it(tmp_path: Path, train_in: Train) -> None:
    run = RunDirectory(tmp_path / "run")
    assert train_in(run.path, *RUNS_AWAY, "output.keep=9") == ExitCode.OK
    beginning = run.checkpoints / "step-00000000"
    without = ("data.validation_split=0", "train.epochs=1")
    assert train_in(run.path, *RUNS_AWAY, *without, resume_from=beginning) == ExitCode.OK
    assert not run.export("best").exists()
