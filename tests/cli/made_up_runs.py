"""Run directories without a trainer, as one would have left them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import RecordWriter
from harmonic_core.run.status import Best, Status, process_identity, write_status

NOBODY = 2**22 + 1
"""A process number above the kernel's highest."""


def make_run(path: Path, *, alive: bool = False, **status: Any) -> RunDirectory:
    """Make a run in its third of four epochs; with `alive`, this very process passes for its trainer."""
    run = RunDirectory(path)
    run.create()
    now = time.time()
    made = {
        "state": "training",
        "name": path.name,
        "profile": "demo",
        **process_identity(os.getpid()),
        "started_at": now - 600,
        "heartbeat": now,
        "step": 25,
        "total_steps": 40,
        "epoch": 3,
        "epochs": 4,
        "segments_per_s": 120.0,
        "eta_s": 90.0,
        "best": Best(epoch=2, step=20, val_loss=0.1, val_recon_db=6.25),
        "mean_spectrum_db": 10.5,
    }
    nobody = {} if alive else {"pid": NOBODY}
    write_status(run.status, Status.model_validate({**made, **nobody, **status}))
    writer = RecordWriter(run.metrics)
    writer.append({"kind": "epoch", "step": 20, "epoch": 2, "loss": 0.12, "val_loss": 0.1, "val_recon_db": 6.25})
    writer.append({"kind": "step", "step": 25, "epoch": 3, "loss": 0.11})
    writer.close()
    return run
