"""A quiet place for the console: an empty current folder, its own home, one time zone, no card to play on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest
from real_runs import PROFILE, end_trainers


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder: empty."""
    home = tmp_path / "home"
    home.mkdir()
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("TZ", "UTC")
    for name in ("NO_COLOR", "SSH_CONNECTION", "COLUMNS", "LINES", *filter(_is_setting, os.environ)):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    # What pictures show must not depend on the cards of the machine that draws them.
    monkeypatch.setattr(pynvml, "nvmlInit", _no_driver)
    yield place
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def profile(workplace: Path) -> Iterator[Path]:
    """A small profile; whatever trainer it started is ended."""
    path = workplace / "small.toml"
    path.write_text(PROFILE)
    yield path
    end_trainers()


def _no_driver() -> None:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)


def _is_setting(name: str) -> bool:
    return name.startswith("HARMONIC_")
