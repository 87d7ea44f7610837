"""`harmonic control`, without a trainer that would obey."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_runs import make_run
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import ExitCode, HarmonicError, ProfileError, RunError
from harmonic_core.profile.sections import Evaluation, Profile
from harmonic_core.profile.write import to_toml
from harmonic_core.run.control import COMMANDS, DEEDS, pending_commands
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import process_identity


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", DEEDS)
def test_a_command_is_left_for_the_trainer_and_results_stay_empty(place: Path, command: str) -> None:
    run = make_run(place / "runs" / "mine", alive=True)
    result = CliRunner().invoke(app, ["control", "mine", command])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"mine: asked to {command}\n"
    (waiting,) = pending_commands(run)
    assert waiting.name == command
    told = json.loads(waiting.path.read_text())
    assert (told["command"], told["by"]) == (command, "command line")
    assert "value" not in told


@pytest.mark.parametrize(
    ("words", "value", "said"),
    [
        (("learning-rate", "5e-4"), 5e-4, "learning rate to 0.0005"),
        (("learning_rate", "auto"), "auto", "learning rate to auto"),
        (("beta", "0"), 0.0, "beta to 0"),
        (("augment-strength", "1"), 1.0, "augmentation to 1"),
        (("epochs", "120"), 120, "epochs to 120"),
        (("epochs", "+6"), 10, "epochs to 10"),
        (("epochs", "3"), 3, "epochs to 3"),
    ],
)
def test_a_value_is_left_for_the_trainer(place: Path, words: tuple[str, ...], value: object, said: str) -> None:
    run = make_run(place / "runs" / "mine", alive=True)
    result = CliRunner().invoke(app, ["control", "mine", *words])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"mine: asked to change {said}\n")
    (waiting,) = pending_commands(run)
    assert (waiting.value, waiting.sender) == (value, "command line")


def refusal(*words: str) -> HarmonicError:
    error = CliRunner().invoke(app, ["control", "mine", *words]).exception
    assert isinstance(error, HarmonicError)
    return error


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("learning-rate", "0"), "learning-rate: 0 is not a number above 0 and at most 100, nor `auto`"),
        (("learning-rate", "nan"), "learning-rate: nan is not a number"),
        (("learning-rate", "1,000"), 'learning-rate: "1,000" is not a number'),
        (("learning-rate",), "learning-rate: give a number above 0 and at most 100, or `auto`"),
        (("beta", "1e4"), "beta: 10000 is not a number from 0 to 1000"),
        (("beta", "\x1b[2J"), 'beta: "\\x1b[2J" is not a number'),
        (("augment-strength", "2"), "augment-strength: 2 is not a number from 0 to 1"),
        (("epochs", "2"), "epochs: 2 epochs: epoch 3 is under way; it can have 3 epochs at least"),
        (("epochs", "4.5"), 'epochs: "4.5" is not a whole number from 1 to 1000000'),
        (("epochs", "9" * 30), 'epochs: "9999'),
        (("stop", "now"), "stop: takes no value, and now was given"),
        (("kill",), "kill: mine loses what it learnt since its last checkpoint; add `--yes`"),
        (("evaluate",), "evaluate: the profile's evaluation_share is 0; `harmonic evaluate "),
    ],
)
def test_what_would_be_refused_is_refused_beforehand_as_a_usage_error(
    place: Path, words: tuple[str, ...], reason: str
) -> None:
    run = make_run(place / "runs" / "mine", alive=True)
    run.profile.write_text(to_toml(Profile(evaluation=Evaluation(evaluation_share=0))))
    error = refusal(*words)
    assert isinstance(error, ProfileError)
    assert error.exit_code == ExitCode.USAGE == 2
    assert str(error).startswith(reason)
    assert pending_commands(run) == []


def test_a_run_with_nothing_held_out_cannot_be_measured(place: Path) -> None:
    run = make_run(place / "runs" / "mine", alive=True, mean_spectrum_db=None)
    run.profile.write_text(to_toml(Profile()))
    assert "nothing is held out" in str(refusal("evaluate"))


@pytest.fixture
def trainer() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, as trainers have."""
    code = "import sys; sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_kill_ends_the_trainer_at_once_and_says_how_to_go_on(place: Path, trainer: subprocess.Popen[bytes]) -> None:
    run = make_run(place / "runs" / "mine", alive=True, **process_identity(trainer.pid))
    result = CliRunner().invoke(app, ["control", "mine", "kill", "--yes"])
    assert result.exit_code == 0
    assert result.stderr.startswith("mine: killed; `harmonic train --resume-from ")
    assert trainer.wait(60) == -9
    (told,) = read_rows(run.events)
    assert (told["kind"], told["message"], told["by"]) == ("signal", "killed from the command line", "command line")


@pytest.mark.parametrize(("typed", "dies"), [(b"\r", False), (b"n\r", False), (b"y\r", True)])
def test_on_a_terminal_kill_asks_and_no_is_the_default(
    place: Path, trainer: subprocess.Popen[bytes], typed: bytes, dies: bool
) -> None:
    make_run(place / "runs" / "mine", alive=True, **process_identity(trainer.pid))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "harmonic_core", "control", "mine", "kill"]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=place)
    os.write(ours, typed)
    _, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"Kill it? mine loses what it learnt since its last checkpoint" in said
    assert process.returncode == 0
    assert (b"mine: goes on" in said) is not dies
    if dies:
        assert trainer.wait(60) == -9
    assert (trainer.poll() is not None) is dies


def test_killing_a_run_that_nobody_trains_is_an_error(place: Path) -> None:
    make_run(place / "runs" / "mine")
    assert "no trainer to kill" in str(refusal("kill", "--yes"))


def test_the_status_says_what_was_changed_by_hand(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True, steered={"learning_rate": 5e-4, "epochs": 120.0})
    said = CliRunner().invoke(app, ["status", "mine"]).stdout
    assert "  by hand: learning rate 0.0005, epochs 120" in said.splitlines()
    assert json.loads(CliRunner().invoke(app, ["status", "mine", "--json"]).stdout)["steered"]["epochs"] == 120.0


def test_commands_wait_in_the_order_in_which_they_were_given(place: Path) -> None:
    run = make_run(place / "runs" / "mine", alive=True)
    for command in ("pause", "resume", "checkpoint", "stop"):
        CliRunner().invoke(app, ["control", "mine", command])
    assert [each.name for each in pending_commands(run)] == ["pause", "resume", "checkpoint", "stop"]


@pytest.mark.parametrize(
    ("state", "seen", "way_out"),
    [("finished", "finished", ""), ("stopped", "stopped", "--resume-from"), ("training", "lost", "--resume-from")],
)
def test_a_run_that_nobody_trains_takes_no_command(place: Path, state: str, seen: str, way_out: str) -> None:
    run = make_run(place / "runs" / "mine", state=state)
    error = CliRunner().invoke(app, ["control", "mine", "pause"]).exception
    assert isinstance(error, RunError)
    assert str(error).startswith(f"mine: nothing to pause, the run is {seen}")
    assert way_out in str(error)
    assert pending_commands(run) == []


def test_an_unknown_command_is_a_usage_error_that_names_the_known_ones(place: Path) -> None:
    make_run(place / "runs" / "mine", alive=True)
    result = CliRunner().invoke(app, ["control", "mine", "dance"])
    assert result.exit_code == 2
    assert all(command in result.stderr for command in COMMANDS)
