"""Ending a trainer at once: only the one that the run names, and never its starter's own family."""

from __future__ import annotations

import os
import signal
import socket

from harmonic_core.errors import RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.events import event_row
from harmonic_core.run.records import RecordWriter
from harmonic_core.run.status import is_alive, read_status


def kill_trainer(run: RunDirectory, sender: str = "console") -> None:
    """Send SIGKILL to the trainer of `run`, and note it among the events.

    A trainer that leads its process group takes the group along; of one that was started in somebody's shell only the
    process and its children end.

    Parameters
    ----------
    run
        Whose trainer.
    sender
        Who asks; for the record.

    Raises
    ------
    RunError
        If the process cannot be told for certain to be this run's trainer, or may not be ended.
    """
    import psutil

    status = read_status(run.status)
    alive = is_alive(status) if status else False
    if status is None or alive is False:
        raise RunError(f"{run.name}: no trainer to kill, its process is gone")
    if alive is None:
        raise RunError(f"{run.name}: the trainer runs on {status.host}, this is {socket.gethostname()}; kill it there")
    try:
        if os.getpgid(status.pid) == status.pid:
            os.killpg(status.pid, signal.SIGKILL)
        else:
            trainer = psutil.Process(status.pid)
            for process in (*trainer.children(recursive=True), trainer):
                process.kill()
    except (OSError, psutil.Error) as error:
        raise RunError(f"{run.name}: process {status.pid} cannot be killed: {error}") from error
    _note(run, sender)


def _note(run: RunDirectory, sender: str) -> None:
    try:
        writer = RecordWriter(run.events)
    except OSError:
        return
    try:
        # Its one writer is dead, so the file is ours to add to.
        writer.append(event_row("signal", f"killed from the {sender}", signal="SIGKILL", by=sender))
    except OSError:
        return
    finally:
        writer.close()
