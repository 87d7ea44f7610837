"""Settings that are changed while a run trains: in force at a step, recorded, kept, and the same again in a replay."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from same_runs import assert_same, rows_without_times, said
from tiny_run import Train

from harmonic_core.errors import ExitCode
from harmonic_core.profile.resolve import Resolved
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.sections import Train as TrainSection
from harmonic_core.run.control import COMMANDS, Command, send_command
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import read_evaluations
from harmonic_core.run.records import Row, read_rows
from harmonic_core.run.status import Status, read_status
from harmonic_core.training.checkpoint import Checkpoint, checkpoint_steps
from harmonic_core.training.helm import Helm
from harmonic_core.training.journal import Journal
from harmonic_core.training.loop import Loop
from harmonic_core.training.orders import Wish
from harmonic_core.training.recovery import Recovery
from harmonic_core.training.schedule import learning_rate, rate_from
from harmonic_core.training.steering import MOST_CHANGES, Change, Steering, later_changes
from harmonic_core.training.verify import verify

EVERY_STEP = ("train.log_every=1",)
LEAST = 1e-12


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A directory in which nothing has run yet, so that commands can wait there before the start."""
    directory = RunDirectory(tmp_path / "run")
    directory.create()
    return directory


def leave(run: RunDirectory, *commands: dict[str, Any] | str | bytes) -> None:
    """Leave files for the trainer: commands, or anything else."""
    run.control.mkdir(parents=True, exist_ok=True)
    for number, command in enumerate(commands):
        content = json.dumps(command) if isinstance(command, dict) else command
        path = run.control / f"{number:03d}.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@contextmanager
def sent_at(steps: dict[int, list[tuple[str, object]]], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands that arrive exactly at their steps, as nobody could send them by hand."""
    left = {step: list(commands) for step, commands in steps.items()}
    place = [0]
    obey = Loop._obey

    def look(loop: Loop, *, at_once: bool = False) -> Any:
        place[0] = loop.state.step
        if loop.state.step in left:
            loop.orders._next_look = 0.0
        return obey(loop, at_once=at_once)

    def commands(journal: Journal) -> list[Command]:
        arrived = left.pop(place[0], [])
        return [Command(name, journal.run.control / "none.json", value, "console", 7.5) for name, value in arrived]

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "_obey", look)
        patched.setattr(Journal, "commands", commands)
        yield


def step_rows(run: RunDirectory) -> dict[int, Row]:
    return {row["step"]: row for row in read_rows(run.metrics) if row["kind"] == "step"}


def answers(run: RunDirectory) -> list[Row]:
    return [row for row in read_rows(run.events) if row["kind"] == "control"]


def known(run: RunDirectory) -> Status:
    status = read_status(run.status)
    assert status is not None
    return status


def test_a_learning_rate_holds_from_its_step_on_and_falls_as_the_cosine_would(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at({5: [("learning-rate", 2e-4)]}, monkeypatch):
        train_in(run.path, *EVERY_STEP)
    train = TrainSection(learning_rate=1e-3, warmup_steps=2)
    rates = {step: row["learning_rate"] for step, row in step_rows(run).items()}
    assert rates[5] == learning_rate(train, 4, 12)
    assert rates[6] == 2e-4
    shape = learning_rate(train, 11, 12) / learning_rate(train, 5, 12)
    assert rates[12] == pytest.approx(2e-4 * shape, rel=LEAST)
    (told,) = answers(run)
    assert told["message"] == f"learning rate {learning_rate(train, 5, 12):.6g} → 0.0002 from step 5 (console)"
    assert {key: told[key] for key in ("command", "value", "by", "step", "obeyed", "after", "sent_at")} == {
        "command": "learning-rate",
        "value": 2e-4,
        "by": "console",
        "step": 5,
        "obeyed": True,
        "after": 2e-4,
        "sent_at": 7.5,
    }
    assert told["before"] == learning_rate(train, 5, 12)
    assert known(run).steered == {"learning_rate": 2e-4}


def test_a_learning_rate_that_is_given_within_the_warm_up_is_in_force_at_once_and_not_scaled_up_by_it() -> None:
    train = TrainSection(learning_rate=1e-3, warmup_steps=100)
    rates = [rate_from(train, 5e-4, 3, step, 5000) for step in (3, 50, 99, 100)]
    assert rates == [5e-4] * 4
    assert max(rate_from(train, 5e-4, 3, step, 5000) for step in range(3, 5000, 7)) == 5e-4


@pytest.mark.parametrize("since", [0, 40, 98, 99, 100])
def test_the_rest_of_a_cosine_never_rises_wherever_a_rate_was_given(since: int) -> None:
    train = TrainSection(warmup_steps=10, final_learning_rate=0)
    rates = [rate_from(train, 1e-3, since, step, 100) for step in range(since, 101)]
    assert rates[0] == 1e-3
    assert all(later <= earlier * (1 + LEAST) for earlier, later in pairwise(rates))
    assert all(math.isfinite(rate) for rate in rates)


def test_auto_goes_back_to_the_schedule_exactly(
    run: RunDirectory, train_in: Train, finished: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at(
        {4: [("learning-rate", 2e-4), ("beta", 0.5)], 7: [("learning-rate", "auto"), ("beta", "auto")]}, monkeypatch
    ):
        train_in(run.path)
    ours, theirs = step_rows(run), step_rows(finished)
    assert ours[6]["learning_rate"] != theirs[6]["learning_rate"]
    for step in (8, 10, 12):
        assert (ours[step]["learning_rate"], ours[step]["beta"]) == (
            theirs[step]["learning_rate"],
            theirs[step]["beta"],
        )
    assert known(run).steered == {}


def test_what_is_asked_for_at_the_same_step_is_done_in_the_order_in_which_it_was_sent(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: dict[int, list[tuple[str, object]]] = {
        5: [("checkpoint", None), ("beta", 0.5)],
        6: [("beta", 0.6), ("checkpoint", None)],
    }
    with sent_at(steps, monkeypatch):
        train_in(run.path, "output.keep=9")
    betas = {}
    for step in (5, 6):
        told = json.loads((run.checkpoints / f"step-{step:08d}/state.json").read_text())["steering"]["changes"]
        betas[step] = [value for _, leaf, value, _ in told if leaf == "beta"]
    assert betas == {5: [], 6: [0.5, 0.6]}


def test_what_does_not_change_is_not_told_as_a_change(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: dict[int, list[tuple[str, object]]] = {3: [("beta", 0.25), ("beta", 0.2500000001), ("epochs", 3)]}
    with sent_at(steps, monkeypatch):
        train_in(run.path)
    assert said(run, "control")[1:] == ["beta 0.25 from step 3 (console)", "epochs 3 from step 3 (console)"]
    assert known(run).steered["beta"] == 0.2500000001


def test_epochs_that_are_asked_for_while_the_last_one_closes_are_trained(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Loop._close_epoch

    def ask(loop: Loop) -> Any:
        ending = close(loop)
        if loop.state.epoch == 3:
            send_command(run, "epochs", 2)
            send_command(run, "epochs", 4)
        return ending

    monkeypatch.setattr(Loop, "_close_epoch", ask)
    assert train_in(run.path) == ExitCode.OK
    assert (known(run).state, known(run).epoch, known(run).step) == ("finished", 4, 16)
    assert [row["obeyed"] for row in answers(run)] == [False, True]
    assert answers(run)[0]["why"] == "epoch 3 is under way; it can have 3 epochs at least"


def test_a_setting_lies_there_until_it_is_in_force_and_recorded(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(run, {"command": "beta", "value": 0.5})
    obey, there = Helm.obey, []

    def watch(helm: Helm, wish: Wish) -> None:
        obey(helm, wish)
        there.append((wish.path.exists(), len(answers(run)), known(run).steered))

    monkeypatch.setattr(Helm, "obey", watch)
    train_in(run.path)
    assert there == [(True, 1, {"beta": 0.5})]
    assert list(run.control.iterdir()) == []


def test_a_beta_that_is_given_stays(run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    with sent_at({3: [("beta", 0.02)]}, monkeypatch):
        train_in(run.path, *EVERY_STEP)
    betas = {step: row["beta"] for step, row in step_rows(run).items()}
    assert betas[3] < 1e-2
    assert {betas[step] for step in range(4, 13)} == {0.02}
    assert [row["beta"] for row in read_rows(run.metrics) if row["kind"] == "epoch"] == [0.02] * 3
    assert known(run).in_force["beta"] == 0.02


def test_another_beta_makes_the_plateau_forget_errors_that_no_longer_compare(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("loss.beta_steps=0", "output.checkpoint_every=1", "output.keep=9")
    with sent_at({8: [("beta", 5.0)], 10: [("checkpoint", None)]}, monkeypatch):
        train_in(run.path, *settings)
    plateaus = {
        step: json.loads((run.checkpoints / f"step-{step:08d}/state.json").read_text())["plateau"] for step in (8, 10)
    }
    assert plateaus[8]["best_db"] is not None
    assert plateaus[10]["best_db"] is None


def test_more_epochs_make_a_longer_run_and_a_longer_cosine(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at({6: [("epochs", 5)]}, monkeypatch):
        assert train_in(run.path, *EVERY_STEP) == ExitCode.OK
    status = known(run)
    assert (status.state, status.step, status.total_steps, status.epoch, status.epochs) == ("finished", 20, 20, 5, 5)
    train = TrainSection(learning_rate=1e-3, warmup_steps=2)
    rates = {step: row["learning_rate"] for step, row in step_rows(run).items()}
    assert rates[6] == learning_rate(train, 5, 12)
    assert rates[7] == learning_rate(train, 6, 20)
    assert "learning rate" in answers(run)[0]["message"]
    assert "all 5 epochs done" in status.message
    assert (run.path / "harmonic_vae_epoch_5.pt").is_file()
    assert "Epoch 2/5," in run.console_log.read_text()


def test_fewer_epochs_end_a_run_earlier_but_never_before_the_one_under_way(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at({6: [("epochs", 1), ("epochs", 2)]}, monkeypatch):
        assert train_in(run.path) == ExitCode.OK
    first, second = answers(run)
    assert first["message"] == "epochs 1: refused, epoch 2 is under way; it can have 2 epochs at least"
    assert (first["obeyed"], second["obeyed"]) == (False, True)
    status = known(run)
    assert (status.state, status.epoch, status.step) == ("finished", 2, 8)


@pytest.mark.parametrize("settings", [(), ("augment.augment=true", "augment.augment_strength=0.2")], ids=["off", "on"])
def test_augmentation_can_be_switched_on_changed_and_off_and_crops_follow(
    run: RunDirectory, train_in: Train, settings: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {3: [("augment-strength", 0.9)], 6: [("augment-strength", 0.0)], 9: [("augment-strength", "auto")]}
    with sent_at(changes, monkeypatch):
        assert train_in(run.path, *settings) == ExitCode.OK
    planned = 0.2 if settings else 0.0
    assert [(row["before"], row["after"]) for row in answers(run)] == [(planned, 0.9), (0.9, 0.0), (0.0, planned)]
    assert known(run).in_force["augment_strength"] == planned
    assert [check.message for check in verify(run) if not check.holds] == []


STEERED = {
    2: [("learning-rate", 4e-4)],
    3: [("augment-strength", 0.6)],
    5: [("beta", 0.03)],
    7: [("epochs", 4), ("learning-rate", 6e-4)],
    9: [("augment-strength", 0.1)],
    10: [("beta", "auto")],
}


def test_a_run_that_goes_on_after_steering_is_that_which_was_never_interrupted(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "parts")
    with sent_at(STEERED, monkeypatch):
        train_in(whole.path)
    with sent_at({**STEERED, 6: [("stop", None)]}, monkeypatch):
        train_in(parts.path)
        assert known(parts).step == 6
        train_in(parts.path, resume_from=parts.path)
    assert known(parts).epochs == 4
    assert_same(parts, whole, 16)
    assert [check.message for check in verify(whole) if not check.holds] == []


def test_what_was_changed_after_the_last_checkpoint_is_not_lost_with_the_trainer(
    tmp_path: Path, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a power cut: the newest checkpoint is older than the changes, which stand among the events alone."""
    settings = ("output.checkpoint_every=2",)
    whole, parts = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "parts")
    changes = {5: [("beta", 0.03)], 6: [("epochs", 4)]}
    with sent_at(changes, monkeypatch):
        train_in(whole.path, *settings)
    with sent_at({**changes, 7: [("stop", None)]}, monkeypatch):
        train_in(parts.path, *settings)
    for step in checkpoint_steps(parts)[1:]:
        shutil.rmtree(parts.checkpoints / f"step-{step:08d}")
    # Twice, as the second time what the first brought back is lost again.
    with sent_at({5: [("stop", None)]}, monkeypatch):
        train_in(parts.path, *settings, resume_from=parts.path)
    for step in checkpoint_steps(parts)[1:]:
        shutil.rmtree(parts.checkpoints / f"step-{step:08d}")
    train_in(parts.path, *settings, resume_from=parts.path)
    assert_same(parts, whole, 16)
    assert any("as it was asked for before" in message for message in said(parts, "control"))


def test_whoever_goes_back_to_an_earlier_checkpoint_gets_the_settings_of_that_time(
    run: RunDirectory, train_in: Train, finished: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at({6: [("beta", 0.5), ("epochs", 9)]}, monkeypatch):
        train_in(run.path, "output.keep=9")
    train_in(run.path, "output.keep=9", resume_from=run.checkpoints / "step-00000004")
    assert rows_without_times(run) == rows_without_times(finished)
    assert known(run).steered == {}


def test_whoever_asks_for_other_epochs_on_resuming_is_heard(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at({2: [("epochs", 9), ("beta", 0.5)], 6: [("stop", None)]}, monkeypatch):
        train_in(run.path)
    train_in(run.path, "train.epochs=2", resume_from=run.path)
    assert (known(run).epoch, known(run).epochs) == (2, 2)
    assert known(run).steered == {"beta": 0.5}


def test_a_checkpoint_from_before_there_was_any_steering_still_loads(finished: RunDirectory, train_in: Train) -> None:
    import hashlib

    folder = finished.checkpoints / "step-00000008"
    told = json.loads((folder / "state.json").read_text())
    del told["steering"]
    (folder / "state.json").write_text(json.dumps(told))
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["sha256"]["state.json"] = hashlib.sha256((folder / "state.json").read_bytes()).hexdigest()
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    before = rows_without_times(finished)
    assert Checkpoint(folder).steering is None
    train_in(finished.path, resume_from=folder)
    assert rows_without_times(finished) == before


def test_a_run_that_goes_back_by_itself_keeps_what_was_asked_for_at_half_the_rate(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_back: list[int] = []
    is_needed = Recovery.is_needed

    def once(recovery: Recovery) -> bool:
        if recovery._state.step == 7 and not went_back:
            went_back.append(7)
            recovery.go_back("a test wants it")
            return True
        return is_needed(recovery)

    monkeypatch.setattr(Recovery, "is_needed", once)
    with sent_at({5: [("learning-rate", 8e-4), ("beta", 0.04), ("epochs", 4)]}, monkeypatch):
        assert train_in(run.path, *EVERY_STEP, "train.learning_rate_schedule=constant") == ExitCode.OK
    rows = step_rows(run)
    assert (rows[4]["beta"] == 0.04, rows[4]["learning_rate"]) == (False, 1e-3)
    assert [(rows[step]["learning_rate"], rows[step]["beta"]) for step in range(5, 17)] == [(4e-4, 0.04)] * 12
    assert (known(run).epochs, known(run).rollbacks) == (4, 1)


def test_what_was_asked_for_stays_when_steps_are_taken_back() -> None:
    steering = Steering(Profile())
    steering.add(Change(100, "learning_rate", 1e-3))
    steering.add(Change(120, "beta", 0.02))
    steering.bring_forward(90)
    assert steering.by_hand(90) == {"learning_rate": 1e-3, "beta": 0.02}
    assert [change.step for change in steering.changes] == [90, 90]


HOSTILE: tuple[tuple[dict[str, Any] | str | bytes, str], ...] = (
    ({"command": "learning-rate", "value": 1000}, "learning-rate: refused, 1000 is not a number above 0 and at most"),
    ({"command": "learning-rate", "value": 0}, "learning-rate: refused, 0 is not"),
    ({"command": "learning-rate", "value": -1e-3}, "learning-rate: refused, -0.001 is not"),
    ({"command": "learning-rate", "value": True}, "learning-rate: refused, true is not"),
    ({"command": "learning-rate", "value": "0.1"}, 'learning-rate: refused, "0.1" is not'),
    ({"command": "learning-rate"}, "learning-rate: refused, null is not"),
    ({"command": "beta", "value": {"nested": [[1]]}}, "beta: refused, {…} is not"),
    ('{"command": "beta", "value": 1e-320}', "beta: refused, 1e-320 is too small; give 1e-12 at least, or `auto`"),
    ({"command": "learning-rate", "value": 1e-13}, "learning-rate: refused, 1e-13 is too small"),
    ({"command": "beta", "value": [0.1]}, "beta: refused, [0.1] is not"),
    ('{"command": "beta", "value": NaN}', "beta: refused, nan is not"),
    ('{"command": "beta", "value": 1e999}', "beta: refused, inf is not"),
    ('{"command": "epochs", "value": 4.5}', "epochs: refused, 4.5 is not"),
    ('{"command": "epochs", "value": 1' + 400 * "0" + "}", "epochs: refused, 1000"),
    ({"command": "augment-strength", "value": 1.01}, "augment-strength: refused, 1.01 is not a number from 0"),
    ({"command": "augment-strength", "value": "\x1b[2Jauto"}, 'augment-strength: refused, "\\x1b[2Jauto" is not'),
    ({"command": "pause\x1b[2J"}, "pause\\x1b[2J: refused"),
    ({"command": 7}, "unreadable command: refused"),
    ({"command": ["stop"]}, "unreadable command: refused"),
    ("[" * 4000, "unreadable command: refused"),
    ('{"command": "stop", "value": "' + "x" * 10_000 + '"}', "unreadable command: refused"),
    (b"\xff\xfe\x00", "unreadable command: refused"),
)


def test_hostile_commands_are_refused_named_harmlessly_and_removed(
    run: RunDirectory, train_in: Train, finished: RunDirectory
) -> None:
    leave(run, *(content for content, _ in HOSTILE))
    assert train_in(run.path) == ExitCode.OK
    told = answers(run)
    assert len(told) == len(HOSTILE)
    for row, (content, message) in zip(told, HOSTILE, strict=True):
        assert row["message"].startswith(message), content
        assert row["message"].isprintable()
        assert row["obeyed"] is False
    assert list(run.control.iterdir()) == []
    assert rows_without_times(run) == rows_without_times(finished)


def test_what_is_no_file_at_all_cannot_hold_the_trainer_up(run: RunDirectory, train_in: Train, tmp_path: Path) -> None:
    import os

    os.mkfifo(run.control / "1.json")
    (run.control / "2.json").mkdir()
    (run.control / "3.json").symlink_to(tmp_path / "secret")
    (run.control / "4.json").symlink_to("/dev/zero")
    assert train_in(run.path) == ExitCode.OK
    assert [row["message"] for row in answers(run)] == ["unreadable command: refused, its file holds none"] * 4
    assert [path.name for path in run.control.iterdir()] == ["2.json"]


def test_a_run_measures_itself_when_asked_to(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sent_at({5: [("evaluate", None), ("evaluate", None)]}, monkeypatch):
        train_in(run.path, "evaluation.evaluation_share=0.001")
    assert [report.step for report in read_evaluations(run)] == [5, 12]
    assert said(run, "control") == ["evaluate", "evaluate: refused, this very step was measured already"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (("evaluation.evaluation_share=0",), "the profile's evaluation_share is 0"),
        (("evaluation.evaluation_share=1", "data.validation_split=0"), "nothing is held out to measure it on"),
    ],
)
def test_a_run_that_cannot_measure_itself_says_why(
    run: RunDirectory, train_in: Train, settings: tuple[str, ...], why: str
) -> None:
    leave(run, {"command": "evaluate", "by": "somebody", "sent_at": "now"})
    train_in(run.path, *settings)
    (told,) = answers(run)
    assert told["message"] == f"evaluate: refused, {why}"
    assert (told["obeyed"], told["why"]) == (False, why)
    assert "by" not in told
    assert "sent_at" not in told
    assert not run.evaluations.exists()


def test_values_are_taken_and_applied_while_a_run_is_paused(
    run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [[], [Command("beta", run.control / "x", 0.07)], [Command("resume", run.control / "x")]]
    statuses: list[Status] = []

    def commands(journal: Journal) -> list[Command]:
        if known(run).state != "paused":
            return [Command("pause", run.control / "x")] if waiting and known(run).step >= 2 else []
        statuses.append(known(run))
        return waiting.pop(0) if waiting else []

    monkeypatch.setattr("harmonic_core.training.orders._LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(Journal, "commands", commands)
    train_in(run.path, *EVERY_STEP)
    assert statuses[-1].state == "paused"
    assert statuses[-1].steered == {"beta": 0.07}
    told = next(row for row in answers(run) if row.get("command") == "beta")
    assert step_rows(run)[told["step"] + 1]["beta"] == 0.07


def test_the_verdict_goes_by_what_is_in_force(
    profile_of: Callable[..., Resolved], run: RunDirectory, train_in: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harmonic_core.training.diagnosis import Diagnosis

    seen: list[Profile] = []
    steer = Diagnosis.steer

    def watch(diagnosis: Diagnosis, profile: Profile, rising_epochs: float) -> None:
        seen.append(profile)
        steer(diagnosis, profile, rising_epochs)

    monkeypatch.setattr(Diagnosis, "steer", watch)
    with sent_at({2: [("epochs", 4), ("augment-strength", 0.3), ("beta", 0.2), ("learning-rate", 3e-4)]}, monkeypatch):
        train_in(run.path)
    last = seen[-1]
    assert (last.train.epochs, last.train.learning_rate) == (4, 3e-4)
    assert (last.loss.beta_start, last.loss.beta_end) == (0.2, 0.2)
    assert (last.augment.augment, last.augment.augment_strength) == (True, 0.3)


def test_a_script_that_steers_for_ever_fills_no_checkpoint() -> None:
    steering = Steering(Profile())
    steering.add(Change(0, "epochs", 200))
    for step in range(3 * MOST_CHANGES):
        steering.add(Change(step, "learning_rate", 1e-3 + step * 1e-9))
    assert len(steering.changes) == MOST_CHANGES
    assert steering.value("epochs", 5000) == 200
    assert steering.value("learning_rate", 5000) == 1e-3 + (3 * MOST_CHANGES - 1) * 1e-9


def test_events_that_were_tampered_with_change_nothing() -> None:
    rows = [
        {"kind": "control", "change": change}
        for change in (
            [5, "beta", 0.5],
            "beta",
            [5, "gamma", 0.5, 1.0],
            [5, "beta", math.nan, 1.0],
            [-1, "beta", 0.5, 1.0],
            [5, "beta", 0.5, 0.0],
            [5, "beta", [], 1.0],
            [7, "beta", 0.25, 1.0],
        )
    ]
    assert later_changes(rows, 6) == [Change(7, "beta", 0.25)]
    assert later_changes([*rows, {"kind": "resume"}], 6) == []


def test_every_setting_is_a_command() -> None:
    from harmonic_core.profile.steering import SETTINGS

    assert set(SETTINGS) < set(COMMANDS)
