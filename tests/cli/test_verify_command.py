"""`harmonic verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_runs import make_run
from programs import Programs
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import RunError


@pytest.mark.slow
def test_a_run_is_proved_and_its_damage_is_named(harmonic: Programs, tiny: list[str]) -> None:
    harmonic.run("train", "demo", *tiny, "--batch-size", "4", "--epochs", "2", "--output-dir", "runs/mine")
    whole = harmonic.run("verify", "mine")
    *checks, summary = whole.stdout.splitlines()
    assert [line[0] for line in checks] == ["✓"] * 4
    assert summary == "all 4 checks hold"
    assert "looking for music" in whole.stderr

    folder = harmonic.place / "runs" / "mine" / "checkpoints"
    last = max(folder.glob("step-*"))
    weights = last / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    first, *_, summary = harmonic.run("verify", "mine", "--steps", "2", expect=1).stdout.splitlines()
    assert first.startswith(f"✗ checkpoints/{last.name}/model.safetensors: truncated")
    assert summary == "1 of 4 checks failed, 1 left out"

    told = json.loads(harmonic.run("verify", "mine", "--steps", "2", "--json", expect=1).stdout)
    assert told["run"] == "runs/mine"
    assert told["holds"] is False
    assert [check["holds"] for check in told["checks"]] == [False, True, True, True, None]


def test_a_live_run_is_not_disturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs" / "live", alive=True)
    result = CliRunner().invoke(app, ["verify", "live"])
    assert isinstance(result.exception, RunError)
    assert str(result.exception) == "runs/live is training: verify it when no trainer is at work on it"


def test_a_run_that_wrote_no_checkpoint_does_not_hold(tmp_path: Path) -> None:
    make_run(tmp_path / "young", state="failed")
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "young")])
    assert result.exit_code == 1
    assert "✗ no checkpoint was written yet" in result.stdout


@pytest.mark.parametrize("arguments", [["--steps", "1"], ["--device", "abacus"]])
def test_what_cannot_be_asked_for_is_refused_as_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["verify", str(tmp_path), *arguments]).exit_code == 2
