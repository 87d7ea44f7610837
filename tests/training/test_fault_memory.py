"""Too little memory: smaller parts of a batch, the same update, and in the end advice with numbers."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from programs import known_status
from same_runs import assert_same, rows_without_times, said, state_files
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import ExitCode, OutOfMemoryError
from harmonic_core.evaluation import validation
from harmonic_core.run.directory import RunDirectory
from harmonic_core.training import loop, sounds, update
from harmonic_core.training.checkpoint import newest_checkpoint
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.update import update_weights

STEPS = EPOCHS * STEPS_PER_EPOCH

Fault = Callable[..., None]


@pytest.fixture
def too_large(monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Lets memory run out in `module.name` for more than so many segments, from the nth call on."""

    def arrange(module: Any, name: str, fits: int, first_call: int = 1) -> None:
        work, calls = getattr(module, name), [0]

        def fail(batch: Any, *rest: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] >= first_call and len(batch) > fits:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.\nmore")
            return work(batch, *rest, **named)

        monkeypatch.setattr(module, name, fail)

    return arrange


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has this process told to stop when a run has made N updates."""

    def arrange(step: int) -> None:
        def update_or_stop(state: Any, *arguments: Any, **named: Any) -> bool:
            if state.step == step:
                signal.raise_signal(signal.SIGTERM)
            return update_weights(state, *arguments, **named)

        monkeypatch.setattr(loop, "update_weights", update_or_stop)

    return arrange


@pytest.mark.parametrize(
    ("error", "ran_out"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError("no space left"), False),
    ],
)
def test_every_part_of_torch_says_in_its_own_words_that_memory_ran_out(error: Exception, ran_out: bool) -> None:
    assert is_out_of_memory(error) is ran_out


def test_an_error_that_is_caused_by_too_little_memory_is_one_of_memory() -> None:
    def save() -> None:
        try:
            raise MemoryError
        finally:
            raise RuntimeError("unexpected pos 64 vs 0")  # as torch.save does

    with pytest.raises(RuntimeError) as failure:
        save()
    assert is_out_of_memory(failure.value)


def test_a_batch_that_does_not_fit_is_computed_in_parts_as_if_it_had_been_from_the_start(
    tmp_path: Path, train_in: Train, too_large: Fault
) -> None:
    divided, tight = RunDirectory(tmp_path / "divided"), RunDirectory(tmp_path / "tight")
    assert train_in(divided.path, "train.grad_accum_steps=2") == ExitCode.OK
    too_large(update, "loss_of", fits=2)
    assert train_in(tight.path) == ExitCode.OK
    assert state_files(tight, STEPS) == state_files(divided, STEPS)
    assert rows_without_times(tight) == rows_without_times(divided)
    (message,) = said(tight, "oom")
    assert "out of memory with 4 segments at once (CUDA out of memory. Tried to allocate 3.00 GiB.)" in message
    assert "2 at once and grad_accum_steps 2, the same batch of 4" in message
    assert known_status(tight).grad_accum_steps == 2


@pytest.mark.parametrize("call", [4, 5, 11, 12])
def test_running_out_anywhere_leaves_no_gradient_behind_and_trains_the_same(
    tmp_path: Path, train_in: Train, finished: RunDirectory, too_large: Fault, call: int
) -> None:
    """Where the batch was in two parts already, that is also between them: the first has left its gradients."""
    run, divided = RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "divided")
    assert train_in(divided.path, "train.grad_accum_steps=2") == ExitCode.OK
    too_large(update, "loss_of", fits=1, first_call=call)
    assert train_in(run.path, "train.grad_accum_steps=2") == ExitCode.OK
    assert known_status(run).grad_accum_steps == 4
    ours, theirs = (newest_checkpoint(each).weights() for each in (run, divided))
    for name, weights in theirs.items():
        torch.testing.assert_close(ours[name], weights, rtol=1e-3, atol=1e-5, msg=name)
    assert [(row["kind"], row["step"]) for row in rows_without_times(run)] == [
        (row["kind"], row["step"]) for row in rows_without_times(finished)
    ]


def test_a_single_segment_that_does_not_fit_ends_with_numbers_to_act_on(
    tmp_path: Path, train_in: Train, too_large: Fault
) -> None:
    run = RunDirectory(tmp_path / "run")
    too_large(update, "loss_of", fits=0, first_call=6)
    advice = r"single segment at once .*batch_size 4 cannot.*take about \d.*`--hidden-dims 8,8`.*--segment-length 0\.5"
    with pytest.raises(OutOfMemoryError, match=advice) as failure:
        train_in(run.path)
    assert failure.value.exit_code == ExitCode.OUT_OF_MEMORY == known_status(run).exit_code
    assert (known_status(run).state, known_status(run).message) == ("failed", str(failure.value))
    assert len(said(run, "oom")) == 2
    assert newest_checkpoint(run).step == STEPS_PER_EPOCH


def test_validation_that_does_not_fit_is_done_in_smaller_parts(
    tmp_path: Path, train_in: Train, finished: RunDirectory, too_large: Fault
) -> None:
    run = RunDirectory(tmp_path / "run")
    too_large(validation, "loss_of", fits=1, first_call=3)
    assert train_in(run.path) == ExitCode.OK
    assert len(said(run, "oom")) == 2
    figures = [
        [row["val_recon_db"] for row in rows_without_times(each) if row["kind"] == "epoch"] for each in (run, finished)
    ]
    assert figures[0] == pytest.approx(figures[1], rel=1e-3)


def test_sounds_that_do_not_fit_are_left_out_and_training_is_the_same(
    tmp_path: Path, train_in: Train, finished: RunDirectory, too_large: Fault
) -> None:
    run = RunDirectory(tmp_path / "run")
    too_large(sounds, "mel_to_sound", fits=0, first_call=10)
    assert train_in(run.path) == ExitCode.OK
    warnings = [words for words in said(run, "warning") if "no samples" in words]
    assert [words.split(":")[0] for words in warnings] == ["no samples of step 8", "no samples of step 12"]
    assert not list(run.samples.glob(".*"))
    assert_same(run, finished, STEPS)


def test_a_run_that_is_continued_keeps_the_smaller_parts(
    tmp_path: Path,
    train_in: Train,
    too_large: Fault,
    stop_at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, cut = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "cut")
    too_large(update, "loss_of", fits=2, first_call=6)
    assert train_in(whole.path) == ExitCode.OK
    monkeypatch.undo()
    too_large(update, "loss_of", fits=2, first_call=6)
    stop_at(7)
    assert train_in(cut.path) == ExitCode.TERMINATED
    # There is memory enough now, but then the sums would be rounded otherwise.
    monkeypatch.undo()
    assert train_in(cut.path, resume_from=cut.path) == ExitCode.OK
    assert_same(cut, whole, STEPS)
    assert known_status(cut).grad_accum_steps == 2
    assert len(said(cut, "oom")) == 1
