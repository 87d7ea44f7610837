"""A quiet place for the console: an empty current folder, its own home, one time zone, no card to play on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from recorded_run import Recording
from textual.pilot import Pilot

from harmonic_tui.app import Console

DEADLINE_S = 20.0


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
    yield place
    monkeypatch.undo()
    time.tzset()


def _is_setting(name: str) -> bool:
    return name.startswith("HARMONIC_")


def alive(recording: Recording) -> Recording:
    """The same run with a trainer that lives: this very process."""
    me = psutil.Process()
    return replace(recording, pid=me.pid, process_start=me.create_time())


def alive_now(recording: Recording) -> Recording:
    """The same, heard of this very moment: whoever sends commands goes by the real clock."""
    return replace(alive(recording), heartbeat=time.time())


async def until(pilot: Pilot[str], condition: Callable[[], object]) -> None:
    """Let the console work until `condition` holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it never happened; the screen shows:\n" + text_of(pilot.app))
        await pilot.pause(0.02)


def text_of(app: object) -> str:
    """What the screen shows, as text."""
    assert isinstance(app, Console)
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def sees(pilot: Pilot[str], *texts: str) -> None:
    """Wait until all `texts` are on the screen."""
    await until(pilot, lambda: all(text in text_of(pilot.app) for text in texts))
