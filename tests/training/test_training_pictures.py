"""Pictures are drawn beside the training: nothing that happens to them hurts it, and nothing half-made is left."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from programs import DEADLINE_S, wait_until

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.tracks import AudioFile, Track
from harmonic_core.evaluation.picture_data import PictureData
from harmonic_core.evaluation.validation import posterior_of
from harmonic_core.model.build import build_model
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Audio, Evaluation, Model
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import Device
from harmonic_core.training import pictures
from harmonic_core.training.journal import Journal
from harmonic_core.training.picture_source import PictureSource
from harmonic_core.training.pictures import PictureQueue
from harmonic_core.training.signals import StopSignals

AUDIO = Audio(sample_rate=8_000, n_fft=512, hop_length=256, n_mels=32)
SEGMENT = 8_000
FRAMES = 1 + SEGMENT // AUDIO.hop_length
DRAWN = {"reconstructions.png", "latent_tsne.png", "novel_samples.png", "mel_spectrograms.png", "curves.png"}


@pytest.fixture
def model() -> VAE:
    torch.manual_seed(0)
    return build_model(Model(hidden_dims=(16, 16), latent_dim=8), AUDIO, FRAMES)


def source(tmp_path: Path, tracks: int = 2, audio: Audio = AUDIO, **evaluation: int) -> PictureSource:
    """Noise of three segments a track, each of a genre of its own with an escape code in it."""
    cached = []
    for number in range(tracks):
        path = tmp_path / f"{number}.s16"
        path.write_bytes((np.random.default_rng(number).standard_normal(3 * SEGMENT) * 3000).astype(np.int16).tobytes())
        track = Track(f"\x1b{number}", AudioFile(path), str(number), {"genre": f"\x1bgenre {number}"})
        cached.append(CachedTrack(track, path, 3 * SEGMENT))
    segments, learnt = (
        ValidationSegments(cached, SEGMENT, 100),
        TrainingSegments(cached, SEGMENT, 0) if cached else None,
    )
    return PictureSource(LogMel(audio), segments, learnt, Evaluation(**evaluation), audio, 5)  # type: ignore[arg-type]


def test_what_is_gathered_is_what_the_sounds_are_made_of(tmp_path: Path, model: VAE) -> None:
    of = source(tmp_path, reconstructions=2, prior_samples=3)
    data = of.gather(model, 4)
    mel = of.features(torch.from_numpy(np.concatenate([of.segments.batch(index, 1) for index in (0, 3)])))
    assert data.originals == pytest.approx(mel.numpy(), abs=1e-3)
    reconstruction = model.decode(posterior_of(model, mel).mu).detach()
    assert data.reconstructions == pytest.approx(reconstruction.numpy(), abs=2e-3)
    assert data.priors.shape == (3, AUDIO.n_mels, FRAMES)
    assert data.mu.shape == data.learnt_mu.shape == (6, 8)
    assert sorted(data.learnt_genres) == sorted(data.genres)
    assert data.titles.tolist() == ["\\x1b0 at 0 s", "\\x1b1 at 0 s"]
    assert data.genres.tolist() == ["\\x1bgenre 0"] * 3 + ["\\x1bgenre 1"] * 3
    assert data.seconds[-1] == pytest.approx((FRAMES - 1) * AUDIO.hop_length / AUDIO.sample_rate)
    assert (np.diff(data.hertz) > 0).all()
    assert AUDIO.f_min < data.hertz[0] < data.hertz[-1] < AUDIO.sample_rate / 2


def test_gathering_changes_neither_the_model_nor_the_random_numbers(tmp_path: Path, model: VAE) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    source(tmp_path).gather(model, 1)
    assert model.training
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("tracks", [0, 1])
def test_little_music_is_gathered_all_the_same(tmp_path: Path, model: VAE, tracks: int) -> None:
    data = source(tmp_path, tracks, reconstructions=4 * tracks, prior_samples=tracks).gather(model, 1)
    assert len(data.originals) == len(data.titles) == len(data.mu) == 3 * tracks
    assert data.priors.shape == (tracks, AUDIO.n_mels, FRAMES)


def test_frames_that_a_picture_has_no_room_for_are_averaged(tmp_path: Path) -> None:
    audio = AUDIO.model_copy(update={"hop_length": 16})
    frames = 1 + SEGMENT // 16 * 3
    of = source(tmp_path, 1, audio)
    tracks = [of.segments.places[0][0]]
    of = dataclasses.replace(
        of,
        segments=ValidationSegments(tracks, 3 * SEGMENT, 1),
        training=TrainingSegments(tracks, 3 * SEGMENT, 0),
    )
    data = of.gather(build_model(Model(hidden_dims=(16, 16), latent_dim=8), audio, frames), 1)
    assert data.originals.shape[2] == len(data.seconds) == 751
    assert data.seconds[:2] == pytest.approx([0.001, 0.005])


class Beside:
    """A run with a journal, and a queue of pictures for it."""

    def __init__(self, path: Path) -> None:
        self.run = RunDirectory(path)
        self.run.create()
        self.signals = StopSignals()
        self.journal = Journal(self.run, lambda: Device(kind="cpu", name="processor"))
        self.queue = PictureQueue(self.run, self.journal, self.signals)

    def folders(self) -> dict[str, set[str]]:
        """Names of what is in each folder of pictures, hidden ones included."""
        found = self.run.visualizations.iterdir() if self.run.visualizations.is_dir() else ()
        return {folder.name: {path.name for path in folder.iterdir()} for folder in found}

    def warnings(self) -> list[str]:
        """What the events warn of."""
        return [event["message"] for event in read_rows(self.run.events) if event["kind"] == "warning"]


def drawing_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        # What is dead, waited for or not, draws nothing.
        with suppress(psutil.NoSuchProcess):
            found += [child] * ("harmonic_core.evaluation.pictures" in child.cmdline())
    return found


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beside]:
    monkeypatch.setattr(pictures, "_LAST_WAIT_S", DEADLINE_S)
    # As modest as in a real run, it would get next to nothing of a busy machine, and give up.
    monkeypatch.setattr(pictures, "_NICENESS", 1)
    world = Beside(tmp_path / "run")
    with world.journal:
        yield world
    assert not drawing_processes()


@pytest.fixture
def data(tmp_path: Path, model: VAE) -> PictureData:
    return source(tmp_path, reconstructions=1, prior_samples=1).gather(model, 1)


def of_epoch(data: PictureData, epoch: int) -> PictureData:
    return dataclasses.replace(data, epoch=epoch)


def test_a_drawing_that_is_killed_leaves_a_warning_and_nothing_half_made_and_the_next_goes_on(
    beside: Beside, data: PictureData
) -> None:
    with beside.queue as queue:
        for epoch in (1, 2, 3):
            queue.add(of_epoch(data, epoch), epoch)
        (child,) = drawing_processes()
        assert child.nice() > 0
        child.kill()

        def noticed() -> bool:
            queue.look()
            return len(beside.warnings()) == 2

        wait_until(noticed, "the trainer notices")
        assert "epoch_001" not in beside.folders()
    assert beside.folders() == {"epoch_003": DRAWN}
    superseded, killed = beside.warnings()
    assert superseded.startswith("no pictures of epoch 2: ")
    assert killed.startswith("no pictures of epoch 1: drawing ended with exit status -9")


def test_pictures_of_the_same_epoch_take_the_place_of_the_older_ones(beside: Beside, data: PictureData) -> None:
    old = beside.run.visualizations / "epoch_001"
    old.mkdir(parents=True)
    (old / "old.png").touch()
    with beside.queue as queue:
        queue.add(data, 1)
    assert beside.folders() == {"epoch_001": DRAWN}
    assert not beside.warnings()


def test_a_signal_ends_the_wait_for_pictures(beside: Beside, data: PictureData) -> None:
    with beside.queue as queue:
        queue.add(data, 1)
        queue.add(of_epoch(data, 2), 2)
        beside.signals.received = signal.SIGTERM
    assert beside.folders() == {}
    assert [message[:22] for message in beside.warnings()] == ["no pictures of epoch 1", "no pictures of epoch 2"]


def test_an_error_of_the_training_is_not_hidden_by_its_pictures(beside: Beside, data: PictureData) -> None:
    def fail(queue: PictureQueue) -> Any:
        queue.add(data, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), beside.queue as queue:
        fail(queue)
    assert beside.folders() == {}


def test_what_a_killed_trainer_left_is_cleared_away(beside: Beside) -> None:
    left = beside.run.visualizations / ".epoch_004.0123abcd.tmp"
    left.mkdir(parents=True)
    (left / "reconstructions.png").touch()
    with beside.queue:
        pass
    assert beside.folders() == {}


def test_a_place_that_cannot_be_written_is_a_warning(beside: Beside, data: PictureData) -> None:
    beside.run.visualizations.touch()
    with beside.queue as queue:
        queue.add(data, 1)
    (message,) = beside.warnings()
    assert message.startswith("no pictures of epoch 1: ")
    assert beside.run.visualizations.is_file()


def test_a_drawing_that_cannot_read_its_data_says_so_in_the_log(beside: Beside, data: PictureData) -> None:
    with beside.queue as queue:
        queue.add(dataclasses.replace(data, mu=np.full_like(data.mu, np.nan)), 1)
    assert beside.folders() == {}
    assert len(beside.warnings()) == 1
    log = beside.run.console_log.read_text(encoding="utf-8")
    assert "the pictures cannot be drawn: " in log
    assert "Traceback" not in log
