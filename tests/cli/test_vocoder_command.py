"""`harmonic vocoder train`: a longer training of what makes a run's sounds, decided by held-out music."""

from __future__ import annotations

import json
import shutil
import signal

import pytest
from programs import Programs, wait_until
from quick_music import tree, write_wav

from harmonic_core.run.directory import RunDirectory

pytestmark = pytest.mark.slow

MOMENT = ("--minutes", "0.02")


def test_a_network_is_trained_measured_and_kept_with_the_run(harmonic: Programs, base: RunDirectory) -> None:
    before = tree(base.path)
    said = harmonic.run("vocoder", "train", "output/base", *MOMENT).stdout
    rows = {line[:24].strip(): [float(word) for word in line[24:].split()] for line in said.splitlines()[1:3]}
    plain, refined = rows["plain inversion"], rows["with the network"]
    # Half a minute of music may be too little to learn from: then it must say so.
    assert ("it is used" in said) == all(mine < theirs for mine, theirs in zip(refined, plain, strict=True))
    assert ("it is not used" in said) == ("it is used" not in said)
    assert base.vocoder.exists()
    after = tree(base.path)
    assert after.keys() - before.keys() == {"vocoder.safetensors"}
    assert all(after[name] == content for name, content in before.items())
    # What measures the run takes it into account, and does not stumble over it.
    assert json.loads(harmonic.run("evaluate", "output/base", "--json").stdout)["vocoder"]["mel_db"] > 0


def test_training_goes_on_from_the_network_that_is_there(harmonic: Programs, base: RunDirectory) -> None:
    first = json.loads(harmonic.run("vocoder", "train", "output/base", *MOMENT, "--json").stdout)
    assert first["written"]
    assert first["updates"] > 0
    content = base.vocoder.read_bytes()
    said = harmonic.run("vocoder", "train", "output/base", *MOMENT, "--json")
    again = json.loads(said.stdout)
    assert "from the network that is there" in said.stderr
    # Better, or it stays.
    assert again["written"] == (base.vocoder.read_bytes() != content)
    assert again["plain"] == pytest.approx(first["plain"], rel=1e-5)
    if again["written"]:
        assert again["refined"]["level_db"] < first["refined"]["level_db"]


def test_a_file_that_is_no_network_is_told_and_replaced(harmonic: Programs, base: RunDirectory) -> None:
    base.vocoder.write_bytes(b"nothing of the kind")
    said = harmonic.run("vocoder", "train", "output/base", *MOMENT, "--json")
    assert "vocoder.safetensors: not a vocoder's network" in said.stderr
    assert "beginning anew" in said.stderr
    assert json.loads(said.stdout)["written"]
    assert base.vocoder.stat().st_size > 10_000


def test_an_interruption_keeps_what_was_learnt(harmonic: Programs, base: RunDirectory) -> None:
    process = harmonic.start("vocoder", "train", "output/base", "--minutes", "1000")
    told = harmonic.place / "stderr.txt"
    wait_until(lambda: "training for" in told.read_text(), "it trains")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in told.read_text()
    # The signal may have come before the first update, of which there was nothing to keep.
    if base.vocoder.exists():
        assert "stopped early; what was learnt is kept" in out
    else:
        assert "stopped before anything was learnt" in told.read_text()


def test_other_music_can_be_named_and_must_leave_something_to_judge_by(harmonic: Programs, base: RunDirectory) -> None:
    folder = harmonic.place / "mine"
    folder.mkdir()
    write_wav(folder / "0.wav", 4.0)
    said = harmonic.run("vocoder", "train", "output/base", "--data", "mine", *MOMENT, expect=1).stderr
    assert "nothing is held out" in said
    assert "--data DIR" in said
    assert not base.vocoder.exists()
    for number in range(1, 4):
        write_wav(folder / f"{number}.wav", 4.0, seed=number)
    told = harmonic.run("vocoder", "train", "output/base", "--data", "mine", *MOMENT, "--json")
    assert "3 tracks" in told.stderr
    assert base.vocoder.exists()


def test_what_cannot_be_trained_is_refused_in_words(harmonic: Programs, base: RunDirectory) -> None:
    assert "nowhere" in harmonic.run("vocoder", "train", "nowhere", expect=1).stderr
    assert "no such folder" in harmonic.run("vocoder", "train", "output/base", "--data", "empty", expect=1).stderr
    assert "minutes" in harmonic.run("vocoder", "train", "output/base", "--minutes", "0", expect=2).stderr
    shutil.rmtree(base.checkpoints)
    base.checkpoints.mkdir()
    assert "no checkpoint" in harmonic.run("vocoder", "train", "output/base", expect=1).stderr
