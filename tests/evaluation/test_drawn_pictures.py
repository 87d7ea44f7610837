"""The pictures of a run: all five, whole or not at all, whatever the music is called and whoever dies on the way."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from programs import DEADLINE_S, TINY

from harmonic_core.errors import ExitCode
from harmonic_core.evaluation import pictures
from harmonic_core.evaluation.curves import curves
from harmonic_core.evaluation.picture_data import PictureData, load_picture_data
from harmonic_core.profile.resolve import resolve
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, read_rows
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
        learnt_mu=np.zeros((0, 4), np.float32),
        learnt_genres=NOBODY,
        learnt_tracks=NOBODY,
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


def test_a_run_leaves_five_pictures_of_every_so_many_epochs_and_of_the_last_one(
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


def test_levels_have_one_colour_scale_in_all_figures_and_differences_one_about_zero() -> None:
    quiet = data_of(originals=data_of().originals * np.float16(0.1))
    levels, differences = (-80.0, 0.0), (-24.0, 24.0)
    for figure in (pictures.novel_samples(quiet), pictures.mel_spectrograms(quiet)):
        assert {image.get_clim() for image in figure.findobj(QuadMesh) if isinstance(image, QuadMesh)} == {levels}
    images = [image for axes in pictures.reconstructions(quiet).axes[:6] for image in axes.collections]
    assert [image.get_clim() for image in images] == [levels] * 4 + [differences] * 2


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
        ({"tracks": np.array(["a", "b"])[np.arange(8) % 2]}, "not known, as no genre has two tracks"),
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


def epoch_row(epoch: int, **changes: Any) -> Row:
    figures = {"recon_db": 12.0 / epoch, "val_recon_db": 13.0 / epoch, "mean_spectrum_db": 10.7}
    codes = {"kl_nats": 80.0, "val_kl_nats": 70.0, "beta": 0.001 * epoch, "learning_rate": 0.01 / epoch}
    return {"kind": "epoch", "epoch": epoch, "step": 10 * epoch, **figures, **codes, **changes}


def curves_of(rows: list[Row], epoch: int = 9) -> Figure:
    figure = curves(rows, epoch)
    assert figure is not None
    return figure


def drawn_line(figure: Figure, name: str) -> tuple[list[float], list[float]]:
    """Epochs and values of the line of that name."""
    (line,) = (line for axes in figure.axes for line in axes.get_lines() if line.get_label() == name)
    return [float(x) for x in line.get_xdata()], [float(y) for y in line.get_ydata()]


def test_the_curves_have_units_the_best_epoch_and_what_is_to_be_beaten() -> None:
    rows = [epoch_row(1), epoch_row(2, val_recon_db=4.2), epoch_row(3)]
    words = words_in(curves_of(rows))
    for expected in (
        "mean absolute error of the mels, dB",
        "KL, nats a segment",
        "beta",
        "learning rate",
        "epoch",
        "mean spectrum, 10.7 dB",
        "best, 4.20 dB at epoch 2",
        "Curves up to epoch 3: held-out error 4.33 dB",
    ):
        assert expected in words, words
    assert drawn_line(curves_of(rows), "training") == ([1.0, 2.0, 3.0], [12.0, 6.0, 4.0])


def test_curves_end_with_their_epoch_and_epochs_that_were_trained_anew_take_the_place_of_the_old_ones() -> None:
    rows = [epoch_row(1), epoch_row(2, recon_db=99.0), epoch_row(3, recon_db=99.0), epoch_row(2), epoch_row(3)]
    assert drawn_line(curves_of(rows), "training") == ([1.0, 2.0, 3.0], [12.0, 6.0, 4.0])
    assert drawn_line(curves_of(rows, 2), "training") == ([1.0, 2.0], [12.0, 6.0])


def test_curves_have_gaps_where_figures_are_none_and_lines_only_where_there_are_any() -> None:
    broken = epoch_row(2, recon_db=math.nan, kl_nats="none", learning_rate=math.inf)
    nothing_held_out = [
        {name: value for name, value in row.items() if not name.startswith(("val_", "mean_"))}
        for row in (epoch_row(1), broken, epoch_row(3))
    ]
    figure = curves_of(nothing_held_out)
    assert np.isnan(drawn_line(figure, "training")[1]).tolist() == [False, True, False]
    words = " ".join(words_in(figure))
    assert "held out" not in words
    assert "best" not in words
    assert "training error 4.00 dB" in words
    for rows in ([epoch_row(1)], [{"kind": "epoch", "epoch": 1}], [epoch_row(n) for n in range(1, 300)]):
        pixels(curves_of(rows, 1000))


def test_before_the_end_of_the_first_epoch_there_are_no_curves() -> None:
    assert curves([], 5) is None
    assert curves([{"kind": "step", "epoch": 1}, {"kind": "epoch"}, epoch_row(7)], 5) is None


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
        assert pictures.main([str(tmp_path / f"{name}.npz"), str(tmp_path), str(tmp_path / "metrics.jsonl")]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("the pictures cannot be drawn: ")
    signal.alarm(0)
    signal.signal(signal.SIGALRM, alarm)
    assert not (tmp_path / "sprung").exists()


def test_genres_with_one_held_out_track_each_are_told_by_those_trained_on() -> None:
    random = np.random.default_rng(3)
    genres = np.array(["folk", "jazz"])[np.arange(12) % 2]
    near_their_genre = np.where(genres == "folk", -3.0, 3.0)[:, None] + random.standard_normal((12, 4))
    changes = {"mu": near_their_genre.astype(np.float32), "genres": genres, "tracks": np.char.add("new ", genres)}
    alone = pictures.latent_map(data_of(12, **changes))
    assert any("not known" in words for words in words_in(alone))
    learnt = {"learnt_mu": changes["mu"], "learnt_genres": genres, "learnt_tracks": np.char.add("old ", genres)}
    told = pictures.latent_map(data_of(12, **changes, **learnt))
    assert any("kNN accuracy 100%" in words for words in words_in(told))
