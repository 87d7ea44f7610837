"""Commands to a trainer: files that appear in `control/` whole, and go when obeyed."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import ACTIVE_STATES, read_status, seen_state

CommandName = Literal["stop", "pause", "resume", "checkpoint", "sample"]
COMMANDS: tuple[CommandName, ...] = get_args(CommandName)


@dataclass(frozen=True)
class Command:
    """One command as the trainer finds it. `name` is what the file says; whether it is known is for the trainer."""

    name: str
    path: Path

    def done(self) -> None:
        """Remove the file: the command was obeyed or refused."""
        self.path.unlink(missing_ok=True)


def send_command(run: RunDirectory, name: CommandName) -> None:
    """Ask the trainer of `run` for something; it obeys at the next step.

    Raises
    ------
    RunError
        If no trainer is there to obey.
    DiskError
        If the run directory cannot be written.
    """
    status = read_status(run.status)
    state = seen_state(status) if status else "unknown"
    if state not in ACTIVE_STATES:
        resume = f"; continue it with `harmonic train --resume-from {run.path}`" if state in {"lost", "stopped"} else ""
        raise RunError(f"{run.name}: nothing to {name}, the run is {state}{resume}")
    try:
        run.control.mkdir(exist_ok=True)
        write_atomically(
            run.control / f"{time.time_ns():020d}-{os.getpid()}.json",
            json.dumps({"command": name, "sent_at": time.time()}),
            durable=False,
        )
    except OSError as error:
        raise DiskError(f"{run.control}: {name!r} cannot be left there: {error.strerror or error}") from error


def pending_commands(run: RunDirectory) -> list[Command]:
    """Commands that wait, in the order in which they were sent. A file that is no command has the name ``""``."""
    try:
        names = sorted(name for name in os.listdir(run.control) if not name.startswith("."))
    except OSError:
        return []
    return [_read(run.control / name) for name in names]


def _read(path: Path) -> Command:
    try:
        content = json.loads(path.read_bytes()[:10_000])
        return Command(str(content["command"]), path)
    except (OSError, ValueError, KeyError, TypeError):
        return Command("", path)
