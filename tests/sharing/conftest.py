"""One small run for all tests of exports, and each format of it, written once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from exporting import harmonic_export
from programs import TINY, Programs

from harmonic_core.audio.features import LogMel
from harmonic_core.profile.resolve import load
from harmonic_core.run.directory import RunDirectory
from harmonic_core.training.refining import Closer, Refining, write_refiner


@pytest.fixture(scope="session", autouse=True)
def _own_cache(audio_cache: Path) -> None:
    os.environ["XDG_CACHE_HOME"] = str(audio_cache)


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> RunDirectory:
    """A run of two epochs on the demo music, with a network of the vocoder."""
    place = tmp_path_factory.mktemp("shared")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    ours = {"HOME": str(place), "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"}
    tiny = [argument for key, value in TINY.items() for argument in ("--set", f"{key}={value}")]
    Programs(place, {**kept, **ours}).run("train", "demo", "--epochs", "2", *tiny, "--output-dir", "runs/x")
    run = RunDirectory(place / "runs/x")
    profile = load(run.profile)
    refining = Refining(LogMel(profile.audio), seed=0)
    torch.nn.init.normal_(refining.refiner.last.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    refining.closer = Closer(2.0, 1.0, 2.0, 1.0)
    write_refiner(run.vocoder, refining, profile.audio)
    return run


@pytest.fixture(scope="session")
def exports(shared_run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The run in all formats."""
    place = tmp_path_factory.mktemp("exports")
    paths = {name: place / f"model.{name}" for name in ("safetensors", "torchscript", "onnx")}
    for name, path in paths.items():
        harmonic_export(shared_run.path, "--format", name, "--output", path)
    return paths
