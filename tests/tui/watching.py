"""Watching a console at work: trainers that live, and eyes that wait for what should appear."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from recorded_run import Recording
from textual.pilot import Pilot

from harmonic_core.run.status import process_identity
from harmonic_tui.app import Console

DEADLINE_S = 120.0


def alive(recording: Recording) -> Recording:
    """The same run with a trainer that lives: this very process."""
    return replace(recording, **process_identity(os.getpid()))


def alive_now(recording: Recording) -> Recording:
    """The same, heard of by the real clock, by which whoever sends commands goes, for as long as a test may take."""
    return replace(alive(recording), heartbeat=time.time() + DEADLINE_S)


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
