"""Starting a trainer that outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from harmonic_core.errors import DiskError
from harmonic_core.run.directory import RunDirectory


def start_training(arguments: Sequence[str], run: RunDirectory) -> subprocess.Popen[bytes]:
    """Run `harmonic train ARGUMENTS --output-dir RUN` in a session of its own, its output in the run's `console.log`.

    The process hears nothing of this terminal: not its signals, not its end. The caller may poll the result to learn
    of an early failure; nothing has to be waited for.

    Raises
    ------
    DiskError
        If the run directory cannot be made.
    """
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        log = os.open(run.console_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise DiskError(f"{run.path}: the run directory cannot be made: {error.strerror or error}") from error
    try:
        command = [sys.executable, "-m", "harmonic_core", "train", *arguments, "--output-dir", str(run.path)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    finally:
        os.close(log)
