"""`harmonic evaluate`: what can be said of a model, for people and for scripts."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from programs import Programs
from quick_music import tree, write_wav

from harmonic_core.run.directory import RunDirectory

pytestmark = pytest.mark.slow


def test_a_run_is_measured_and_left_as_it_is(harmonic: Programs, base: RunDirectory) -> None:
    before = tree(base.path)
    said = harmonic.run("evaluate", "output/base").stdout
    assert tree(base.path) == before
    for words in ("mel dB", "perceptual dB", "loudness dB", "bit/s", "mel-FD", "dimensions active"):
        assert words in said
    assert re.search(
        r"samples as they are heard: key clarity 0\.\d\d, onset regularity \d\.\d\d; held-out music: key clarity 0",
        said,
    )
    assert "case study" not in said
    rows = [re.split(r"\s{2,}", line) for line in said.splitlines() if line.startswith(("vocoder", "model,"))]
    assert [row[0] for row in rows] == ["vocoder alone", "model, before any sound", "model, as it is heard"]
    vocoder, _, heard = (float(row[1]) for row in rows)
    assert vocoder < heard


def test_scripts_get_all_of_it_as_json_and_an_export_is_measured_as_well(
    harmonic: Programs, base: RunDirectory
) -> None:
    told = json.loads(harmonic.run("evaluate", str(base.export("best")), "--json").stdout)
    assert told["weights"] == str(base.export("best"))
    assert told["model"]["chroma"] is None
    assert 0 < told["vocoder"]["mel_db"] < told["model_and_vocoder"]["mel_db"]
    assert len(told["kl_per_dim"]) == told["latent_dim"] == 8
    assert told["kl_nats"] == pytest.approx(sum(told["kl_per_dim"]))
    assert told["draws"]["mel_fd"] > 0
    assert 0 <= told["held_out_music"]["key_clarity"] <= 1
    assert told["case_study"] == []


def promise(run: RunDirectory, *settings: str) -> None:
    """Have the run's profile promise something."""
    profile = run.profile.read_text()
    assert "[case_study]" in profile
    run.profile.write_text(profile.replace("[case_study]", "\n".join(["[case_study]", *settings])))


def test_what_the_profile_of_the_run_promises_is_told_with_how_it_stands(
    harmonic: Programs, base: RunDirectory
) -> None:
    promise(base, "path_evenness = 0.5", "key_clarity = 0.0", "onset_regularity = 1.0", "structured_by = 80")
    said = harmonic.run("evaluate", "output/base").stdout.splitlines()
    head, *lines = said[-4:]
    assert head.split() == ["case", "study", "measured", "promised", "by", "epoch"]
    # Of a single held-out track there are no paths to another.
    assert re.fullmatch(r"evenness of paths +– +0\.50 +2  unknown", lines[0])
    assert re.fullmatch(r"samples' key clarity +0\.\d\d +0\.00 +80  reached", lines[1])
    assert re.fullmatch(r"samples' regularity +\d\.\d\d +1\.00 +80  not yet", lines[2])
    goals = json.loads(harmonic.run("evaluate", "output/base", "--json").stdout)["case_study"]
    assert [(goal["setting"], goal["threshold"], goal["by_epoch"], goal["standing"]) for goal in goals] == [
        ("path_evenness", 0.5, 2, "unknown"),
        ("key_clarity", 0.0, 80, "reached"),
        ("onset_regularity", 1.0, 80, "not yet"),
    ]


def test_promises_are_of_the_own_music_and_not_of_any_other(harmonic: Programs, base: RunDirectory) -> None:
    promise(base, "key_clarity = 0.5")
    folder = harmonic.place / "mine"
    folder.mkdir()
    write_wav(folder / "one.wav", 4.0)
    assert "case study" not in harmonic.run("evaluate", "output/base", "--data", "mine").stdout


def test_other_music_can_be_named(harmonic: Programs, base: RunDirectory) -> None:
    folder = harmonic.place / "mine"
    folder.mkdir()
    for number in range(3):
        write_wav(folder / f"{number}.wav", 4.0, seed=number)
    told = json.loads(harmonic.run("evaluate", "output/base", "--data", "mine", "--json").stdout)
    assert told["segments"] == 12
    assert told["music"].startswith("3 tracks")


def test_what_cannot_be_measured_is_refused_in_words(harmonic: Programs, base: RunDirectory) -> None:
    assert "nowhere" in harmonic.run("evaluate", "nowhere", expect=1).stderr
    shutil.rmtree(base.checkpoints)
    base.checkpoints.mkdir()
    assert "no checkpoint" in harmonic.run("evaluate", "output/base", expect=1).stderr
    said = harmonic.run("evaluate", str(base.export("best")), "--data", "empty", expect=1).stderr
    assert "empty: no such folder" in said
    assert "--data DIR" in said
