"""The verbs that make music, on a real run of two epochs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from programs import TINY, Programs, wait_until

from harmonic_core.audio.music_file import read_tags
from harmonic_core.cli import main

Said = tuple[int, str, str]
"""Exit status, and what was printed to stdout and stderr."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> Path:
    """A folder with the run `output/small` and some files."""
    folder = tmp_path_factory.mktemp("creating")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    ours = {"HOME": str(folder), "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"}
    tiny = [argument for key, value in TINY.items() for argument in ("--set", f"{key}={value}")]
    Programs(folder, {**kept, **ours}).run("train", "demo", "--epochs", "2", *tiny, "--output-dir", "output/small")
    time = np.arange(5 * 44_100) / 44_100
    soundfile.write(folder / "song.flac", 0.3 * np.sin(2 * np.pi * 330 * time) * (1 + np.sin(9 * time)) / 2, 44_100)
    (folder / "nothing.wav").write_bytes(b"")
    (folder / "torn.wav").write_bytes(b"RIFF\x10\x00\x00\x00WAVEfmt nonsense")
    (folder / "folder").mkdir()
    return folder


@pytest.fixture
def say(
    place: Path, audio_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Runs `harmonic WORDS` in the folder, in this process."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CACHE_HOME", str(audio_cache))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))

    def run(*words: str, expect: int = 0) -> Said:
        monkeypatch.setattr(sys, "argv", ["harmonic", *words])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        assert code == expect, f"{code}\n{out}\n{err}"
        return code, out, err

    return run


@pytest.fixture
def folder(place: Path) -> Iterator[Path]:
    """Where one test writes."""
    made = place / "made"
    shutil.rmtree(made, ignore_errors=True)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def document(said: Said) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said[1])
    return found


def test_pieces_are_written_named_and_tagged_so_that_they_can_be_made_again(
    say: Callable[..., Said], place: Path, folder: Path
) -> None:
    several = document(say("generate", "output/small", "-n", "3", "--seed", "5", "--output-dir", "made", "--json"))
    assert [each["piece"] for each in several["files"]] == [1, 2, 3]
    paths = [Path(each["path"]) for each in several["files"]]
    assert len({path.read_bytes() for path in paths}) == 3
    alone = document(say("generate", "output/small", "--seed", "5", "-o", "made/alone.wav", "--json"))
    sounds = [soundfile.read(path)[0] for path in (paths[0], "made/alone.wav")]
    assert np.array_equal(*sounds)
    assert alone["files"][0]["loudness_lufs"] == pytest.approx(-16.0, abs=0.6)
    assert alone["files"][0]["true_peak_dbtp"] <= -0.9
    tags = read_tags(paths[1])
    assert tags["album"] == "small"
    for part in (
        f"sha256 {several['fingerprint']}",
        "seed: 5",
        "run: small",
        "harmonic generate output/small --count 3",
    ):
        assert part in tags["comment"]
    assert str(place) not in tags["comment"]
    # The very command of the tag makes it again.
    words = tags["comment"].split("command: harmonic ")[1].split()
    before = paths[1].read_bytes()
    say(*words, "--output-dir", "made", "--force")
    assert paths[1].read_bytes() == before


@pytest.mark.parametrize(("ending", "subtype"), [("flac", "PCM_16"), ("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III")])
def test_a_long_piece_in_every_format(say: Callable[..., Said], folder: Path, ending: str, subtype: str) -> None:
    say("generate", "output/small", "--minutes", "0.1", "--format", ending, "--output-dir", "made")
    (path,) = folder.iterdir()
    assert path.suffix == f".{ending}"
    info = soundfile.info(path)
    assert info.subtype == subtype
    assert info.duration == pytest.approx(6.0, abs=0.2)


def test_draws_from_a_genre_from_the_music_and_like_a_piece(say: Callable[..., Said], folder: Path) -> None:
    ways = (["--genre", "folk"], ["--label", "genre=folk"], ["--from", "music"], ["--like", "song.flac"], [])
    sounds = []
    for number, way in enumerate(ways):
        say("generate", "output/small", *way, "-o", f"made/{number}.wav")
        sounds.append(soundfile.read(folder / f"{number}.wav")[0])
    assert np.array_equal(sounds[0], sounds[1])
    assert read_tags(folder / "0.wav")["genre"] == "folk"
    for one in (0, 2, 3, 4):
        assert not any(np.array_equal(sounds[one], sounds[other]) for other in (2, 3, 4) if other != one)
    say("generate", "output/small", "--like", "song.flac", "--minutes", "0.1", "--output-dir", "made")


def test_interpolating_gives_every_step_and_all_of_them_as_one(say: Callable[..., Said], folder: Path) -> None:
    words = ("interpolate", "output/small", "genre:folk", "song.flac", "--steps", "4", "--output-dir", "made", "--json")
    told = document(say(*words))
    assert [Path(each["path"]).name for each in told["files"]] == [
        *(f"step-0{number}.wav" for number in (1, 2, 3, 4)),
        "continuous.wav",
    ]
    assert told["files"][-1]["duration_s"] > 2.0
    assert "song.flac at " in told["end"]
    straight = document(say(*words[:-1], "--way", "linear", "--force", "--json"))
    assert straight["way"] == "linear"


def test_a_file_is_reconstructed_and_blended_at_its_length(say: Callable[..., Said], folder: Path) -> None:
    say("reconstruct", "output/small", "song.flac", "--output-dir", "made")
    say(
        "blend",
        "output/small",
        "--from",
        "folk",
        "--to",
        "chorale",
        "--amount",
        "0.5",
        "song.flac",
        "--output-dir",
        "made",
    )
    say("blend", "output/small", "--from", "folk", "--to", "chorale", "--amount", "0", "song.flac", "-o", "made/0.wav")
    plain, moved, still = (
        soundfile.read(folder / name)[0] for name in ("song.reconstructed.wav", "song.folk-to-chorale.wav", "0.wav")
    )
    assert len(plain) == len(moved) == pytest.approx(5 * 22_050, abs=2)
    assert np.array_equal(plain, still)
    assert not np.array_equal(plain, moved)


def test_a_file_that_begins_with_a_dash_is_made_again_by_its_tag(
    say: Callable[..., Said], folder: Path, place: Path
) -> None:
    shutil.copy(place / "song.flac", place / "-song.flac")
    say("reconstruct", "output/small", "--output-dir", "made", "--", "-song.flac")
    path = folder / "-song.reconstructed.wav"
    before = path.read_bytes()
    words = read_tags(path)["comment"].split("command: harmonic ")[1].split()
    say(*words, "--output-dir", "made", "--force")
    assert path.read_bytes() == before


def test_pieces_that_are_drawn_otherwise_have_other_names(say: Callable[..., Said], folder: Path) -> None:
    for way in ([], ["--from", "music"], ["--temperature", "0.5"]):
        say("generate", "output/small", *way, "--output-dir", "made")
    assert len(list(folder.iterdir())) == 3


def test_latents_are_kept_and_played(say: Callable[..., Said], folder: Path) -> None:
    say("encode", "output/small", "song.flac", "song.flac", "-o", "made/x.npz")
    with np.load(folder / "x.npz", allow_pickle=False) as file:
        assert file["mu"].shape == file["logvar"].shape == (len(file["starts"]), 8)
        assert "song.flac" in str(file["tags"])
        changed = {**file, "fingerprint": np.asarray("0" * 64)}
    say("decode", "output/small", "made/x.npz", "--output-dir", "made")
    say("reconstruct", "output/small", "song.flac", "--output-dir", "made")
    assert {path.name for path in folder.iterdir()} == {
        "x.npz",
        "song.decoded.wav",
        "song.decoded-2.wav",
        "song.reconstructed.wav",
    }
    sounds = [soundfile.read(folder / f"song.{name}.wav")[0] for name in ("decoded", "reconstructed")]
    assert np.array_equal(*sounds)
    np.savez(folder / "other.npz", **changed)
    _, _, err = say("decode", "output/small", "made/other.npz", "--output-dir", "made", "--force")
    assert "warning: made/other.npz: written by other weights (000000000000)" in err


def test_pictures_are_drawn_with_and_without_the_music(say: Callable[..., Said], folder: Path, place: Path) -> None:
    told = document(say("visualize", "output/small", "--output-dir", "made", "--json"))
    names = {"reconstructions.png", "latent_tsne.png", "novel_samples.png", "mel_spectrograms.png", "curves.png"}
    assert {Path(each["path"]).name for each in told["files"]} == {path.name for path in folder.iterdir()} == names
    assert told["no_music"] == ""
    shutil.copy(place / "output/small/harmonic_vae_best.pt", place / "given.pt")
    told = document(say("visualize", "given.pt", "--output-dir", "made/given", "--json"))
    assert [Path(each["path"]).name for each in told["files"]] == ["novel_samples.png"]
    assert told["no_music"]
    say("visualize", "output/small", "--output-dir", "made", expect=1)
    say("visualize", "output/small", "--output-dir", "made", "--force")


def test_checkpoints_and_exports_make_the_same_music_as_their_run(
    say: Callable[..., Said], folder: Path, place: Path
) -> None:
    checkpoint = max((place / "output/small/checkpoints").glob("step-*"))
    shutil.copy(place / "output/small/harmonic_vae_best.pt", place / "given.pt")
    for number, model in enumerate(("output/small", "small", str(checkpoint))):
        say("generate", model, "-o", f"made/{number}.wav")
    sounds = [soundfile.read(path)[0] for path in sorted(folder.iterdir())]
    assert np.array_equal(sounds[0], sounds[1])
    assert np.array_equal(sounds[0], sounds[2])
    say("generate", "given.pt", "-o", "made/given.wav")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["generate", "nowhere"], 1, "no such run"),
        (["generate", "song.flac"], 1, "not a model"),
        (["generate", "output/small", "-n", "0"], 2, "-n 0: must be from 1"),
        (["generate", "output/small", "--temperature", "-0.1"], 2, "--temperature -0.1: must be from 0"),
        (["generate", "output/small", "--temperature", "nan"], 2, "--temperature nan"),
        (["generate", "output/small", "--minutes", "inf"], 2, "--minutes inf"),
        (["generate", "output/small", "--minutes", "0"], 2, "--minutes 0"),
        (["generate", "output/small", "--seed", "-1"], 2, "--seed -1"),
        (["generate", "output/small", "--format", "aiff"], 2, "there are wav, flac, ogg, mp3"),
        (["generate", "output/small", "-o", "x.aiff"], 2, "written as .wav"),
        (["generate", "output/small", "-n", "2", "-o", "x.wav"], 2, "one path for 2 files"),
        (["generate", "output/small", "--loudness", "loud"], 2, "--loudness loud"),
        (["generate", "output/small", "--device", "abacus"], 2, "--device abacus"),
        (["generate", "output/small", "--label", "folk"], 2, "must be LABEL=VALUE"),
        (["generate", "output/small", "--genre", "folk", "--like", "song.flac"], 2, "choose one of them"),
        (
            ["generate", "output/small", "--genre", "fol\x1b"],
            1,
            r"genre fol\x1b: unknown to this model. Did you mean folk?",
        ),
        (["generate", "output/small", "--label", "composer=Bach"], 1, "no composer written down"),
        (["generate", "output/small", "--like", "nowhere.wav"], 1, "no such file"),
        (["generate", "output/small", "--output-dir", "song.flac"], 5, "is no folder"),
        (["interpolate", "output/small", "seed:1", "seed:2", "--steps", "1"], 2, "--steps 1"),
        (["interpolate", "output/small", "seed:1", "seed:2", "--way", "winding"], 2, "--way winding"),
        (["interpolate", "output/small", "nowhere.wav", "seed:2"], 1, "no such file"),
        (["blend", "output/small", "song.flac"], 2, "--from and --to: missing; name two classes"),
        (["blend", "output/small", "--from", "folk", "song.flac"], 2, "--to: missing"),
        (["blend", "output/small", "--from", "folk", "--to", "metal", "song.flac"], 1, "It knows: "),
        (
            ["blend", "output/small", "--from", "folk", "--to", "chorale", "--amount", "nan", "song.flac"],
            2,
            "--amount nan",
        ),
        (["reconstruct", "output/small", "nothing.wav"], 1, "nothing.wav: is not audio: empty"),
        (["reconstruct", "output/small", "torn.wav"], 1, "torn.wav: "),
        (["reconstruct", "output/small", "folder"], 1, "is a folder"),
        (["reconstruct", "output/small", "nowhere.wav"], 1, "no such file"),
        (["encode", "output/small", "nothing.wav", "-o", "x.npz"], 1, "nothing.wav"),
        (["decode", "output/small", "song.flac"], 1, "no file of latents"),
        (["decode", "output/small", "nowhere.npz"], 1, "no such file"),
    ],
)
def test_what_cannot_be_done_gets_one_clear_line(
    say: Callable[..., Said], place: Path, words: list[str], code: int, reason: str
) -> None:
    before = {path for path in place.rglob("*") if "cache" not in path.parts}
    _, out, err = say(*words, expect=code)
    (line,) = err.strip().splitlines()
    assert line.startswith("harmonic: ")
    assert reason in line
    assert not out
    assert {path for path in place.rglob("*") if "cache" not in path.parts} == before


def test_a_run_without_weights_says_when_they_come(say: Callable[..., Said], place: Path) -> None:
    shutil.copytree(place / "output/small", place / "output/young")
    shutil.rmtree(place / "output/young/checkpoints")
    for path in (place / "output/young").glob("*.pt"):
        path.unlink()
    assert "the first checkpoint comes after epoch" in say("generate", "output/young", expect=1)[2]
    shutil.rmtree(place / "output/young")


def test_a_bad_file_among_good_ones_is_named_and_left_out(say: Callable[..., Said], folder: Path) -> None:
    words = ("reconstruct", "output/small", "nothing.wav", "song.flac", "--output-dir", "made", "--json")
    said = say(*words, expect=1)
    assert [Path(each["path"]).name for each in document(said)["files"]] == ["song.reconstructed.wav"]
    assert len(document(said)["failed"]) == 1
    assert "harmonic: nothing.wav: is not audio" in said[2]


def test_nothing_is_overwritten_without_force(say: Callable[..., Said], folder: Path) -> None:
    say("generate", "output/small", "-o", "made/a.wav")
    before = (folder / "a.wav").stat().st_mtime_ns
    assert "is there already" in say("generate", "output/small", "-o", "made/a.wav", expect=1)[2]
    assert (folder / "a.wav").stat().st_mtime_ns == before
    say("generate", "output/small", "--seed", "1", "-o", "made/a.wav", "--force")
    assert (folder / "a.wav").stat().st_mtime_ns != before


def test_ctrl_c_ends_it_with_130_and_leaves_no_half_file(place: Path, audio_cache: Path, folder: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    programs = Programs(place, {**kept, "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"})
    words = ("generate", "output/small", "-n", "500", "--minutes", "0.05", "--output-dir", "made")
    process = programs.start(*words)
    try:
        wait_until(lambda: folder.is_dir() and len(list(folder.glob("*.wav"))) >= 2, "two pieces are there")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=240) == 130
    finally:
        programs.end()
    told = (place / "stderr.txt").read_text()
    assert all(f"  made/{path.name}  3.0 s" in told for path in folder.iterdir())
    assert f"stopped; finished before: {len(list(folder.iterdir()))} files" in told
    assert all(soundfile.info(path).duration == pytest.approx(3.0, abs=0.01) for path in folder.iterdir())
