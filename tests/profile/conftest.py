"""A clean place for profiles: an empty current folder, an empty configuration folder, no HARMONIC_ variables."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

WriteProfile = Callable[..., Path]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty, with nothing from outside that could set a value."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in list(os.environ):
        if name.startswith("HARMONIC_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def write(workplace: Path) -> WriteProfile:
    """Write a file below the current folder."""

    def write_file(path: str, text: str | bytes) -> Path:
        file = workplace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write_file
