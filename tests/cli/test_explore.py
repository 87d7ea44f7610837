"""`harmonic explore`: questions and answers over its real pipe, about a real small run."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
from programs import DEADLINE_S, Programs

POINT = {"at": "point", "point": 0}


class Exploring:
    """The process at work."""

    def __init__(self, harmonic: Programs, run: str) -> None:
        self.process = subprocess.Popen(
            [*harmonic.command, "explore", run],
            cwd=harmonic.place,
            env={**harmonic.environment, "TMPDIR": str(harmonic.place.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.progress: list[str] = []

    def say(self, line: str) -> dict[str, Any]:
        """Its last word on a line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        while reply := self.process.stdout.readline():
            told: dict[str, Any] = json.loads(reply)
            if told["event"] != "progress":
                return told
            self.progress.append(told["words"])
        assert self.process.stderr is not None
        raise AssertionError(self.process.stderr.read())

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """What it answers."""
        told = self.say(json.dumps({"id": 7, "do": do, **details}))
        assert (told["event"], told["id"]) == ("done", 7), told
        return told

    def refuses(self, do: str, **details: Any) -> str:
        """Why it does not answer."""
        told = self.say(json.dumps({"id": 8, "do": do, **details}))
        assert (told["event"], told["id"]) == ("failed", 8), told
        reason: str = told["reason"]
        assert "\n" not in reason
        return reason

    def end(self) -> None:
        """Ask nothing more."""
        _, said = self.process.communicate(timeout=DEADLINE_S)
        assert self.process.returncode == 0, said


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run lies that all tests begin with."""
    return tmp_path_factory.mktemp("kept") / "run"


@pytest.fixture
def trained(harmonic: Programs, tiny: list[str], kept: Path) -> Path:
    """A run of two epochs, for each test a copy of its own."""
    if not kept.exists():
        harmonic.run("train", "demo", "--output-dir", str(kept), "--set", "train.epochs=2", *tiny)
    return Path(shutil.copytree(kept, harmonic.place / "run"))


@pytest.fixture
def exploring(harmonic: Programs, trained: Path) -> Iterator[Exploring]:
    """An exploration of it."""
    process = Exploring(harmonic, trained.name)
    yield process
    process.process.kill()
    process.process.communicate()


def sound_of(told: dict[str, Any]) -> np.ndarray:
    sound, rate = soundfile.read(told["path"], dtype="float32")
    assert len(sound) / rate == pytest.approx(told["duration_s"])
    assert len(told["envelope"]) == 48
    assert -120 <= told["level_db"] <= 0
    return sound


def test_it_answers_everything_about_a_run(exploring: Exploring) -> None:
    opened = exploring.ask("open")
    count = len(opened["points"])
    assert (opened["epoch"], opened["latent_dim"], opened["no_music"]) == (2, 8, "")
    assert any(point["held_out"] for point in opened["points"])
    assert not all(point["held_out"] for point in opened["points"])
    assert all(len(values) == count for values in opened["labels"].values())
    assert {"genre", "source", "track"} <= set(opened["labels"])
    assert len(opened["coordinates"]) == count
    assert sum(opened["shares"]) == pytest.approx(1.0, abs=1e-3)
    assert any("encoding" in words for words in exploring.progress)
    for method in ("PCA", "t-SNE"):
        told = exploring.ask("map", method=method)
        assert np.isfinite(told["places"]).all()
        assert np.shape(told["places"]) == (count, 2)
    reconstruction = sound_of(exploring.ask("decode", where=POINT))
    original = sound_of(exploring.ask("original", point=0))
    assert len(reconstruction) == len(original)
    # The sliders where a segment lies, and everything else as it is, are that segment.
    same = {"at": "coordinates", "coordinates": opened["coordinates"][0], "base": 0}
    assert np.corrcoef(reconstruction, sound_of(exploring.ask("decode", where=same)))[0, 1] > 0.99
    moved = {"at": "coordinates", "coordinates": [2.0]}
    assert not np.allclose(sound_of(exploring.ask("decode", where=moved)), reconstruction, atol=1e-3)
    walked = exploring.ask("walk", start=POINT, end={"at": "mean", "label": "genre", "point": count - 1}, steps=4)
    assert walked["duration_s"] == pytest.approx(3.0, abs=0.1)
    assert len(walked["starts_s"]) == len(walked["near"]) == 4
    assert walked["near"][0] == 0
    assert len(sound_of(walked)) > 2.5 * len(original)
    exploring.end()
    assert not Path(walked["path"]).parent.exists()


def test_two_explorations_say_the_same(harmonic: Programs, trained: Path) -> None:
    told = []
    for _ in range(2):
        exploring = Exploring(harmonic, str(trained))
        opened, places = exploring.ask("open"), exploring.ask("map", method="t-SNE")["places"]
        drawn = {"at": "random", "seed": 3, "temperature": 0.7}
        sounds = [Path(exploring.ask("decode", where=where)["path"]).read_bytes() for where in (POINT, drawn)]
        walked = Path(exploring.ask("walk", start=drawn, end=POINT, steps=3)["path"]).read_bytes()
        told.append((opened, places, sounds, walked))
        exploring.end()
    assert told[0] == told[1]


def test_what_makes_no_sense_is_refused_in_one_line_and_the_next_question_answered(exploring: Exploring) -> None:
    assert "open them first" in exploring.refuses("map")
    assert "open them first" in exploring.refuses("decode", where={"at": "random", "seed": 1})
    count = len(exploring.ask("open")["points"])
    for line in ("garbage", "[]", "null", '{"id": "x", "do": "open"}', "[" * 5000, '{"id": 1e999, "do": 3}'):
        assert exploring.say(line)["event"] == "failed"
    assert f"from 0 to {count - 1}" in exploring.refuses("decode", where={"at": "point", "point": count})
    assert "not known" in exploring.refuses("decode", where={"at": "mean", "label": "composer", "point": 0})
    for where in (
        {"at": "nowhere"},
        {"at": "random", "seed": -1},
        {"at": "random", "seed": 1, "temperature": 1e9},
        {"at": "coordinates", "coordinates": [1e9]},
    ):
        assert "not a request" in exploring.refuses("decode", where=where)
    assert "not a request" in exploring.refuses("walk", start=POINT, end=POINT, steps=100_000)
    exploring.ask("decode", where=POINT)
    exploring.end()


def test_before_the_first_checkpoint_it_says_when_that_comes(exploring: Exploring, trained: Path) -> None:
    shutil.rmtree(trained / "checkpoints")
    for export in trained.glob("*.pt"):
        export.unlink()
    assert exploring.refuses("open") == (
        "no weights yet: the first checkpoint comes after epoch 2, or when it is asked for"
    )
    shutil.rmtree(trained)
    assert "no such run" in exploring.refuses("open")


def test_where_the_checkpoints_are_gone_an_export_is_taken(exploring: Exploring, trained: Path) -> None:
    shutil.rmtree(trained / "checkpoints")
    opened = exploring.ask("open")
    assert opened["epoch"] == 2
    assert opened["weights"].endswith(".pt")


def test_a_damaged_checkpoint_is_named(exploring: Exploring, trained: Path) -> None:
    for weights in trained.glob("checkpoints/step-*/model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:100])
    assert "SHA-256 differs" in exploring.refuses("open")


def test_weights_of_another_model_are_refused(exploring: Exploring, trained: Path) -> None:
    import torch

    shutil.rmtree(trained / "checkpoints")
    for export in trained.glob("*.pt"):
        content = torch.load(export, weights_only=True)
        content["model"].pop(next(iter(content["model"])))
        torch.save(content, export)
    assert "of another model" in exploring.refuses("open")


def test_without_its_music_only_draws_are_heard(exploring: Exploring, trained: Path) -> None:
    for profile in [trained / "profile.toml", *trained.glob("checkpoints/*/profile.toml")]:
        text = profile.read_text().replace('dataset = "demo"', 'dataset = "custom"\ncustom_dir = ["gone"]')
        profile.write_text(text)
    for manifest in trained.glob("checkpoints/*/MANIFEST.json"):
        told = json.loads(manifest.read_text())
        told["sha256"]["profile.toml"] = hashlib.sha256((manifest.parent / "profile.toml").read_bytes()).hexdigest()
        manifest.write_text(json.dumps(told))
    opened = exploring.ask("open")
    assert "gone" in opened["no_music"]
    assert "points" not in opened
    assert "gone" in exploring.refuses("map")
    sound_of(exploring.ask("decode", where={"at": "random", "seed": 1}))


def test_it_is_gentle_and_ends_with_whoever_asks(exploring: Exploring) -> None:
    exploring.ask("open")
    assert psutil.Process(exploring.process.pid).nice() >= 10
    path = Path(exploring.ask("decode", where=POINT)["path"])
    exploring.end()
    assert not path.parent.exists()


def test_what_a_killed_one_left_behind_is_removed_by_the_next(
    exploring: Exploring, harmonic: Programs, trained: Path
) -> None:
    exploring.ask("open")
    left_behind = Path(exploring.ask("decode", where=POINT)["path"]).parent
    exploring.process.kill()
    exploring.process.wait()
    assert left_behind.exists()
    following = Exploring(harmonic, str(trained))
    following.ask("open")
    following.end()
    assert not left_behind.exists()


def test_a_polite_end_leaves_nothing_behind(exploring: Exploring) -> None:
    exploring.ask("open")
    path = Path(exploring.ask("decode", where=POINT)["path"])
    exploring.process.terminate()
    assert exploring.process.wait(DEADLINE_S) == 0
    assert not path.parent.exists()


def test_it_is_not_among_the_verbs_for_people_and_refuses_what_is_no_run(harmonic: Programs) -> None:
    assert "explore" not in harmonic.run("--help").stdout
    assert "no such run" in harmonic.run("explore", "nowhere", expect=1).stderr
