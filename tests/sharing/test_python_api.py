"""`HarmonicVAE`: arrays in, arrays out, the same from a run and from what was exported of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from harmonic_core import HarmonicVAE
from harmonic_core.errors import DataError, HarmonicError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.music import read_music

DOCS = Path(__file__).resolve().parents[2] / "docs" / "sharing.md"


@pytest.fixture(scope="module")
def model(shared_run: RunDirectory) -> HarmonicVAE:
    return HarmonicVAE.load(shared_run.path, device="cpu")


def tone(model: HarmonicVAE, samples: int, pitch: float = 220.0) -> np.ndarray:
    return 0.3 * np.sign(np.sin(2 * np.pi * pitch * np.arange(samples) / model.sample_rate))


def test_it_says_what_it_takes(model: HarmonicVAE, shared_run: RunDirectory) -> None:
    assert (model.sample_rate, model.latent_dim, model.segment_samples, model.segment_seconds) == (22050, 8, 22050, 1.0)
    music = read_music(shared_run)
    assert music is not None
    assert model.genres == tuple(sorted(genre.name for genre in music.genres))


def test_shapes_are_those_of_what_is_given(model: HarmonicVAE) -> None:
    segment = model.segment_samples
    sound = tone(model, 2 * segment + 1)
    assert model.encode(sound).shape == (3, 8)
    assert model.encode(np.stack([sound, sound])).shape == (6, 8)
    assert model.encode(sound[: segment // 2]).shape == (1, 8)
    mu, logvar = model.posterior(sound)
    assert mu.shape == logvar.shape == (3, 8)
    assert model.decode(mu).shape == (3, segment)
    assert model.decode(mu[0]).shape == (segment,)
    assert model.decode(mu[:0]).shape == (0, segment)
    assert model.sample(0).shape == (0, segment)
    assert model.interpolate(mu[0], sound, steps=3).shape == (3, segment)
    for length in (100, segment, segment + 700, 3 * segment + 11):
        assert model.reconstruct(tone(model, length)).shape == (length,)
    assert model.reconstruct(np.stack([sound, sound])).shape == (2, 2 * segment + 1)
    for found in (mu, model.decode(mu[0]), model.reconstruct(sound[:200]), model.sample(1)):
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_what_is_reconstructed_is_heard_all_along(model: HarmonicVAE) -> None:
    sound = tone(model, 3 * model.segment_samples + 999)
    again = model.reconstruct(sound)
    # A steady sound has no place that is quieter than the others, least of all where segments meet.
    loud = [float(np.sqrt(np.mean(part**2))) for part in np.array_split(again, 24)]
    assert max(loud) == pytest.approx(0.3, rel=0.5)
    assert min(loud) > 0.9 * max(loud)


def test_a_batch_is_its_rows_and_int16_is_the_same_sound(model: HarmonicVAE) -> None:
    rows = np.stack([tone(model, model.segment_samples, pitch) for pitch in (220.0, 330.0)])
    together = model.encode(rows)
    np.testing.assert_allclose(together, np.concatenate([model.encode(row) for row in rows]), atol=1e-5)
    np.testing.assert_allclose(model.encode(np.round(rows * 32768).astype(np.int16)), together, atol=1e-2)


def test_a_file_of_any_rate_is_the_music_in_it(model: HarmonicVAE, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "same.wav", tone(model, 40_000), model.sample_rate, subtype="FLOAT")
    soundfile.write(tmp_path / "stereo.flac", np.zeros((80_000, 2)), 44_100)
    np.testing.assert_allclose(model.encode(tmp_path / "same.wav"), model.encode(tone(model, 40_000)), atol=1e-2)
    assert model.reconstruct(str(tmp_path / "stereo.flac")).shape == (40_000,)


def test_chance_is_the_seeds(model: HarmonicVAE) -> None:
    first = model.sample(2, temperature=0.7, seed=3)
    assert np.array_equal(first, model.sample(2, temperature=0.7, seed=3))
    assert np.array_equal(first[:1], model.sample(1, temperature=0.7, seed=3))
    assert not np.array_equal(first, model.sample(2, temperature=0.7, seed=4))
    assert not np.array_equal(first, model.sample(2, temperature=0.7, seed=3, genre=model.genres[0]))


def test_ways_begin_and_end_where_they_should(model: HarmonicVAE) -> None:
    ends = model.encode(np.stack([tone(model, model.segment_samples, pitch) for pitch in (220.0, 500.0)]))
    for way in ("spherical", "linear"):
        sounds = model.interpolate(ends[0], ends[1], 3, way)
        np.testing.assert_allclose(sounds[[0, 2]], model.decode(ends), atol=1e-3)


@pytest.mark.parametrize("export_format", ["safetensors", "torchscript", "onnx"])
def test_an_export_gives_what_the_run_gives(model: HarmonicVAE, exports: dict[str, Path], export_format: str) -> None:
    other = HarmonicVAE.load(exports[export_format], device="cpu")
    sound = tone(model, 50_000)
    assert np.array_equal(other.encode(sound), model.encode(sound))
    genre = model.genres[0]
    assert np.array_equal(other.sample(1, seed=5, genre=genre), model.sample(1, seed=5, genre=genre))
    assert np.array_equal(other.reconstruct(sound), model.reconstruct(sound))
    assert other.genres == model.genres


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model: model.encode(np.zeros((2, 2, 2))), "shape"),
        (lambda model: model.encode(np.zeros(0)), "shape"),
        (lambda model: model.encode(np.zeros((4000, 2))), "samples, channels"),
        (lambda model: model.encode([1, 2, 3]), "type int64"),
        (lambda model: model.encode(["a"]), "type"),
        (lambda model: model.encode([float("nan")]), "no number"),
        (lambda model: model.encode("gone.wav"), "gone.wav"),
        (lambda model: model.encode("a\0b"), "no file"),
        (lambda model: model.encode([[1.0], [1.0, 2.0]]), "makes no array"),
        (lambda model: model.encode(torch.zeros(9, requires_grad=True)), "makes no array"),
        (lambda model: model.decode([[1.0], [1.0, 2.0]]), "makes no array"),
        (lambda model: model.interpolate(["a"] * 8, np.ones(8)), "type"),
        (lambda model: model.interpolate([[1.0], [1.0, 2.0]], np.ones(8)), "makes no array"),
        (lambda model: model.decode(np.zeros(9)), "8"),
        (lambda model: model.decode(np.full(8, np.inf)), "no number"),
        (lambda model: model.sample(-1), "n -1"),
        (lambda model: model.sample(1, temperature=float("nan")), "temperature"),
        (lambda model: model.sample(1, genre="polka"), "polka"),
        (lambda model: model.interpolate(np.zeros(8), np.ones(8), 1), "steps 1"),
        (lambda model: model.interpolate(np.zeros(8), np.ones(8), 2, "winding"), "winding"),
    ],
)
def test_what_cannot_be_done_is_said_on_one_line(model: HarmonicVAE, call: object, words: str) -> None:
    with pytest.raises(DataError) as caught:
        call(model)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarmonicError, match="nothing here"):
        HarmonicVAE.load(tmp_path / "nothing here")
    with pytest.raises(HarmonicError, match="too long"):
        HarmonicVAE.load(tmp_path / ("a" * 300))


@pytest.mark.parametrize("export_format", ["run", "safetensors"])
def test_a_device_that_is_none_is_not_blamed_on_the_file(
    shared_run: RunDirectory, exports: dict[str, Path], export_format: str
) -> None:
    path = shared_run.path if export_format == "run" else exports[export_format]
    with pytest.raises(HarmonicError, match="device tpu: unknown; take auto, cpu, cuda, mps"):
        HarmonicVAE.load(path, device="tpu")


def test_the_example_of_the_docs_runs(
    shared_run: RunDirectory, model: HarmonicVAE, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").symlink_to(shared_run.path.parent)
    soundfile.write(tmp_path / "song.wav", tone(model, 60_000), model.sample_rate)
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    exec(example, {})
    assert soundfile.info(tmp_path / "new.wav").frames == 4 * model.segment_samples


def test_the_package_is_imported_without_torch_until_the_model_is_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys, harmonic_core; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules\n"
        "from harmonic_core import HarmonicVAE; assert HarmonicVAE.load and 'torch' in sys.modules\n"
        "try: harmonic_core.nothing\nexcept AttributeError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "no attribute" in done.stdout
