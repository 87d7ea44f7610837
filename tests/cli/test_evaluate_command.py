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
