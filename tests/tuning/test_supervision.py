"""What the supervisor does around trials, shown on trials that are refused at once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from programs import DEADLINE_S, Programs, wait_until
from recorded import settled, study_of

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def parameters(directory: Path) -> list[dict[str, object]]:
    """What each trial was given."""
    return [trial.params for trial in settled(directory)]


def test_the_same_seed_gives_the_same_trials_also_when_the_study_is_continued(
    harmonic: Programs, refused: list[str], studies: Path
) -> None:
    harmonic.run("tune", *refused, "--trials", "2", "--seed", "7", "--study", "whole")
    for trials in ("1", "2"):
        harmonic.run("tune", *refused, "--trials", trials, "--seed", "7", "--study", "parts")
    harmonic.run("tune", *refused, "--trials", "1", "--seed", "8", "--study", "other")
    whole = parameters(studies / "whole")
    assert whole == parameters(studies / "parts")
    assert len({each["train.learning_rate"] for each in whole}) == 2
    assert parameters(studies / "other") != whole[:1]


def test_when_everything_fails_it_gives_up_and_says_why(harmonic: Programs, refused: list[str], studies: Path) -> None:
    done = harmonic.run("tune", *refused, expect=1)
    assert done.stdout.count(": failed  ") == 5
    assert "all 5 trials so far failed, the last with: refused, exit status 2: no.toml" in done.stderr
    assert len(settled(studies / "no")) == 5
    # Somebody who has mended it is not refused because of what was before.
    again = harmonic.run("tune", *refused, "--trials", "6", expect=1)
    assert again.stdout.startswith("trial-0005: failed")


def test_the_supervisor_needs_no_torch(harmonic: Programs, refused: list[str]) -> None:
    code = (
        "import sys, json, harmonic_core.cli\n"
        f"sys.argv[1:] = {['tune', *refused, '--trials', '1']!r}\n"
        "try:\n    harmonic_core.cli.main()\n"
        "except SystemExit as end:\n    print(json.dumps([end.code, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=harmonic.place,
        env=harmonic.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert "optuna" in modules
    assert not {"torch", "torchaudio", "librosa", "textual", "soundfile"} & set(modules)


def test_only_results_go_to_stdout_and_optuna_keeps_silent(harmonic: Programs, refused: list[str]) -> None:
    done = harmonic.run("tune", *refused, "--trials", "1")
    trial, best = done.stdout.splitlines()
    assert trial.startswith("trial-0000: failed  latent_dim=")
    assert best == "No trial was completed, so there is no best one."
    assert done.stderr.startswith("study output/tuning/no: 0 of 1 trials done\nsearching model.latent_dim: one of 64")
    assert "Warning" not in done.stderr
    assert "[I " not in done.stderr


def test_a_trial_whose_supervisor_on_another_host_fell_silent_is_done_again(
    harmonic: Programs, refused: list[str], studies: Path
) -> None:
    harmonic.run("tune", *refused, "--timeout", "0")
    study = study_of(studies / "no")
    lost = study.ask()
    lost.suggest_categorical("model.latent_dim", (64, 128, 256))
    lost.set_user_attr("supervisor", {"pid": 1, "process_start": 0.0, "host": "elsewhere"})
    with sqlite3.connect(studies / "no" / "study.db") as database:
        database.execute(
            "INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (?, datetime('now', '-1 hour'))",
            (lost._trial_id,),
        )
    harmonic.run("tune", *refused, "--trials", "1")
    (again,) = settled(studies / "no")
    assert again.number == lost.number + 1
    assert again.params["model.latent_dim"] == lost.params["model.latent_dim"]


def test_a_trial_at_work_on_another_host_is_left_alone_waited_for_and_taken_up_where_it_falls_silent(
    harmonic: Programs, refused: list[str], studies: Path
) -> None:
    harmonic.run("tune", *refused, "--timeout", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        at_work = study_of(studies / "no").ask()
    at_work.set_user_attr("supervisor", {"pid": 1, "process_start": 0.0, "host": "elsewhere"})
    beat = "INSERT OR REPLACE INTO trial_heartbeats (trial_heartbeat_id, trial_id, heartbeat) VALUES (1, ?, {})"
    with sqlite3.connect(studies / "no" / "study.db") as database:
        database.execute(beat.format("datetime('now', '+1 hour')"), (at_work._trial_id,))
    process = harmonic.start("tune", *refused, "--trials", "2")
    wait_until(
        lambda: "waiting for 1 trial that is at work elsewhere" in (harmonic.place / "stderr.txt").read_text(),
        "it waits for the other",
    )
    assert [trial.number for trial in settled(studies / "no")] == [1]
    with sqlite3.connect(studies / "no" / "study.db", timeout=60) as database:
        database.execute(beat.format("datetime('now', '-1 hour')"), (at_work._trial_id,))
    assert process.wait(DEADLINE_S) == 0
    assert [trial.number for trial in settled(studies / "no")] == [1, 2]
    assert settled(studies / "no")[1].user_attrs["retry_of"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--set", "latent_dimm=3"], "latent_dim"),
        (["demo", "--set", "data.validation_split=0"], "holds nothing out"),
        (["demo", "--study", "../\x1b[31mx"], "\\x1b[31mx' cannot name a study"),
        (["demo", "--trials", "0"], "--trials"),
        (["demo", "--objective", "val_loss"], "losses of different betas do not compare"),
        (["demo", "--steps", "3", "--epochs", "2"], "--epochs and --steps: a trial has one budget"),
        (["demo", "--strategy", "luck"], "--strategy"),
        (["demo", "--storage", "mysql://user:secret@host/x"], "a study cannot be kept in mysql"),
        (["demo", "--set", "tune.space={latent_dim=[0]}"], "`latent_dim`: 0 is not allowed"),
        (["demo", "--set", "tune.space={latent_dim=[8]}", "--set", "latent_dim=8"], "held fixed by `--set`"),
    ],
    ids=lambda each: " ".join(each[1:]).encode("unicode_escape").decode() if isinstance(each, list) else "",
)
def test_what_cannot_be_used_is_a_usage_error_and_leaves_nothing_behind(
    harmonic: Programs, arguments: list[str], words: str
) -> None:
    done = harmonic.run("tune", *arguments, expect=2)
    assert words in done.stderr
    assert "\x1b" not in done.stderr
    assert list(harmonic.place.iterdir()) == []


def test_a_study_goes_on_only_under_the_conditions_it_was_begun_with(harmonic: Programs, refused: list[str]) -> None:
    harmonic.run("tune", *refused, "--timeout", "0", "--set", "train.batch_size=8")
    other = harmonic.run("tune", *refused, "--set", "train.batch_size=16", expect=1)
    assert "this study has train.batch_size = 8, now it would be 16, and" in other.stderr
    fixed = harmonic.run("tune", *refused, "--set", "train.batch_size=8", "--set", "latent_dim=32", expect=1)
    assert "model.latent_dim = one of 64, 128, 256, now it would be 32" in fixed.stderr
