"""What `--resume-from` comes to, up to the point where training would begin: more of a run, or a fine-tune."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from asking import Asked, profile_of
from safetensors.torch import save
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.errors import HarmonicError
from harmonic_core.model.build import build_model
from harmonic_core.profile.resolve import resolve
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory
from harmonic_core.training.checkpoint import MANIFEST, PARTS

MODEL = ("latent_dim=8", "hidden_dims=16,16", "n_mels=32", "n_fft=512", "hop_length=256", "segment_length=1")


@cache
def weights() -> dict[str, torch.Tensor]:
    """Those of a model of `MODEL`, before any update."""
    profile = resolve(None, settings=MODEL, environ={}, check=False).profile
    return build_model(profile.model, profile.audio, profile.segment_frames).state_dict()


def recorded(path: str, *settings: str) -> RunDirectory:
    """A run of these settings as far as its profile and two checkpoints go, whole but for what only a trainer reads."""
    run = RunDirectory(Path(path))
    text = to_toml(resolve(None, settings=[*MODEL, *settings], environ={}, check=False).profile)
    for step, epoch in ((4, 1), (8, 2)):
        checkpoint_of(run, step, epoch, text)
    run.profile.write_text(text)
    return run


def checkpoint_of(run: RunDirectory, step: int, epoch: int, profile: str) -> Path:
    """A checkpoint with this profile; the manifest is true of it."""
    folder = run.checkpoints / f"step-{step:08d}"
    folder.mkdir(parents=True, exist_ok=True)
    contents = dict.fromkeys(PARTS, b"") | {
        "model.safetensors": save(weights()),
        "state.json": json.dumps({"step": step, "epoch": epoch}).encode(),
        "profile.toml": profile.encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    (folder / MANIFEST).write_text(json.dumps({"sha256": hashes}))
    return folder


def exported(path: str, profile: str = "", **content: Any) -> Path:
    """An export, anywhere, of the first epoch: with this profile, and with the weights of `MODEL`."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": weights(), "profile": profile, "step": 4, "epoch": 1, **content}, file)
    return file


def edit(run: RunDirectory, before: str, after: str) -> None:
    """Change the run's own profile as a person might."""
    text = run.profile.read_text()
    assert before in text
    run.profile.write_text(text.replace(before, after))


@pytest.fixture
def gtzan(asked: Asked) -> RunDirectory:
    """A run on GTZAN, where its data set's usual command puts it."""
    run = recorded("output/gtzan", "dataset=gtzan", "epochs=50", "batch_size=8", "split=fault_filtered")
    exported("output/gtzan/harmonic_vae_epoch_30.pt", run.profile.read_text())
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


@pytest.mark.parametrize(
    ("point", "checkpoint"),
    [
        ("output/gtzan", "step-00000008"),
        ("output/gtzan/checkpoints/step-00000004", "step-00000004"),
        ("output/gtzan/harmonic_vae_epoch_30.pt", "step-00000004"),
    ],
)
def test_an_edited_profile_of_the_run_is_a_change_of_what_its_checkpoint_was_trained_with(
    asked: Asked, gtzan: RunDirectory, point: str, checkpoint: str
) -> None:
    edit(gtzan, "learning_rate = 0.001", "learning_rate = 0.05")
    said = refusal("--resume-from", point).splitlines()
    assert said[0] == f"{point} was trained with other settings, then → now:"
    assert said[1] == "  train.learning_rate  0.001 → 0.05"
    recorded_profile = f"output/gtzan/checkpoints/{checkpoint}/profile.toml"
    assert said[2].startswith("output/gtzan/profile.toml says otherwise now (train.learning_rate)")
    assert f"copy {recorded_profile} over it" in said[2]
    assert asked.times == 0

    profile = profile_of(asked, "--resume-from", point, "--allow-changes")
    assert profile.train.learning_rate == 0.05
    assert asked.point is not None
    assert asked.point.changes == ("train.learning_rate  0.001 → 0.05",)

    gtzan.profile.write_bytes(Path(recorded_profile).read_bytes())
    assert profile_of(asked, "--resume-from", point).train.learning_rate == 1e-3
    assert asked.said == ""


def test_a_line_taken_out_of_the_profile_of_the_run_and_other_music_in_it_are_changes_of_that_run(
    asked: Asked, gtzan: RunDirectory
) -> None:
    edit(gtzan, "batch_size = 8\n", "")
    edit(gtzan, 'dataset = "gtzan"', 'dataset = "demo"')
    edit(gtzan, 'split = "fault_filtered"', 'split = "random"')
    said = refusal("--resume-from", "output/gtzan")
    told = [line.split() for line in said.splitlines()[1:4]]
    assert told[0] == ["data.dataset", '"gtzan"', "→", '"demo"']
    assert told[1] == ["data.split", '"fault_filtered"', "→", '"random"']
    assert told[2] == ["train.batch_size", "8", "→", "32"]
    assert "output/gtzan/profile.toml says otherwise now (data.dataset, data.split, train.batch_size)" in said


def test_an_edit_that_changes_no_figure_needs_no_leave_and_is_told(asked: Asked, gtzan: RunDirectory) -> None:
    edit(gtzan, "log_every = 10", "log_every = 3")
    assert profile_of(asked, "--resume-from", "output/gtzan").train.log_every == 3
    assert "train.log_every  10 → 3" in asked.said


def test_the_profile_to_compare_with_is_that_of_the_newest_checkpoint_that_is_whole(
    asked: Asked, gtzan: RunDirectory
) -> None:
    edit(gtzan, "batch_size = 8", "batch_size = 4")
    newest = checkpoint_of(gtzan, 12, 3, gtzan.profile.read_text())
    profile_of(asked, "--resume-from", "output/gtzan")
    assert asked.said == ""
    (newest / "model.safetensors").write_bytes(b"cut")
    assert "train.batch_size  8 → 4" in refusal("--resume-from", "output/gtzan")


@pytest.mark.parametrize("fault", ["another epoch", "other weights", "no checkpoint"])
def test_an_export_without_the_checkpoint_of_its_moment_is_compared_by_the_profile_inside_it(
    asked: Asked, gtzan: RunDirectory, fault: str
) -> None:
    text = gtzan.profile.read_text().replace("seed = 0", "seed = 7")
    content: dict[str, Any] = {
        "another epoch": {"epoch": 2},
        "other weights": {"model": {name: tensor + 1 for name, tensor in weights().items()}},
        "no checkpoint": {"step": 6},
    }[fault]
    exported("output/gtzan/copied.pt", text, **content)
    said = refusal("--resume-from", "output/gtzan/copied.pt")
    assert said.startswith("output/gtzan/copied.pt was trained with other settings")
    assert "  run.seed  7 → 0\n" in said
    assert "change it back" in said


@pytest.mark.parametrize("point", ["output/gtzan", "output/gtzan/harmonic_vae_epoch_30.pt"])
def test_weights_that_cannot_fit_are_refused_before_the_run_is_touched_whatever_is_allowed(
    asked: Asked, gtzan: RunDirectory, point: str
) -> None:
    said = refusal("--resume-from", point, "--latent-dim", "4", "--allow-changes")
    assert "  model.latent_dim  8 → 4\n" in said
    assert "step-0000000" in said
    assert "the weights are of another model" in said
    assert "begin another run with what fits: add `--output-dir DIR --allow-partial`" in said
    assert asked.times == 0
    # Another length of a segment that comes to the same shapes is only a change.
    words = ["--resume-from", point, "--segment-length", "1.01", "--allow-changes"]
    assert profile_of(asked, *words).data.segment_length == 1.01


@pytest.mark.parametrize("words", [[], ["--latent-dim", "4", "--allow-changes"]])
def test_a_part_of_the_weights_is_for_another_run(asked: Asked, gtzan: RunDirectory, words: list[str]) -> None:
    said = refusal("--resume-from", "output/gtzan", *words, "--allow-partial")
    assert said.startswith("--allow-partial: output/gtzan goes on with all of its weights or not at all")
    assert "--output-dir" in said
    profile_of(asked, "--resume-from", "output/gtzan", *words, "--allow-partial", "--output-dir", "output/other")
    assert asked.point is not None
    assert asked.point.allow_partial
    assert not asked.point.continues(asked.run)


def test_a_fine_tune_has_the_shape_of_the_weights_whatever_the_profile_beside_them_says_by_now(
    asked: Asked, gtzan: RunDirectory
) -> None:
    edit(gtzan, "latent_dim = 8", "latent_dim = 4")
    profile_of(asked, "--resume-from", "output/gtzan", "--name", "tuned")
    assert asked.resolved.profile.model.latent_dim == 8


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("output/gtzan/checkpoints", "step-00000004"),
        ("output/gtzan/checkpoints", "./step-00000004/"),
        ("output/gtzan/checkpoints/step-00000004", "."),
        ("output/gtzan/checkpoints/step-00000008", "../step-00000004"),
        ("output", "linked"),
        ("", "gtzan/checkpoints/step-00000004"),
    ],
)
def test_a_checkpoint_is_known_from_wherever_it_is_named(
    asked: Asked, gtzan: RunDirectory, monkeypatch: pytest.MonkeyPatch, place: str, named: str
) -> None:
    run = gtzan.path.resolve()
    Path("output/linked").symlink_to(run / "checkpoints/step-00000004")
    monkeypatch.chdir(Path(place))
    profile_of(asked, "--resume-from", named)
    assert asked.point is not None
    assert asked.point.run is not None
    assert asked.point.checkpoint is not None
    assert (asked.run.path.resolve(), asked.point.checkpoint.resolve().name) == (run, "step-00000004")


def test_a_checkpoint_that_lies_outside_a_run_is_never_taken_for_one(asked: Asked, gtzan: RunDirectory) -> None:
    checkpoint = Path(shutil.copytree(gtzan.checkpoints / "step-00000004", "elsewhere"))
    assert refusal("--resume-from", "elsewhere").startswith("elsewhere: a checkpoint outside the checkpoints/ of a run")
    export = exported("elsewhere/beside.pt", gtzan.profile.read_text())
    profile_of(asked, "--resume-from", str(export))
    assert asked.point is not None
    assert asked.point.run is None
    assert not (checkpoint / "run.lock").exists()


def test_a_run_below_a_folder_called_checkpoints_is_still_a_run(asked: Asked) -> None:
    run = recorded("checkpoints/mine", "dataset=demo")
    run.status.write_text("{}")
    profile_of(asked, "--resume-from", "checkpoints/mine")
    assert asked.point is not None
    assert asked.point.checkpoint is None
    assert asked.run.path.resolve() == run.path.resolve()


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
def test_a_learning_rate_that_is_asked_for_holds(
    asked: Asked, gtzan: RunDirectory, words: list[str], expected: float
) -> None:
    profile = profile_of(asked, "--dataset", "demo", "--resume-from", "output/gtzan", *words)
    assert profile.train.learning_rate == expected
    assert f"learning rate {expected:g}" in asked.said


def test_a_learning_rate_in_the_environment_counts_as_asked_for(
    asked: Asked, gtzan: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMONIC_LEARNING_RATE", "1e-3")
    profile = profile_of(asked, "demo", "--resume-from", "output/gtzan")
    assert profile.train.learning_rate == 1e-3
    assert "learning rate 0.001 (HARMONIC_LEARNING_RATE)" in asked.said


def test_the_learning_rate_of_a_profile_is_for_fresh_weights_and_gives_way_in_a_fine_tune(
    asked: Asked, gtzan: RunDirectory
) -> None:
    words = ["--seed", "3", "--resume-from", "output/gtzan", "--output-dir", "output/tuned"]
    assert profile_of(asked, "demo", *words).train.learning_rate == 1e-4
    assert "learning rate 0.0001 (finetune_learning_rate, instead of 0.002 from packaged demo.toml:" in asked.said
    Path("mine.toml").write_text("[train]\nlearning_rate = 1e-2\nfinetune_learning_rate = 3e-4\n")
    assert profile_of(asked, "./mine.toml", *words).train.learning_rate == 3e-4
    assert "mine.toml:3, instead of 0.01 from mine.toml:2" in asked.said
    Path("config.json").write_text('{"learning_rate": 0.5}')
    assert profile_of(asked, "--config", "config.json", *words).train.learning_rate == 1e-4
    assert profile_of(asked, "demo", *words, "--learning-rate", "5e-3").train.learning_rate == 5e-3


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
