"""`harmonic data validate`, as a whole program."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from broken_files import write_broken_files
from made_sets import write_custom, write_gtzan, write_sound
from programs import Programs


@pytest.fixture
def music(harmonic: Programs) -> Path:
    """Ten good files of five artists in many formats."""
    write_custom(harmonic.place / "music")
    return harmonic.place / "music"


def document(harmonic: Programs, *arguments: str, expect: int = 0) -> dict[str, Any]:
    done = harmonic.run("data", "validate", *arguments, "--json", expect=expect)
    parsed: dict[str, Any] = json.loads(done.stdout)
    assert parsed["ready"] is (expect == 0)
    return parsed


def last_line(text: str) -> str:
    return text.rstrip().splitlines()[-1]


def test_good_music_is_ready_and_says_what_it_adds_up_to(harmonic: Programs, music: Path) -> None:
    (music / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    said = harmonic.run("data", "validate", "music").stdout
    assert last_line(said) == "ready: 10 files, 20 s of music"
    assert "10: 10 fine" in said
    assert ".jpg" in said
    for title in ("files by genre", "files by length", "files by sample rate", "one batch", "segments", "cache"):
        assert title in said
    assert "\x1b" not in said
    found = document(harmonic, "music")["summary"]
    assert (found["files"], found["fine"], found["refused"], found["other_files"]) == (10, 10, 0, {".jpg": 1})
    assert found["hours"] == pytest.approx(20 / 3600, rel=0.02)
    assert found["genres"] == {"folk": 6, "jazz": 4}
    assert found["sources"] == {"custom": 10}
    assert sum(found["sample_rates"].values()) == 10
    assert sum(each["files"] for each in found["durations"]) == 10
    assert found["needs"]["cache_bytes"] == pytest.approx(20 * 22_050 * 2, rel=0.02)
    assert found["segments"]["training"] + found["segments"]["validation"] == 10


def test_nothing_is_written_and_what_is_cached_is_used(harmonic: Programs, music: Path) -> None:
    first = document(harmonic, "music", "--set", "data.cache_dir=cache")
    assert not (harmonic.place / "cache").exists()
    assert first["summary"]["needs"]["missing_bytes"] == first["summary"]["needs"]["cache_bytes"]
    harmonic.run("data", "preprocess", "music", "--output-dir", "cache")
    second = document(harmonic, "music", "--set", "data.cache_dir=cache")
    assert second["summary"]["needs"]["missing_bytes"] == 0
    assert second["files"] == first["files"]


def test_every_broken_file_is_named_and_the_good_ones_are_counted(harmonic: Programs, music: Path) -> None:
    expected = write_broken_files(music / "broken", harmonic.place / "scratch")
    shutil.rmtree(harmonic.place / "scratch")
    done = harmonic.run("data", "validate", "music", expect=1)
    assert last_line(done.stdout).startswith("not ready, because ")
    assert "refused, and would be left out" in last_line(done.stdout)
    assert "\x1b" not in done.stdout + done.stderr
    assert "[red]markup[bold].wav" not in [line for line in done.stdout.splitlines() if "refused" in line]
    found = document(harmonic, "music", expect=1)
    kinds = {each["name"]: {fault["kind"] for fault in each["faults"]} for each in found["files"]}
    for name, kind in expected.items():
        assert kind is None or kind in kinds[f"broken/{name}"], name
    for each in found["files"]:
        refused = any(fault["refuses"] for fault in each["faults"])
        assert each["verdict"] == ("refused" if refused else "warning" if each["faults"] else "fine")
        if refused:
            assert f"refused: {each['name']}: " in done.stdout or not each["name"].isprintable()
    assert not any(kinds[name] for name in kinds if not name.startswith("broken/"))


def test_the_same_sound_twice_is_named_whatever_the_format(harmonic: Programs, music: Path) -> None:
    (original,) = music.glob("*/Monk/*/*0.wav")
    shutil.copy(original, music / "folk" / "copy.wav")
    found = document(harmonic, "music")
    (copy,) = [each for each in found["files"] if each["faults"]]
    assert copy["faults"][0]["kind"] == "duplicate"
    assert {copy["name"], copy["faults"][0]["message"].removeprefix("the same sound as ")} == {
        str(original.relative_to(music)),
        "folk/copy.wav",
    }


def test_known_faults_of_gtzan_do_not_make_it_unready(harmonic: Programs) -> None:
    write_gtzan(harmonic.place / "gtzan", {"jazz": [1, 54], "blues": range(4), "metal": range(4)})
    (harmonic.place / "gtzan/genres/jazz/jazz.00054.wav").write_bytes(os.urandom(5_000))
    done = harmonic.run("data", "validate", "./gtzan")
    assert "known fault: jazz/jazz.00054.wav: " in done.stdout
    assert "1 left out as known faults" in done.stdout
    assert last_line(done.stdout).startswith("ready: 9 files")
    (harmonic.place / "gtzan/genres/jazz/jazz.00001.wav").write_bytes(os.urandom(5_000))
    done = harmonic.run("data", "validate", "./gtzan", expect=1)
    assert "not ready, because 1 file is refused" in last_line(done.stdout)


def test_too_little_for_validation_is_not_ready_unless_none_is_asked_for(harmonic: Programs) -> None:
    write_sound(harmonic.place / "music/only.wav")
    done = harmonic.run("data", "validate", "music", expect=1)
    assert "nothing is left to hold out for validation" in last_line(done.stdout)
    assert "ready: 1 file" in harmonic.run("data", "validate", "music", "--set", "data.validation_split=0").stdout


def test_nothing_there_is_said_in_both_forms(harmonic: Programs) -> None:
    (harmonic.place / "music").mkdir()
    (harmonic.place / "music/cover.jpg").write_bytes(b"\xff\xd8\xff")
    done = harmonic.run("data", "validate", "music", expect=1)
    assert last_line(done.stdout).startswith("not ready, because No valid audio files in music")
    assert "No valid audio files" in document(harmonic, "music", expect=1)["because"][0]


def test_a_profile_is_judged_by_its_own_settings(harmonic: Programs, music: Path) -> None:
    (harmonic.place / "mine.toml").write_text(
        '[data]\ndataset = "custom"\ncustom_dir = "music"\nmin_clip_length = 3.0\n[audio]\nsample_rate = 16000\n'
    )
    found = document(harmonic, "mine.toml", expect=1)
    assert found["summary"]["refused"] == 10
    assert "nothing usable is there" in found["because"]
    assert "shorter than data.min_clip_length (3 s)" in found["files"][0]["faults"][0]["message"]


def test_the_demo_is_ready(harmonic: Programs) -> None:
    said = harmonic.run("data", "validate", "demo", "--set", "data.demo_minutes=0.5").stdout
    assert last_line(said).startswith("ready: ")
