"""`harmonic tune` as a command that searches, and as the name of what shows searches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import Programs

from harmonic_core.run.studies import read_study
from harmonic_core.tuning.search import Budget


def test_the_help_tells_of_the_search_and_of_its_verbs(harmonic: Programs) -> None:
    text = harmonic.run("tune", "--help").stdout
    for expected in (
        "tune [OPTIONS]",
        "PROFILE",
        "--strategy",
        "--objective",
        "--workers",
        "--storage",
    ):
        assert expected in text
    assert "Commands:" in text
    assert "  best  " in text
    assert "  show  " in text
    assert "  measure  " not in text
    assert "worker-of" not in text
    # Without anything to do it explains itself.
    assert harmonic.run("tune", expect=2).stderr.strip() == text.strip()


def test_options_may_come_before_the_profile_and_a_verb_is_known_by_its_place(stubbed: Programs, studies: Path) -> None:
    (stubbed.place / "best.toml").write_text('extends = "demo"\n')
    stubbed.run("tune", "--trials", "1", "./best.toml")
    study = read_study(studies / "best")
    assert study is not None
    assert len(study.trials) == 1
    assert "tune best [OPTIONS]" in stubbed.run("tune", "best", "--help").stdout


def test_the_manuals_command_searches_with_gtzan(stubbed: Programs) -> None:
    for genre in ("jazz", "metal"):
        folder = stubbed.place / "data" / "gtzan" / genre
        folder.mkdir(parents=True)
        for number in range(2):
            (folder / f"{genre}.{number:05d}.wav").write_bytes(b"RIFF")
    stubbed.run("tune", "gtzan", "--trials", "2", "--output-dir", "output/tuning")
    study = read_study(stubbed.place / "output" / "tuning" / "gtzan")
    assert study is not None
    assert (study.name, study.state, len(study.trials)) == ("gtzan", "finished", 2)
    assert list(study.space) == ["model.latent_dim", "loss.beta_end", "model.hidden_dims", "train.learning_rate"]


def test_without_music_no_trial_is_begun_and_one_line_says_so(stubbed: Programs) -> None:
    done = stubbed.run("tune", "gtzan", "--trials", "2", expect=None)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert "data/gtzan: no such folder" in done.stderr
    assert not (stubbed.place / "output").exists()


def test_a_trial_never_goes_on_with_another_learning_rate_than_was_chosen(stubbed: Programs) -> None:
    stubbed.run("tune", "demo", "--trials", "1", "--study", "one")
    told = stubbed.place / "output" / "tuning" / "one" / "trial-0000" / "settings.json"
    assert json.loads(told.read_text())["train.max_rollbacks"] == "0"


@pytest.mark.parametrize(
    ("budget", "flags"),
    [
        (Budget(steps=1234567), ["--steps", "1234567"]),
        (Budget(epochs=3000000), ["--epochs", "3000000"]),
        (Budget(minutes=12.3456789), ["--minutes", "12.3456789"]),
        (Budget(minutes=10.0), ["--minutes", "10"]),
    ],
    ids=str,
)
def test_a_budget_is_told_to_workers_and_to_whoever_continues_as_it_was_given(budget: Budget, flags: list[str]) -> None:
    assert budget.flags == flags
