"""The command line up to the point where training would begin, and a run to go on from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from asking import Asked
from programs import TINY, Programs

from harmonic_core.profile.resolve import Resolved
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import ResumePoint
from harmonic_core.training.signals import StopSignals


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Catch what would be trained, in an empty folder, with the trainer and the look for music left out."""
    import harmonic_core.cli.plan
    import harmonic_core.training.start

    caught = Asked()

    def catch(resolved: Resolved, run: RunDirectory, point: ResumePoint | None, signals: StopSignals) -> int:
        caught.resolved, caught.run, caught.point, caught.signals = resolved, run, point, signals
        caught.times += 1
        return 0

    monkeypatch.setattr(harmonic_core.training.start, "train", catch)
    monkeypatch.setattr(harmonic_core.cli.plan, "insist_on_music", lambda data: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in list(os.environ):
        if name.startswith(("HARMONIC_", "TORCHELASTIC_")) or name in {"RANK", "WORLD_SIZE"}:
            monkeypatch.delenv(name)
    return caught


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> Path:
    place = tmp_path_factory.mktemp("trained")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    ours = {"HOME": str(place), "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"}
    tiny = [argument for key, value in TINY.items() for argument in ("--set", f"{key}={value}")]
    words = ["--dataset", "demo", "--epochs", "2", "--checkpoint-every", "1", "--set", "output.keep=5"]
    Programs(place, {**kept, **ours}).run("train", *words, *tiny, "--output-dir", "output/base")
    return place / "output/base"


@pytest.fixture
def base(harmonic: Programs, _trained: Path) -> RunDirectory:
    """A copy of a run that did its two epochs on the demo music, as `output/base`."""
    return RunDirectory(Path(shutil.copytree(_trained, harmonic.place / "output/base")))
