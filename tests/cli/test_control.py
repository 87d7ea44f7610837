"""`harmonic control`, without a trainer that would obey."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_runs import make_run
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import RunError
from harmonic_core.run.control import COMMANDS, pending_commands


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_left_for_the_trainer_and_results_stay_empty(place: Path, command: str) -> None:
    run = make_run(place / "runs" / "mine", alive=True)
    result = CliRunner().invoke(app, ["control", "mine", command])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"mine: asked to {command}\n"
    (waiting,) = pending_commands(run)
    assert waiting.name == command
    assert json.loads(waiting.path.read_text())["command"] == command


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
