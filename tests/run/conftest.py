"""A run directory, and the status of a run that this very process might be training."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, process_identity, write_status


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A directory as a run that begins makes it."""
    directory = RunDirectory(tmp_path / "runs" / "tune")
    directory.create()
    return directory


@pytest.fixture
def status() -> Callable[..., Status]:
    """Makes the status of a training of this process, with other fields where given."""

    def make(**fields: Any) -> Status:
        now = time.time()
        basis = {"state": "training", "started_at": now, "heartbeat": now, **process_identity(os.getpid())}
        return Status(**{**basis, **fields})

    return make


@pytest.fixture
def live(run: RunDirectory, status: Callable[..., Status]) -> RunDirectory:
    """A run whose trainer is alive."""
    write_status(run.status, status())
    return run
