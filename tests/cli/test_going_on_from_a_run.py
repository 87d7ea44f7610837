"""What `--resume-from` comes to, up to the point where training would begin: more of a run, or a fine-tune."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from asking import Asked, profile_of
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import HarmonicError
from harmonic_core.profile.resolve import resolve
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory

MODEL = ("latent_dim=8", "hidden_dims=16,16", "n_mels=32", "n_fft=512", "hop_length=256", "segment_length=1")


def recorded(path: str, *settings: str) -> RunDirectory:
    """A run of these settings as far as its profile and two checkpoint folders go."""
    run = RunDirectory(Path(path))
    text = to_toml(resolve(None, settings=[*MODEL, *settings], environ={}, check=False).profile)
    for step in (4, 8):
        folder = run.checkpoints / f"step-{step:08d}"
        folder.mkdir(parents=True)
        (folder / "profile.toml").write_text(text)
    run.profile.write_text(text)
    return run


def exported(path: str, profile: str = "", **content: Any) -> Path:
    """An export, anywhere, that holds this profile and no weights."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": {}, "profile": profile, "step": 4, "epoch": 1, **content}, file)
    return file


@pytest.fixture
def gtzan(asked: Asked) -> RunDirectory:
    """A run on GTZAN, where its data set's usual command puts it."""
    run = recorded("output/gtzan", "dataset=gtzan", "epochs=50", "batch_size=8", "split=fault_filtered")
    exported("output/gtzan/harmonic_vae_epoch_30.pt")
    return run


def refusal(*arguments: str) -> str:
    """What `harmonic train` says when it refuses; nothing a terminal obeys is in it."""
    result = CliRunner().invoke(app, ["train", *arguments])
    assert isinstance(result.exception, HarmonicError), result.output
    said = str(result.exception)
    assert all(line.isprintable() for line in said.split("\n"))
    return said


@pytest.mark.parametrize(
    "point",
    ["output/gtzan", "gtzan", "output/gtzan/checkpoints/step-00000004", "output/gtzan/harmonic_vae_epoch_30.pt"],
)
@pytest.mark.parametrize(
    "repeated", [[], ["--output_dir", "output/gtzan"], ["--output-dir", "./output/../output/gtzan"]]
)
def test_the_same_words_again_go_on_with_the_same_run(
    asked: Asked, gtzan: RunDirectory, point: str, repeated: list[str]
) -> None:
    words = ["--dataset", "gtzan", "--mode", "train", "--epochs", "50", *repeated, "--resume_from", point]
    profile = profile_of(asked, *words)
    assert asked.point is not None
    assert asked.point.continues(asked.run)
    assert asked.point.changes == ()
    assert asked.said == ""
    assert (profile.train.batch_size, profile.model.latent_dim, profile.data.split) == (8, 8, "fault_filtered")
    assert asked.resolved.origins["train.batch_size"].startswith("output/gtzan/profile.toml:")
    assert asked.resolved.origins["train.epochs"] == "--epochs"


def test_a_run_alone_goes_on_as_it_was_under_the_name_that_it_had(asked: Asked, gtzan: RunDirectory) -> None:
    profile = profile_of(asked, "--resume-from", "output/gtzan")
    assert profile.data.dataset == "gtzan"
    assert (asked.run.path.resolve(), asked.said) == (gtzan.path.resolve(), "")


def test_a_change_is_refused_with_what_it_was_and_would_be(asked: Asked, gtzan: RunDirectory) -> None:
    said = refusal("--resume-from", "output/gtzan", "--batch-size", "16", "--set", "run.seed=3", "--set", "log_every=7")
    lines = said.splitlines()
    assert lines[0].startswith("output/gtzan was trained with other settings")
    assert [line.split() for line in lines[1:3]] == [["run.seed", "0", "→", "3"], ["train.batch_size", "8", "→", "16"]]
    assert "--allow-changes" in lines[3]
    assert "epochs" not in said
    assert "log_every" not in said
    assert asked.times == 0


def test_more_epochs_are_a_change_and_it_is_said_why(asked: Asked, gtzan: RunDirectory) -> None:
    said = refusal("--resume-from", "output/gtzan", "--epochs", "80")
    assert "50 → 80" in said
    assert "cosine" in said


def test_a_change_that_is_allowed_is_told_and_handed_to_the_record(asked: Asked, gtzan: RunDirectory) -> None:
    profile = profile_of(asked, "--resume-from", "output/gtzan", "--epochs", "80", "--allow_changes")
    assert profile.train.epochs == 80
    assert asked.point is not None
    assert asked.point.changes == ("train.epochs  50 → 80",)
    assert "  train.epochs  50 → 80\n" in asked.said


def test_what_changes_no_figure_needs_no_leave_and_is_told(asked: Asked, gtzan: RunDirectory) -> None:
    profile = profile_of(asked, "--resume-from", "output/gtzan", "--checkpoint-every", "3", "--set", "device=cpu")
    assert profile.output.checkpoint_every == 3
    assert "output.checkpoint_every" in asked.said
    assert "rounds differently" in asked.said


def test_a_variable_of_the_environment_is_a_change_too(
    asked: Asked, gtzan: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMONIC_BATCH_SIZE", "4")
    assert "train.batch_size" in refusal("--resume-from", "output/gtzan")


def test_a_profile_that_is_named_is_compared_as_it_is(asked: Asked, gtzan: RunDirectory) -> None:
    Path("mine.toml").write_text(gtzan.profile.read_text())
    profile_of(asked, "./mine.toml", "--resume-from", "output/gtzan")
    assert asked.said == ""
    Path("mine.toml").write_text(gtzan.profile.read_text().replace("latent_dim = 8", ""))
    assert "model.latent_dim  8 → 128" in refusal("./mine.toml", "--resume-from", "output/gtzan")


@pytest.mark.parametrize(
    "fault",
    [None, "[[[", "\x1b[31m = 1", "[train]\nepochs = 'never\x07'", "\xff", "folder", "pipe", "extends = '/etc/passwd'"],
)
def test_a_run_without_a_usable_profile_goes_on_with_that_of_its_checkpoint_and_says_so(
    asked: Asked, gtzan: RunDirectory, fault: str | None
) -> None:
    gtzan.profile.unlink()
    match fault:
        case None:
            (gtzan.path / "status.json").write_text("not a status either")
        case "folder":
            gtzan.profile.mkdir()
            (gtzan.path / "status.json").touch()
        case "pipe":
            os.mkfifo(gtzan.profile)
            (gtzan.path / "status.json").touch()
        case _:
            gtzan.profile.write_bytes(fault.encode("latin-1"))
    profile = profile_of(asked, "--resume-from", "output/gtzan")
    assert (profile.data.dataset, profile.train.batch_size) == ("gtzan", 8)
    assert "output/gtzan/profile.toml" in asked.said
    assert "taking output/gtzan/checkpoints/step-00000008/profile.toml" in asked.said
    assert all(line.isprintable() for line in asked.said.splitlines())


def test_a_run_that_was_moved_goes_on_where_it_is(asked: Asked) -> None:
    run = recorded("output/moved", "dataset=demo", "output_dir=output/here", "resume_from=output/old")
    for _ in range(2):
        profile_of(asked, "--resume-from", "output/moved")
        assert asked.point is not None
        assert asked.point.continues(asked.run)
        assert asked.run.path.resolve() == run.path.resolve()
        run.profile.write_text("[[[")


def test_without_any_usable_profile_each_is_named_with_what_is_wrong(asked: Asked, gtzan: RunDirectory) -> None:
    for path in (gtzan.profile, *gtzan.checkpoints.glob("*/profile.toml")):
        path.write_text("[[[\x1b]0;owned\x07")
    said = refusal("--resume-from", "output/gtzan")
    assert said.count("profile.toml") == 3
    assert "harmonic train PROFILE" in said
    profile_of(asked, "gtzan", "--resume-from", "output/gtzan")
    assert "cannot be told" in asked.said


@pytest.mark.parametrize("where", [["--output-dir", "output/tuned"], ["--name", "tuned"], []])
def test_other_music_makes_a_fine_tune_of_the_same_shape_with_a_lower_learning_rate(
    asked: Asked, gtzan: RunDirectory, where: list[str]
) -> None:
    point = ["--resume-from", "output/gtzan/harmonic_vae_epoch_30.pt"]
    profile = profile_of(asked, "--dataset", "custom", "--custom-dir", "music", "--epochs", "20", *where, *point)
    assert asked.point is not None
    assert not asked.point.continues(asked.run)
    assert (profile.model.latent_dim, profile.hidden_dims, profile.audio.n_mels) == (8, (16, 16), 32)
    assert (profile.data.segment_length, profile.data.split, profile.train.batch_size) == (1.0, "auto", 32)
    assert profile.train.learning_rate == profile.train.finetune_learning_rate == 1e-4
    origins = asked.resolved.origins
    assert {origins[key] for key in ("model.latent_dim", "audio.n_fft", "data.segment_length")} == {"base run gtzan"}
    assert origins["train.learning_rate"] == "finetune_learning_rate"
    (line,) = asked.said.splitlines()
    assert "fine-tuning" in line
    assert "output/gtzan/harmonic_vae_epoch_30.pt" in line
    assert "learning rate 0.0001" in line


def test_another_place_for_the_same_music_makes_a_fine_tune_too(asked: Asked, gtzan: RunDirectory) -> None:
    profile = profile_of(asked, "--resume-from", "output/gtzan", "--name", "second")
    assert (profile.data.dataset, profile.data.split) == ("gtzan", "fault_filtered")
    assert profile.train.epochs == 100
    assert asked.run.path == Path("runs/second")


def test_flags_stand_above_the_base(asked: Asked, gtzan: RunDirectory) -> None:
    words = ["--dataset", "demo", "--resume-from", "output/gtzan", "--n_mels", "40", "--allow-partial"]
    profile = profile_of(asked, *words)
    assert (profile.audio.n_mels, profile.model.latent_dim) == (40, 8)
    assert asked.point is not None
    assert asked.point.allow_partial


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--learning-rate", "5e-3"], 5e-3),
        (["--set", "train.learning_rate=1e-3"], 1e-3),
        (["--set", "finetune_learning_rate=1e-5"], 1e-5),
        (["--set", "finetune_learning_rate=1e-5", "--learning-rate", "1e-3"], 1e-3),
    ],
)
def test_a_learning_rate_that_anybody_has_set_holds(
    asked: Asked, gtzan: RunDirectory, words: list[str], expected: float
) -> None:
    profile = profile_of(asked, "--dataset", "demo", "--resume-from", "output/gtzan", *words)
    assert profile.train.learning_rate == expected
    assert f"learning rate {expected:g}" in asked.said


@pytest.mark.parametrize("source", ["profile", "environment"])
def test_a_learning_rate_in_a_profile_or_the_environment_counts_as_set(
    asked: Asked, gtzan: RunDirectory, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    Path("mine.toml").write_text("[train]\nlearning_rate = 1e-3\n" if source == "profile" else "")
    if source == "environment":
        monkeypatch.setenv("HARMONIC_LEARNING_RATE", "1e-3")
    assert profile_of(asked, "./mine.toml", "--resume-from", "output/gtzan").train.learning_rate == 1e-3


def test_a_named_profile_takes_the_shape_of_the_base_where_it_says_nothing(asked: Asked, gtzan: RunDirectory) -> None:
    profile = profile_of(asked, "finetune", "--custom-dir", "music", "--resume-from", "output/gtzan")
    assert (profile.model.latent_dim, profile.audio.n_mels, profile.train.epochs) == (8, 32, 20)
    assert profile.train.learning_rate == 1e-4
    Path("mine.toml").write_text('[data]\ndataset = "demo"\n[model]\nlatent_dim = 16\n')
    profile = profile_of(asked, "./mine.toml", "--resume-from", "output/gtzan")
    assert (profile.model.latent_dim, profile.hidden_dims) == (16, (16, 16))


def test_an_export_that_was_moved_still_knows_its_shape(asked: Asked, gtzan: RunDirectory) -> None:
    exported("elsewhere/base.pt", gtzan.profile.read_text())
    profile = profile_of(asked, "--dataset", "demo", "--resume-from", "elsewhere/base.pt")
    assert (profile.model.latent_dim, profile.audio.n_mels) == (8, 32)
    assert asked.resolved.origins["model.latent_dim"] == "base elsewhere/base.pt"
    profile = profile_of(asked, "--resume-from", "elsewhere/base.pt")
    assert profile.data.dataset == "gtzan"


@pytest.mark.parametrize(
    "text", ["", "[[[\x1b[31m", "[model]\nlatent_dim = -1", "extends = '/etc/passwd'", "a = '\udcff'", "#" * 2_000_000]
)
def test_an_export_with_a_profile_that_cannot_be_used_needs_a_named_one(asked: Asked, text: str) -> None:
    exported("base.pt", text)
    if not text:
        # Nothing said is nothing wrong: the defaults.
        assert profile_of(asked, "--dataset", "gtzan", "--resume-from", "base.pt").model.latent_dim == 128
        return
    assert "base.pt" in refusal("--dataset", "gtzan", "--resume-from", "base.pt")
    profile_of(asked, "demo", "--resume-from", "base.pt")
    assert "cannot be told" in asked.said
    assert all(line.isprintable() for line in asked.said.splitlines())


def test_a_folder_without_a_word_on_what_it_is_is_asked_about(asked: Asked, gtzan: RunDirectory) -> None:
    said = refusal("--resume-from", "output/gtzan", "--name", "tuned", "--custom-dir", "music")
    assert said.startswith("--custom-dir: ")
    assert "--dataset custom" in said


def test_the_run_that_a_profile_names_is_gone_on_from_as_well(asked: Asked, gtzan: RunDirectory) -> None:
    profile_of(asked, "demo", "--set", "train.resume_from=output/gtzan")
    assert asked.point is not None
    assert "fine-tuning" in asked.said
    assert asked.resolved.name == "demo"


def test_a_name_with_escape_codes_never_reaches_the_terminal(asked: Asked) -> None:
    recorded("runs/\x1b[31mred", "dataset=demo")
    assert "\\x1b" in refusal("--resume-from", "runs/\x1b[31mred", "--batch-size", "3")
    profile_of(asked, "--resume-from", "runs/\x1b[31mred", "--name", "tuned")
    assert "\x1b" not in asked.said
