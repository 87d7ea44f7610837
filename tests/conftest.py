"""What tests of whole programs share: an empty place to work in, settings that train in moments, the real command."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from programs import TINY, Programs

# The same examples everywhere, and as much time for each as a busy machine needs.
settings.load_profile("ci")

if threading.current_thread() is threading.main_thread():
    # Started in the background or by nohup, this process ignores them, and so would every program that it starts.
    for ignored, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(ignored) is signal.SIG_IGN:
            signal.signal(ignored, handler)


@pytest.fixture(scope="session")
def audio_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cache folder for the whole session: the same demo music is made only once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def environment(tmp_path: Path, audio_cache: Path) -> dict[str, str]:
    """Environment of a program: nothing from outside that could set a value or find a profile, and one thread."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    for unwanted in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        kept.pop(unwanted, None)
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(audio_cache),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def tiny() -> list[str]:
    """Arguments of `harmonic train` with which the demo profile trains in moments."""
    return [argument for key, value in TINY.items() for argument in ("--set", f"{key}={value}")]


@pytest.fixture
def harmonic(tmp_path: Path, environment: dict[str, str]) -> Iterator[Programs]:
    """The command line, in an empty folder."""
    place = tmp_path / "place"
    place.mkdir()
    programs = Programs(place, environment)
    yield programs
    programs.end()
