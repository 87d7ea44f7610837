"""The pictures of a run: all four, whole or not at all, whatever the music is called and whoever dies on the way."""

from __future__ import annotations

import dataclasses
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from programs import DEADLINE_S, TINY

from harmonic_core.errors import ExitCode
from harmonic_core.evaluation import pictures
from harmonic_core.evaluation.picture_data import PictureData, load_picture_data
from harmonic_core.profile.resolve import resolve
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.training import pictures as queue_module
from harmonic_core.training.start import train

NOBODY = np.array([], dtype=np.str_)


def data_of(segments: int = 8, **changes: Any) -> PictureData:
    """Small data of two genres with two tracks each, and whatever is to be different."""
    random = np.random.default_rng(0)
    mels = random.random((2, 8, 6)).astype(np.float16)
    whole = PictureData(
        epoch=7,
        seconds=np.linspace(0, 0.5, 6, dtype=np.float32),
        hertz=np.geomspace(100, 3000, 8, dtype=np.float32),
        top_db=0.0,
        dynamic_range_db=80.0,
        originals=mels,
        reconstructions=mels[::-1],
        titles=np.array(["a at 0 s", "b at 1 s"]),
        priors=mels,
        mu=random.standard_normal((segments, 4)).astype(np.float32),
        genres=np.array(["folk", "jazz"])[np.arange(segments) % 2],
        tracks=np.array([f"track {index % 4}" for index in range(segments)]),
    )
    return dataclasses.replace(whole, **changes)


def drawn(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The pictures in a folder that holds nothing else, as arrays (height, width, channels)."""
    assert {path.name for path in folder.iterdir()} == set(pictures.NAMES)
    return {name: imread(folder / name) for name in pictures.NAMES}


def pixels(figure: Figure) -> np.ndarray[Any, Any]:
    content = io.BytesIO()
    figure.savefig(content, dpi=50)
    content.seek(0)
    return imread(content)


def words_in(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def test_a_run_leaves_four_pictures_of_every_so_many_epochs_and_of_the_last_one(
    tmp_path: Path, audio_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_LAST_WAIT_S", DEADLINE_S)
    # As modest as in a real run, it would get next to nothing of a busy machine, and give up.
    monkeypatch.setattr(queue_module, "_NICENESS", 1)
    settings = {
        **TINY,
        "data.cache_dir": str(audio_cache),
        "data.validation_split": "0.3",
        "train.batch_size": "4",
        "train.epochs": "3",
        "output.visualize_every": "2",
        "evaluation.reconstructions": "2",
        "run.device": "cpu",
    }
    run = RunDirectory(tmp_path / "run")
    resolved = resolve(None, settings=[f"{key}={value}" for key, value in settings.items()], environ={})
    assert train(resolved, run) == ExitCode.OK
    assert {path.name for path in run.visualizations.iterdir()} == {"epoch_002", "epoch_003"}
    for folder in run.visualizations.iterdir():
        for name, picture in drawn(folder).items():
            assert (folder / name).read_bytes().startswith(b"\x89PNG")
            height, width, _ = picture.shape
            assert 200 < height < 2000, name
            assert 400 < width < 2000, name
            assert picture[..., :3].std() > 0.05, name
    assert not [event for event in read_rows(run.events) if event["kind"] in {"warning", "failure"}]


def test_a_better_reconstruction_looks_different_and_is_said_to_be_better() -> None:
    worse, better = data_of(), data_of(reconstructions=data_of().originals)
    assert not np.array_equal(pixels(pictures.reconstructions(worse)), pixels(pictures.reconstructions(better)))
    assert words_in(pictures.reconstructions(better)).count("mean error 0.0 dB") == 2
    assert "mean error 0.0 dB" not in words_in(pictures.reconstructions(worse))


def test_axes_are_in_hertz_and_seconds_and_colours_in_decibels() -> None:
    for figure in (
        pictures.reconstructions(data_of()),
        pictures.novel_samples(data_of()),
        pictures.mel_spectrograms(data_of()),
    ):
        words = words_in(figure)
        assert "seconds" in words
        assert {"250", "1000", "2000"} <= set(words)
        assert any(word.endswith("Hz") for word in words)
        assert "level, dB re full-scale sine" in words
        # Each frame and each band is a cell about its centre.
        low, high = figure.axes[0].get_ylim()
        assert 50 < low < 100
        assert 3000 < high < 4000
        assert figure.axes[0].get_xlim() == pytest.approx((-0.05, 0.55))


def test_no_name_is_taken_for_a_formula_or_a_command_and_none_is_lost(tmp_path: Path) -> None:
    hostile = (
        *("$", r"$\frac{1}{0$", "\x1b[31mred\x1b]0;title\x07", "[bold]markup[/]"),
        *("_hidden", "caf\udce9", "名\u202e", "\0x", "long" * 200),
    )
    mels = np.repeat(data_of().originals[:1], len(hostile), axis=0)
    data = data_of(
        18,
        titles=np.array([f"{name} at 0 s" for name in hostile]),
        originals=mels,
        reconstructions=mels,
        genres=np.array([f"{name}!" for name in hostile])[np.arange(18) % 9],
    )
    data.save(tmp_path / "data.npz")
    data = load_picture_data(tmp_path / "data.npz")
    out = tmp_path / "out"
    out.mkdir()
    pictures.draw(data, out)
    drawn(out)
    latent_map = pictures.latent_map(data)
    for figure in (pictures.reconstructions(data), latent_map, pictures.mel_spectrograms(data)):
        assert all(line.isprintable() for words in words_in(figure) for line in words.split("\n"))
    shown = [text.get_text().strip() for text in latent_map.legends[0].get_texts()]
    assert len(shown) == len(hostile)
    assert all(words.endswith("!") for words in shown)
    assert {r"$\frac{1}{0$!", r"\x1b[31mred\x1b]0;title\x07!", "[bold]markup[/]!", "_hidden!", r"caf\udce9!"} <= set(
        shown
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tracks": np.full(8, "only"), "genres": np.full(8, "")}, "only"),
        ({"genres": np.full(8, "folk")}, "track 3"),
        ({"genres": np.array([f"genre {index}" for index in range(12)])}, "2 others"),
        ({"tracks": np.array(["a", "b"])[np.arange(8) % 2]}, "not known, as no genre has two held-out tracks"),
        ({"mu": np.zeros((20, 4), np.float32)}, "PCA 1"),
        ({"mu": np.arange(12, dtype=np.float32)[:, None]}, "t-SNE 1"),
        ({"mu": np.ones((1, 4), np.float32)}, "1 held-out segment, epoch 7: PCA of mu"),
        ({"mu": np.zeros((0, 4), np.float32)}, "No held-out segments to lay out."),
    ],
)
def test_little_or_odd_music_makes_a_map_all_the_same(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    segments = len(next(iter(changes.values())))
    figure = pictures.latent_map(data_of(segments, **changes))
    figure.savefig(tmp_path / "map.png")
    assert any(said in words for words in words_in(figure))


def test_where_nothing_is_held_out_or_sampled_the_pictures_say_so(tmp_path: Path) -> None:
    none = np.zeros((0, 8, 6), np.float16)
    data = data_of(0, originals=none, reconstructions=none, titles=NOBODY, priors=none, genres=NOBODY, tracks=NOBODY)
    data.save(tmp_path / "data.npz")
    data = load_picture_data(tmp_path / "data.npz")
    out = tmp_path / "out"
    out.mkdir()
    pictures.draw(data, out)
    drawn(out)
    assert words_in(pictures.reconstructions(data)) == ["No held-out segments to reconstruct."]


def test_the_drawing_program_needs_no_torch() -> None:
    code = (
        "import sys, json, harmonic_core.evaluation.pictures, sklearn.manifold; "
        "print(json.dumps([name for name in ('torch', 'torchaudio') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    assert json.loads(done.stdout) == []


def test_a_file_of_something_else_is_refused_on_one_line_and_nothing_is_unpickled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    traps: dict[str, Any] = {field.name: np.array(Trap()) for field in dataclasses.fields(PictureData)}
    np.savez(tmp_path / "pickle.npz", **traps)
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    (tmp_path / "noise.npz").write_bytes(b"noise")
    alarm = signal.getsignal(signal.SIGALRM)
    for name in ("pickle", "other", "noise", "missing"):
        assert pictures.main([str(tmp_path / f"{name}.npz"), str(tmp_path)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("the pictures cannot be drawn: ")
    signal.alarm(0)
    signal.signal(signal.SIGALRM, alarm)
    assert not (tmp_path / "sprung").exists()
