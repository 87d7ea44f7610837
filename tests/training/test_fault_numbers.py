"""Losses and gradients that are no numbers: left out, counted, and gone back from when they do not end."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from same_runs import assert_same, rows_without_times, said
from tiny_run import EPOCHS, STEPS_PER_EPOCH, Train

from harmonic_core.errors import DivergedError, ExitCode
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, read_status
from harmonic_core.training import loop, update
from harmonic_core.training.checkpoint import checkpoint_steps, newest_checkpoint, open_checkpoint
from harmonic_core.training.state import TrainState
from harmonic_core.training.update import update_weights

STEPS = EPOCHS * STEPS_PER_EPOCH
AVERAGED = "train.ema_decay=0.9"
PATIENT = "train.max_bad_steps=3"

Hook = Callable[[TrainState], None]
Spoil = Callable[..., dict[int, tuple[bytes, bytes]]]


def everything_in(state: TrainState) -> bytes:
    """Bytes of all that an update may change, in one order."""
    assert state.averaged is not None
    moments = [value for entry in state.optimizer.state_dict()["state"].values() for _, value in sorted(entry.items())]
    tensors = [*state.model.state_dict().values(), *state.averaged.state_dict().values(), *moments]
    return b"".join(tensor.numpy().tobytes() for tensor in tensors)


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Spoil:
    """Spoils the updates after some steps, each so many times; gives what they found and left, by step."""

    def arrange(
        times: Mapping[int, int], value: float = math.nan, where: str = "gradient", also: Hook = lambda state: None
    ) -> dict[int, tuple[bytes, bytes]]:
        left, seen = dict(times), {}

        def spoiled(state: TrainState, loader: Any, features: Any, *rest: Any, **named: Any) -> bool:
            also(state)
            step = state.step
            if not left.get(step):
                return update_weights(state, loader, features, *rest, **named)
            left[step] -= 1
            before = everything_in(state) if state.averaged else b""
            if where == "loss":
                ruined: Any = lambda samples: features(samples) * value  # noqa: E731
                made = update_weights(state, loader, ruined, *rest, **named)
            else:
                weights: Any = list(state.model.parameters())[-1]
                hook = weights.register_hook(lambda gradient: gradient + value)
                made = update_weights(state, loader, features, *rest, **named)
                hook.remove()
            seen[step] = before, everything_in(state) if state.averaged else b""
            return made

        monkeypatch.setattr(loop, "update_weights", spoiled)
        return seen

    return arrange


def status_of(run: RunDirectory) -> Status:
    status = read_status(run.status)
    assert status is not None
    return status


@pytest.mark.parametrize(
    ("value", "where"), [(math.nan, "gradient"), (math.inf, "gradient"), (-math.inf, "gradient"), (math.nan, "loss")]
)
def test_an_update_whose_figures_are_no_numbers_changes_nothing_and_is_counted(
    tmp_path: Path, train_in: Train, spoil: Spoil, value: float, where: str
) -> None:
    run = RunDirectory(tmp_path / "run")
    spoilt = spoil({5: 1, 9: 1, 10: 1}, value, where)
    assert train_in(run.path, AVERAGED) == ExitCode.OK
    assert sorted(spoilt) == [5, 9, 10]
    assert all(before == after for before, after in spoilt.values())
    rows = rows_without_times(run)
    skipped = {row["step"]: row["skipped"] for row in rows if row["kind"] == "step"}
    assert skipped == {2: 0, 4: 0, 6: 1, 8: 0, 10: 1, 12: 1}
    assert [row["skipped"] for row in rows if row["kind"] == "epoch"] == [0, 1, 2]
    assert all(math.isfinite(row["loss"]) and math.isfinite(row["grad_norm"]) for row in rows)
    assert (status_of(run).skipped_steps, status_of(run).rollbacks) == (3, 0)
    assert [message.split(":")[0] for message in said(run, "skipped")] == [
        f"1 update up to step {step} left out" for step in (6, 10, 12)
    ]
    assert newest_checkpoint(run).step == STEPS


def test_the_very_first_update_may_be_left_out(tmp_path: Path, train_in: Train, spoil: Spoil) -> None:
    run = RunDirectory(tmp_path / "run")
    spoil({0: 1, 1: 1})
    assert train_in(run.path, AVERAGED) == ExitCode.OK
    first = next(row for row in rows_without_times(run) if row["kind"] == "step")
    assert first["skipped"] == 2
    assert math.isnan(first["loss"])
    assert status_of(run).skipped_steps == 2


def test_an_update_in_parts_is_left_out_as_a_whole(tmp_path: Path, train_in: Train, spoil: Spoil) -> None:
    spoilt = spoil({5: 1})
    assert train_in(tmp_path / "run", AVERAGED, "train.grad_accum_steps=4") == ExitCode.OK
    before, after = spoilt[5]
    assert before == after


def test_too_many_in_a_row_go_back_to_the_last_good_checkpoint_with_half_the_learning_rate(
    tmp_path: Path, train_in: Train, finished: RunDirectory, spoil: Spoil
) -> None:
    run = RunDirectory(tmp_path / "run")
    spoil(dict.fromkeys(range(5, 8), 1))
    assert train_in(run.path, PATIENT) == ExitCode.OK
    status = status_of(run)
    assert (status.state, status.rollbacks, status.skipped_steps) == ("finished", 1, 3)
    (message,) = said(run, "rollback")
    assert "3 updates in a row up to step 8; back to step 4 with 0.5 times the learning rate (1 of at most 3" in message
    ours, theirs = (
        {(row["kind"], row["step"]): row["learning_rate"] for row in rows_without_times(each)}
        for each in (run, finished)
    )
    assert [*ours] == [*theirs], "a row is doubled or missing"
    for place, rate in theirs.items():
        assert ours[place] == pytest.approx(rate if place[1] <= STEPS_PER_EPOCH else rate / 2)


def test_too_many_returns_end_as_diverged_with_advice(tmp_path: Path, train_in: Train, spoil: Spoil) -> None:
    run = RunDirectory(tmp_path / "run")
    spoil(dict.fromkeys(range(5, 9), 1000))
    advice = (
        r"2 returns with half the learning rate each did not help; lower `--learning-rate` \(now 0\.001\).*grad_clip"
    )
    with pytest.raises(DivergedError, match=advice) as diverged:
        train_in(run.path, PATIENT, "train.max_rollbacks=2")
    assert diverged.value.exit_code == ExitCode.DIVERGED == status_of(run).exit_code
    assert (status_of(run).state, status_of(run).rollbacks) == ("diverged", 2)
    assert status_of(run).message == str(diverged.value)
    verdict = status_of(run).verdict
    assert verdict is not None
    assert verdict.kind == "diverged"
    assert len(said(run, "rollback")) == 2
    assert newest_checkpoint(run).step == STEPS_PER_EPOCH
    assert all(tensor.isfinite().all() for tensor in newest_checkpoint(run).weights().values())


def test_where_no_return_is_allowed_the_first_need_of_one_is_the_end(
    tmp_path: Path, train_in: Train, spoil: Spoil
) -> None:
    spoil({4: 1, 5: 1, 6: 1, 7: 1})
    with pytest.raises(DivergedError, match=r"[34] updates in a row"):
        train_in(tmp_path / "run", PATIENT, "train.max_rollbacks=0")
    assert status_of(RunDirectory(tmp_path / "run")).rollbacks == 0


def test_a_return_is_not_forgotten_by_a_trainer_that_dies_right_after_it(
    tmp_path: Path, train_in: Train, spoil: Spoil
) -> None:
    lived, died = RunDirectory(tmp_path / "lived"), RunDirectory(tmp_path / "died")
    bad = dict.fromkeys(range(5, 8), 1)
    spoil(bad)
    assert train_in(lived.path, PATIENT) == ExitCode.OK

    def die(state: TrainState) -> None:
        if state.rollbacks and state.step == 5:
            raise KeyboardInterrupt

    spoil(bad, also=die)
    with pytest.raises(KeyboardInterrupt):
        train_in(died.path, PATIENT)
    assert (status_of(died).state, status_of(died).exit_code) == ("stopped", ExitCode.INTERRUPTED)
    spoil({})
    assert train_in(died.path, PATIENT, resume_from=died.path) == ExitCode.OK
    assert status_of(died).rollbacks == 1
    assert_same(died, lived, STEPS)


def test_bad_updates_are_counted_on_after_a_stop_and_the_checkpoint_among_them_is_not_gone_back_to(
    tmp_path: Path, train_in: Train, spoil: Spoil
) -> None:
    def stop(state: TrainState) -> None:
        if state.step == 7:
            signal.raise_signal(signal.SIGTERM)

    run = RunDirectory(tmp_path / "run")
    spoil({5: 1, 6: 1}, also=stop)
    assert train_in(run.path, PATIENT) == ExitCode.TERMINATED
    assert checkpoint_steps(run)[-1] == 7
    spoil({7: 1})
    assert train_in(run.path, PATIENT, resume_from=run.path) == ExitCode.OK
    (message,) = said(run, "rollback")
    assert "back to step 4 " in message


@pytest.mark.parametrize("step", [5, 6, 7, 8])
def test_weights_that_are_ruined_are_never_saved_but_put_back(
    tmp_path: Path, train_in: Train, spoil: Spoil, step: int
) -> None:
    """Whatever ruined them: the epoch's own check finds it where updates in a row are too few to."""
    ruined: list[int] = []

    def ruin(state: TrainState) -> None:
        if state.step == step and not ruined:
            ruined.append(step)
            with torch.no_grad():
                next(state.model.parameters()).fill_(math.nan)

    run = RunDirectory(tmp_path / "run")
    spoil({}, also=ruin)
    assert train_in(run.path) == ExitCode.OK
    assert status_of(run).rollbacks == 1
    exported = torch.load(run.export("best"), weights_only=True)["model"]
    saved = [open_checkpoint(run.checkpoints / f"step-{each:08d}").weights() for each in checkpoint_steps(run)]
    assert all(tensor.isfinite().all() for weights in (exported, *saved) for tensor in weights.values())


def test_an_overflow_in_half_precision_is_left_out_and_halves_the_scale_which_a_resume_restores(
    tmp_path: Path, train_in: Train, spoil: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU without bfloat16: a scaled loss, whose scale is part of the state."""
    monkeypatch.setattr(update, "half_type", lambda device: torch.float16)
    scales: dict[int, float] = {}

    def watch(state: TrainState) -> None:
        assert state.scaler.is_enabled()
        scales[state.step] = state.scaler.get_scale()

    def watch_and_stop(state: TrainState) -> None:
        watch(state)
        if state.step == 6:
            signal.raise_signal(signal.SIGTERM)

    whole, cut = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "cut")
    half = (AVERAGED, "train.mixed_precision=true")
    spoilt = spoil({5: 1}, math.inf, also=watch)
    assert train_in(whole.path, *half) == ExitCode.OK
    before, after = spoilt[5]
    assert before == after
    assert scales[6] == scales[5] / 2
    assert scales[11] == scales[6]
    spoil({5: 1}, math.inf, also=watch_and_stop)
    assert train_in(cut.path, *half) == ExitCode.TERMINATED
    saved = json.loads((newest_checkpoint(cut).path / "state.json").read_bytes())["scaler"]
    assert saved["scale"] == scales[6]
    scales.clear()
    spoil({}, also=watch)
    assert train_in(cut.path, *half, resume_from=cut.path) == ExitCode.OK
    assert scales[7] == saved["scale"]
    assert_same(cut, whole, STEPS)
