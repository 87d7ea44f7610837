"""What `harmonic train` refuses: before anything heavy is imported, in words, with the right exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from programs import DEADLINE_S, Programs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to train: name a profile"),
        (["dmeo"], "Did you mean `demo`?"),
        (["demo", "--set", "latent_dimm=3"], "latent_dim"),
        (["demo", "--epochs", "-1"], "--epochs: train.epochs = -1"),
        (["--dataset", "klassik"], "Allowed is demo, custom, gtzan, maestro or combined."),
        (["demo", "--mode", "tune"], "`harmonic train` only trains"),
        (["demo", "--n_fft", "256", "--n_mels", "200"], "n_mels"),
        (["custom"], "--custom-dir"),
        (["demo", "--set", "run.name=../../etc"], "run.name"),
        (["--config", "missing.json"], "missing.json"),
        (["demo", "--nonsense"], "--nonsense"),
    ],
    ids=lambda each: " ".join(each) or "nothing" if isinstance(each, list) else "",
)
def test_what_cannot_be_used_is_a_usage_error_and_leaves_nothing_behind(
    harmonic: Programs, arguments: list[str], words: str
) -> None:
    refused = harmonic.run("train", *arguments, expect=2)
    assert words in refused.stderr
    assert refused.stdout == ""
    assert list(harmonic.place.iterdir()) == []


def test_a_wrong_profile_is_refused_before_torch_is_imported(harmonic: Programs) -> None:
    (harmonic.place / "mine.toml").write_text('[data]\ndataset = "demo"\n\n[model]\nlatent_dims = 64\n')
    code = (
        "import sys, harmonic_core.cli\n"
        "sys.argv[1:] = ['train', './mine.toml']\n"
        "try:\n    harmonic_core.cli.main()\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=harmonic.place,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    assert done.stdout == "2 False\n"
    assert "mine.toml" in done.stderr
    assert "line 5" in done.stderr or ":5" in done.stderr
    assert "did you mean `latent_dim`" in done.stderr.lower()


def test_a_data_set_that_is_not_there_says_how_to_fetch_it(harmonic: Programs) -> None:
    refused = harmonic.run("train", "gtzan", expect=2)
    assert "harmonic data download gtzan --dataset-dir data/gtzan" in refused.stderr.splitlines()[-1]


def test_a_folder_without_audio_names_what_is_there(harmonic: Programs) -> None:
    folder = harmonic.place / "music"
    folder.mkdir()
    (folder / "notes.txt").write_text("la la la")
    (folder / "not-really.wav").write_text("la la la")
    refused = harmonic.run("train", "custom", "--custom-dir", "music", "--output-dir", "output/mine", expect=1)
    assert "No valid audio files in music" in refused.stderr.splitlines()[-1]
    assert "not-really.wav" in refused.stderr
    assert "No valid audio files" in harmonic.run("status", "mine").stdout
    assert "failed" in harmonic.run("runs").stdout


def test_a_folder_that_is_not_there_is_named(harmonic: Programs) -> None:
    refused = harmonic.run("train", "custom", "--custom-dir", "nowhere/\x1b[31m", expect=2)
    assert "no such folder" in refused.stderr
    assert not (harmonic.place / "runs").exists()
    assert "\x1b" not in refused.stderr


def test_a_run_that_failed_before_it_had_anything_to_keep_can_be_started_anew(
    harmonic: Programs, tiny: list[str]
) -> None:
    (harmonic.place / "music").mkdir()
    harmonic.run("train", "custom", "--custom-dir", "music", "--name", "mine", expect=1)
    hopeless = harmonic.run("train", "--resume-from", "runs/mine", expect=1)
    assert "no checkpoint was written yet" in hopeless.stderr
    harmonic.run("train", "demo", *tiny, "--epochs", "1", "--name", "mine")
    assert "finished" in harmonic.run("status", "mine").stdout


def test_the_tuning_command_of_old_is_told_the_new_one(harmonic: Programs) -> None:
    refused = harmonic.run("train", "--dataset", "demo", "--mode", "tune", "--trials", "5", expect=2)
    assert "`harmonic tune`" in refused.stderr


def test_a_place_that_cannot_be_written_is_a_matter_of_the_disk(harmonic: Programs) -> None:
    (harmonic.place / "file").write_text("")
    refused = harmonic.run("train", "demo", "--output-dir", "file/run", expect=5)
    assert refused.stderr.startswith("harmonic: file/run: the run directory cannot be made")


def test_a_cache_that_cannot_be_written_is_a_matter_of_the_disk(harmonic: Programs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = harmonic.run("train", "demo", expect=5, XDG_CACHE_HOME=str(tmp_path / "file"))
    assert "audio cache" in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize("point", ["nowhere", "profile.txt"])
def test_what_is_no_run_cannot_be_continued(harmonic: Programs, point: str) -> None:
    (harmonic.place / "profile.txt").write_text("")
    refused = harmonic.run("train", "--resume-from", point, expect=1)
    assert point in refused.stderr
    assert not (harmonic.place / "runs").exists()
