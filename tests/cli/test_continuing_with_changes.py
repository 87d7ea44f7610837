"""A real run that goes on under the same words, under others, and after its profile was spoilt."""

from __future__ import annotations

import pytest
from programs import Programs, known_status

from harmonic_core.profile.resolve import load
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import read_rows

pytestmark = pytest.mark.slow


def epochs(run: RunDirectory) -> list[int]:
    return [row["epoch"] for row in read_rows(run.metrics) if row["kind"] == "epoch"]


def test_flags_that_say_what_the_run_says_already_go_on_without_a_word(harmonic: Programs, base: RunDirectory) -> None:
    profile, weights = base.profile.read_bytes(), (base.checkpoints / "step-00000002/model.safetensors").read_bytes()
    done = harmonic.run(
        *("train", "--dataset", "demo", "--mode", "train", "--epochs", "2", "--output_dir", "output/base"),
        *("--resume_from", "output/base/harmonic_vae_epoch_1.pt"),
    )
    assert "→" not in done.stderr
    assert "warning" not in done.stderr
    assert epochs(base) == [1, 2]
    assert known_status(base).state == "finished"
    assert base.profile.read_bytes() == profile
    assert (base.checkpoints / "step-00000002/model.safetensors").read_bytes() == weights


def test_a_change_is_refused_until_it_is_allowed_and_then_recorded(harmonic: Programs, base: RunDirectory) -> None:
    words = ["train", "--resume-from", "output/base", "--epochs", "3", "--set", "loss.beta_end=0.1"]
    status = base.status.read_bytes()
    refused = harmonic.run(*words, expect=2)
    assert "  loss.beta_end  0.01 → 0.1\n  train.epochs   2    → 3\n" in refused.stderr
    assert "--allow-changes" in refused.stderr
    assert base.status.read_bytes() == status
    assert len(read_starts(base)) == 1

    allowed = harmonic.run(*words, "--allow-changes")
    assert "loss.beta_end  0.01 → 0.1" in allowed.stderr
    assert epochs(base) == [1, 2, 3]
    recorded = " ".join(str(row.get("message")) for row in read_rows(base.events))
    assert "loss.beta_end" in recorded
    assert "train.epochs" in recorded
    assert load(base.profile).loss.beta_end == 0.1

    harmonic.run("train", "--resume-from", "output/base")
    assert epochs(base) == [1, 2, 3]


def test_a_run_whose_profile_was_spoilt_goes_on_with_that_of_its_checkpoint(
    harmonic: Programs, base: RunDirectory
) -> None:
    before = load(base.profile)
    base.profile.write_bytes(b"[train]\nepochs = '\x1b[31mnever'\n\xff")
    done = harmonic.run("train", "--resume-from", "output/base")
    assert "profile.toml:3 is not UTF-8" in done.stderr
    assert "taking output/base/checkpoints/step-" in done.stderr
    assert "\x1b" not in done.stderr
    assert known_status(base).state == "finished"
    assert load(base.profile) == before


def test_an_edit_of_the_profile_of_a_run_is_not_trained_with_unasked(harmonic: Programs, base: RunDirectory) -> None:
    status = base.status.read_bytes()
    edited = base.profile.read_text().replace("learning_rate = 0.001\n", "learning_rate = 0.05\n", 1)
    base.profile.write_text(edited)
    refused = harmonic.run("train", "--resume-from", "output/base", expect=2)
    assert "  train.learning_rate  0.001 → 0.05\n" in refused.stderr
    assert base.status.read_bytes() == status
    assert base.profile.read_text() == edited


def test_what_cannot_fit_leaves_a_finished_run_with_its_best_and_its_verdict(
    harmonic: Programs, base: RunDirectory
) -> None:
    before = harmonic.run("status", "base").stdout
    words = ["train", "--resume-from", "output/base", "--latent-dim", "4", "--allow-changes"]
    refused = harmonic.run(*words, expect=1)
    assert "  model.latent_dim  8 → 4\n" in refused.stderr
    assert "the weights are of another model" in refused.stderr.splitlines()[-1]
    refused = harmonic.run(*words, "--allow-partial", expect=2)
    assert refused.stderr.startswith("harmonic: --allow-partial: output/base goes on with all of its weights")
    assert harmonic.run("status", "base").stdout == before
    assert "finished" in before


def test_a_checkpoint_named_from_beside_it_goes_on_and_stays_whole(harmonic: Programs, base: RunDirectory) -> None:
    within = Programs(base.checkpoints, harmonic.environment)
    first = sorted(path.name for path in base.checkpoints.glob("step-*") if path.name.strip("step-0"))[0]
    done = within.run("train", "--resume-from", first)
    assert f"{first} at step " in done.stderr
    assert epochs(base) == [1, 2]
    assert known_status(base).state == "finished"
    assert not (base.checkpoints / first / "run.lock").exists()
    harmonic.run("verify", "output/base")
