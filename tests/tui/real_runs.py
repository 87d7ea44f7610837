"""Runs of a real trainer, as small as they can be."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from harmonic_core.run.directory import RunDirectory, list_runs
from harmonic_core.run.status import ACTIVE_STATES, Status, read_status, seen_state

DEADLINE_S = 240.0
PROFILE = """
[run]
description = "As small as a run can be"
device = "cpu"
[data]
demo_minutes = 0.5
segment_length = 1.0
cache_dir = "cache"
[model]
latent_dim = 8
hidden_dims = [16, 16]
[train]
epochs = 3
batch_size = 8
log_every = 2
[evaluation]
prior_samples = 1
reconstructions = 1
griffin_lim_steps = 2
[output]
checkpoint_every = 3
visualize_every = 0
"""


def end_trainers() -> None:
    """End whatever trainers still work below the current folder."""
    for run in list_runs():
        status = read_status(run.status)
        if status is not None and status.state in ACTIVE_STATES and seen_state(status) != "lost":
            with suppress(OSError):
                os.kill(status.pid, signal.SIGKILL)


def the_run() -> RunDirectory:
    """The one run there is."""
    (run,) = list_runs()
    return run


def wait_for_state(*states: str) -> Status:
    """Status of the one run, once it is in one of `states`."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        runs = list_runs()
        status = read_status(runs[0].status) if runs else None
        if status is not None and status.state in states:
            return status
        log = runs[0].console_log.read_text() if runs and runs[0].console_log.exists() else "no log"
        assert time.monotonic() < deadline, f"{status}\n{log}"
        time.sleep(0.1)
