"""Before several processes train: decided once, and told to all of them in the same words."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from asking import Asked, profile_of
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import ProfileError
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory

Launched = dict[str, Any]


@pytest.fixture
def launched(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> Launched:
    """Catch what the launcher is told."""
    import harmonic_core.cli.ranks

    caught: Launched = {}

    def catch(arguments: list[str], **options: Any) -> int:
        caught.update(options, arguments=arguments)
        return 7

    monkeypatch.setattr(harmonic_core.cli.ranks, "launch", catch)
    return caught


def refusal(*arguments: str) -> str:
    """What `harmonic train` says when it refuses."""
    result = CliRunner().invoke(app, ["train", *arguments])
    assert isinstance(result.exception, ProfileError), result.output
    return str(result.exception)


def test_the_launcher_gets_its_own_options_and_the_ranks_the_others(asked: Asked, launched: Launched) -> None:
    Path("my music").mkdir()
    arguments = [
        *("custom", "--custom-dir", "my music", "--custom_dir", "-x", "--augment", "--set", "train.log_every=3"),
        *("--nproc", "gpu", "--nnodes", "1:4", "--rdzv-endpoint", "head:29400", "--rdzv_id", "j1", "--node-rank", "2"),
        *("--max-restarts", "3", "--name", "mine", "--allow-changes"),
    ]
    assert CliRunner().invoke(app, ["train", *arguments]).exit_code == 7
    assert asked.times == 0
    handed_on = launched.pop("arguments")
    assert launched == {
        **{"nproc": "gpu", "nnodes": "1:4", "rdzv_endpoint": "head:29400", "rdzv_id": "j1", "node_rank": 2},
        "max_restarts": 3,
    }
    profile = profile_of(asked, *handed_on)
    assert profile.data.custom_dir == (Path("my music"), Path("-x"))
    assert (profile.augment.augment, profile.train.log_every, profile.run.name) == (True, 3, "mine")
    assert asked.run.path == Path("runs/mine")
    assert "--allow-changes" in handed_on


def test_all_ranks_are_told_the_directory_that_one_process_has_chosen(asked: Asked, launched: Launched) -> None:
    CliRunner().invoke(app, ["train", "demo", "--nproc", "2"])
    profile_of(asked, *launched["arguments"])
    assert asked.run.path.parent == Path("runs")
    assert [f"--output-dir={asked.run.path}"] == [each for each in launched["arguments"] if "output" in each]
    assert (launched["nproc"], launched["nnodes"], launched["max_restarts"]) == ("2", None, 0)


def test_what_cannot_be_used_is_refused_before_any_rank_starts(launched: Launched) -> None:
    assert "epochs" in refusal("demo", "--epochs", "-1", "--nproc", "2")
    assert launched == {}


@pytest.mark.parametrize("where", [["--nnodes", "2"], ["--rdzv-endpoint", "head:29400"]])
def test_on_several_machines_the_directory_must_be_named(launched: Launched, where: list[str]) -> None:
    assert "--output-dir" in refusal("demo", *where)
    assert launched == {}


def test_a_rank_of_a_plain_launcher_needs_a_named_directory_and_keeps_quiet_unless_it_is_the_first(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("HARMONIC_NONSENSE", "1")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        assert "--output-dir" in refusal("demo")
        profile_of(asked, "demo", "--name", "mine")
        assert asked.run.path == Path("runs/mine")
        assert ("HARMONIC_NONSENSE" in asked.said) == (rank == "0")


def test_a_rank_does_not_launch_ranks(asked: Asked, launched: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "--nproc" in refusal("demo", "--name", "mine", "--nproc", "2")
    assert launched == {}


@pytest.mark.parametrize("source", [[], ["--resume-from", "runs/base"]], ids=["new", "fine-tune"])
def test_ranks_that_are_started_again_go_on_from_the_checkpoint_that_they_had_reached(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, source: list[str]
) -> None:
    base = RunDirectory(Path("runs/base"))
    base.checkpoints.mkdir(parents=True)
    base.profile.write_text(to_toml(Profile()))
    profile_of(asked, "demo", "--name", "mine", *source)
    first = asked.resolved
    assert (asked.point is None) == (not source)
    (asked.run.checkpoints / "step-00000005").mkdir(parents=True)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    profile_of(asked, "demo", "--name", "mine", *source)
    assert asked.point is not None
    assert asked.point.continues(asked.run)
    assert (asked.point.checkpoint, asked.point.export, asked.point.changes) == (None, None, ())
    assert asked.resolved == first


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("ranks", [[], ["--nproc", "2"]], ids=["alone", "ranks"])
def test_a_signal_before_training_begins_is_obeyed(
    asked: Asked,
    launched: Launched,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
    ranks: list[str],
) -> None:
    import harmonic_core.cli.plan

    monkeypatch.setattr(harmonic_core.cli.plan, "insist_on_music", lambda data: signal.raise_signal(number))
    before = signal.getsignal(number)
    result = CliRunner().invoke(app, ["train", "demo", *ranks])
    assert result.exit_code == code
    assert number.name in result.stderr
    assert (asked.times, launched) == (0, {})
    assert signal.getsignal(number) is before


def test_the_trainer_hears_signals_from_the_start(asked: Asked) -> None:
    profile_of(asked, "demo")
    assert asked.signals.received is None
