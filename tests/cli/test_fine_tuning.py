"""From a trained model to other music: a new run with the old one's weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from programs import Programs, known_status

from harmonic_core.profile.resolve import load
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import read_rows

pytestmark = pytest.mark.slow

BASE = "output/base/harmonic_vae_best.pt"


@pytest.fixture(autouse=True)
def _music(harmonic: Programs) -> None:
    """A folder of other music than the base was trained on."""
    folder = harmonic.place / "music/folk"
    folder.mkdir(parents=True)
    for number in range(3):
        tone = 0.3 * np.sin(np.arange(22050 * 4) * 2 * np.pi * 110 * (number + 2) / 22050)
        soundfile.write(folder / f"{number}.wav", tone, 22050)


def weights(path: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["model"]
    return found


def test_other_music_begins_a_new_run_with_the_weights_and_the_shape_of_the_base(
    harmonic: Programs, base: RunDirectory
) -> None:
    before = {path: path.read_bytes() for path in base.path.rglob("*") if path.is_file()}
    done = harmonic.run(
        *("train", "--dataset", "custom", "--custom_dir", "music", "--mode", "train", "--epochs", "1"),
        *("--resume_from", BASE, "--output_dir", "output/tuned", "--set", "warmup_steps=0"),
    )
    assert f"fine-tuning: output/tuned begins with the weights of {BASE}, learning rate 0.0001" in done.stderr
    assert {path: path.read_bytes() for path in base.path.rglob("*") if path.is_file()} == before
    tuned = RunDirectory(harmonic.place / "output/tuned")
    assert (known_status(tuned).state, known_status(tuned).epoch) == ("finished", 1)
    profile = load(tuned.profile)
    assert (profile.model, profile.audio) == (load(base.profile).model, load(base.profile).audio)
    assert profile.train.learning_rate == 1e-4
    (start,) = read_starts(tuned)
    assert start["values"]["model.latent_dim"] == "base run base"
    assert start["resumed_from"] == BASE
    (row,) = (row for row in read_rows(tuned.metrics) if row["kind"] == "epoch")
    assert row["learning_rate"] <= 1e-4
    # Few small updates: what was learnt is still there.
    old, new = weights(harmonic.place / BASE), weights(tuned.export("epoch_1"))
    assert old.keys() == new.keys()
    distances = [float((old[name] - new[name]).abs().max()) for name in old if "band" not in name]
    assert 0 < max(distances) < 0.01


def test_an_export_alone_is_enough_and_the_profile_for_it_says_little(harmonic: Programs, base: RunDirectory) -> None:
    (harmonic.place / "shared").mkdir()
    shutil.move(harmonic.place / BASE, harmonic.place / "shared/base.pt")
    shutil.rmtree(base.path)
    done = harmonic.run(
        *("train", "finetune", "--custom-dir", "music", "--resume-from", "shared/base.pt", "--name", "tuned"),
        *("--epochs", "1", "--learning-rate", "5e-4"),
    )
    assert "learning rate 0.0005 (--learning-rate)" in done.stderr
    tuned = load(harmonic.place / "runs/tuned/profile.toml")
    assert (tuned.model.latent_dim, tuned.audio.n_mels, tuned.train.learning_rate) == (8, 32, 5e-4)


def test_weights_that_do_not_fit_are_listed_and_begin_anew_only_when_allowed(
    harmonic: Programs, base: RunDirectory
) -> None:
    words = ["train", "--dataset", "custom", "--custom-dir", "music", "--epochs", "1", "--resume-from", BASE]
    words += ["--latent-dim", "4", "--output-dir", "output/other"]
    refused = harmonic.run(*words, expect=1)
    last = refused.stderr.splitlines()[-1]
    assert last.startswith(f"harmonic: {BASE}: the weights are of another model")
    assert "--allow-partial" in last
    allowed = harmonic.run(*words, "--allow-partial")
    assert "begin anew" in allowed.stderr
    other = RunDirectory(harmonic.place / "output/other")
    assert known_status(other).state == "finished"
    old, new = weights(harmonic.place / BASE), weights(other.export("epoch_1"))
    assert any(old[name].shape != new[name].shape for name in old)


def test_an_export_that_is_none_is_refused_in_words(harmonic: Programs) -> None:
    torch.save(
        {"model": {}, "profile": "[model]\nlatent_dim = '\x1b[31m'\n", "step": 1, "epoch": 1}, harmonic.place / "a.pt"
    )
    (harmonic.place / "b.pt").write_bytes(b"PK\x03\x04" + b"\x1b[31m" * 99)
    for name, code in (("a.pt", 2), ("b.pt", 1)):
        refused = harmonic.run("train", "--dataset", "demo", "--resume-from", name, expect=code)
        assert name in refused.stderr
        assert "\x1b" not in refused.stderr
    assert not (harmonic.place / "runs").exists()
