"""`harmonic train --mode …`: the other modes do for the same music what `harmonic data` does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from programs import Programs
from quick_music import write_wav


@pytest.fixture
def music(harmonic: Programs) -> Path:
    """Four clips of noise and a file that is no audio."""
    folder = harmonic.place / "music"
    folder.mkdir()
    for number in range(4):
        write_wav(folder / f"{number}.wav", 2.0, seed=number)
    return folder


def test_validate_data_is_the_check_of_the_same_music(harmonic: Programs, music: Path) -> None:
    said = harmonic.run("train", "--dataset", "custom", "--custom_dir", "music", "--mode", "validate_data").stdout
    check = harmonic.run("data", "validate", "music").stdout
    # Whatever else works on this machine takes room and gives it back.
    room = re.compile(r"[0-9.]+ [GM]B are free")
    assert len(room.findall(said)) == 1
    assert room.sub("", said) == room.sub("", check)
    assert said.splitlines()[-1].startswith("ready: 4 files")
    (music / "broken.wav").write_bytes(b"no music")
    refused = harmonic.run("train", "custom", "--custom-dir", "music", "--mode", "validate_data", expect=1)
    assert refused.stdout.splitlines()[-1].startswith("not ready, because")


def test_preprocess_fills_the_folder_that_is_named(harmonic: Programs, music: Path) -> None:
    arguments = ["--dataset", "custom", "--custom_dir", "music", "--mode", "preprocess", "--output_dir", "data/ready"]
    assert "4 decoded" in harmonic.run("train", *arguments).stdout
    again = harmonic.run("data", "preprocess", "custom", "--custom-dir", "music", "--output-dir", "data/ready")
    assert "4 from the cache" in again.stdout
    assert not (harmonic.place / "runs").exists()


def test_download_takes_the_data_set_and_its_folder(harmonic: Programs) -> None:
    (harmonic.place / "data").write_text("not a folder")
    refused = harmonic.run("train", "--dataset", "gtzan", "--dataset_dir", "data/gtzan", "--mode", "download", expect=1)
    assert "data/gtzan" in refused.stderr
    refused = harmonic.run("train", "--dataset", "demo", "--mode", "download", expect=2)
    assert "needs no download" in refused.stderr


def test_several_folders_are_one_collection(harmonic: Programs, music: Path) -> None:
    (harmonic.place / "more").mkdir()
    write_wav(harmonic.place / "more" / "0.wav", 2.0, seed=9)
    said = harmonic.run("data", "validate", "custom", "--custom-dir", "music", "--custom-dir", "more").stdout
    assert said.splitlines()[-1].startswith("ready: 5 files")


def test_a_folder_and_a_flag_that_names_another_are_not_guessed_between(harmonic: Programs, music: Path) -> None:
    refused = harmonic.run("data", "validate", "music", "--custom-dir", "elsewhere", expect=2)
    assert "music is a folder, and --custom-dir names another" in refused.stderr


def test_a_cache_that_cannot_be_written_is_found_before_training(harmonic: Programs, music: Path) -> None:
    (harmonic.place / "cache").write_text("a file")
    said = harmonic.run("data", "validate", "music", "--cache-dir", "cache", expect=1)
    assert "the cache, cache, cannot be written" in said.stdout.splitlines()[-1]


def test_audio_of_a_kind_that_is_not_read_is_refused_by_name(harmonic: Programs, music: Path) -> None:
    (music / "old.wma").write_bytes(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(5000))
    said = harmonic.run("data", "validate", "music", expect=1).stdout
    assert "refused: old.wma:" in said
    assert "refused: old.wma:" in harmonic.run("data", "preprocess", "music").stderr
