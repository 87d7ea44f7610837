"""Tiny runs on half a minute of the embedded music, which is made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tiny_run import EPOCHS, Train

from harmonic_core.errors import ExitCode
from harmonic_core.profile.resolve import Resolved, resolve
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import find_resume_point
from harmonic_core.training.start import train


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what needs a CUDA device where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def profile_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Resolved]:
    """Resolves the tiny profile with further settings, `KEY=VALUE`."""
    cache = tmp_path_factory.mktemp("audio-cache")
    tiny = (
        f"data.cache_dir={cache}",
        "data.demo_minutes=0.5",
        "data.segment_length=1.0",
        "data.validation_split=0.3",
        "audio.sample_rate=8000",
        "audio.n_fft=512",
        "audio.hop_length=256",
        "audio.n_mels=32",
        "model.hidden_dims=[16,16]",
        "model.latent_dim=8",
        "train.batch_size=4",
        f"train.epochs={EPOCHS}",
        "train.warmup_steps=2",
        "train.log_every=2",
        "evaluation.griffin_lim_steps=4",
        "evaluation.prior_samples=2",
        "evaluation.reconstructions=2",
        "output.checkpoint_every=1",
        "evaluation.evaluation_share=0",
        "train.refine_vocoder=false",
        "output.visualize_every=0",
        "run.device=cpu",
    )
    return lambda *settings: resolve(None, settings=[*tiny, *settings], environ={})


@pytest.fixture(scope="session")
def train_in(profile_of: Callable[..., Resolved]) -> Train:
    """Trains the tiny profile: `train_in(path, *settings, resume_from=None)`."""

    def start(path: Path, *settings: str, resume_from: Path | None = None) -> ExitCode:
        point = find_resume_point(resume_from) if resume_from else None
        return train(profile_of(*settings), RunDirectory(path), point)

    return start


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory, train_in: Train) -> RunDirectory:
    run = RunDirectory(tmp_path_factory.mktemp("finished") / "run")
    assert train_in(run.path) == ExitCode.OK
    return run


@pytest.fixture
def finished(_finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy of a run that did all its epochs, to look at or to spoil."""
    return RunDirectory(Path(shutil.copytree(_finished.path, tmp_path / "finished")))
