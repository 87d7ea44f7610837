"""The size of the tiny runs, and how a test starts one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harmonic_core.errors import ExitCode

STEPS_PER_EPOCH = 4
EPOCHS = 3


class Train(Protocol):
    """Trains the tiny profile in `path` with further settings, `KEY=VALUE`."""

    def __call__(self, path: Path, *settings: str, resume_from: Path | None = None) -> ExitCode:
        """Give the exit code of `train`; its errors come as they are."""
        ...
