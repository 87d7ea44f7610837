"""Commands to a trainer: files that appear in `control/` whole, and go when obeyed."""

from __future__ import annotations

import json
import math
import os
import stat
import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import ACTIVE_STATES, read_status, seen_state
from harmonic_core.text import plain

DeedName = Literal["stop", "pause", "resume", "checkpoint", "sample", "evaluate"]
CommandName = Literal[DeedName, "learning-rate", "beta", "augment-strength", "epochs"]
Sender = Literal["console", "command line"]

DEEDS: tuple[DeedName, ...] = get_args(DeedName)
"""What is done at once and takes no value."""
COMMANDS: tuple[CommandName, ...] = (*DEEDS, "learning-rate", "beta", "augment-strength", "epochs")
"""Everything; what is not among `DEEDS` takes a value."""
_SENDERS: tuple[Sender, ...] = get_args(Sender)
_MOST_BYTES = 4096
"""More than any command has."""
_MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Command:
    """One command as the trainer finds it; all of it but the path is what the file says, and nobody made sure of it."""

    name: str
    """Empty where the file is no command at all."""
    path: Path
    value: object = None
    sender: str = ""
    """Who asked, where that is one of the programs; else empty."""
    sent_at: float | None = None
    """When, in seconds since 1970; by it whoever sent it knows the answer."""
    left_at: float | None = None
    """When the file was written, by the clock of its disk."""

    @property
    def words(self) -> str:
        """What was asked for, for people."""
        return plain(self.name, 60) or "unreadable command"

    @property
    def details(self) -> dict[str, Any]:
        """What every event about it says."""
        told = {"command": self.words, "by": self.sender, "sent_at": self.sent_at}
        return {key: each for key, each in told.items() if each not in {None, ""}}

    def is_from_before(self, moment: float) -> bool:
        """Whether it was sent before `moment`.

        Its sender may sit at another machine, whose clock is slow: the file's own time has to be earlier too. Of a file
        that does not say when it was sent nobody knows.
        """
        return self.sent_at is not None and self.left_at is not None and max(self.sent_at, self.left_at) < moment

    def done(self) -> None:
        """Remove the file: the command was obeyed or refused. What cannot be removed stays."""
        with suppress(OSError):
            self.path.unlink()


def send_command(run: RunDirectory, name: CommandName, value: float | str | None = None, sender: str = "") -> float:
    """Ask the trainer of `run` for something; it obeys at the next step.

    Parameters
    ----------
    run
        Whose trainer.
    name, value
        What for; a setting needs a value, a number or "auto".
    sender
        Who asks; for the record.

    Returns
    -------
    float
        When it was sent: the event that tells what became of it has the same `sent_at`.

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
        raise RunError(f"{run.name}: nothing to {_verb(name)}, the run is {state}{resume}")
    sent_at = time.time()
    told = {"command": name, **({} if value is None else {"value": value}), "sent_at": sent_at}
    try:
        run.control.mkdir(exist_ok=True)
        write_atomically(
            run.control / f"{time.time_ns():020d}-{os.getpid()}.json",
            json.dumps({**told, "by": sender} if sender else told),
            durable=False,
        )
    except OSError as error:
        raise DiskError(f"{run.control}: {name!r} cannot be left there: {error.strerror or error}") from error
    return sent_at


def pending_commands(run: RunDirectory, known: AbstractSet[Path] = frozenset()) -> list[Command]:
    """Commands that wait, in the order in which they were sent. A file that is no command has the name ``""``.

    Parameters
    ----------
    run
        Whose.
    known
        Files that are left out.
    """
    try:
        names = [name for name in os.listdir(run.control) if not name.startswith(".")]
    except OSError:
        return []
    # What is known must not take the places of what is not.
    paths = [path for name in sorted(names) if (path := run.control / name) not in known]
    return [_read(path) for path in paths[:_MOST_AT_ONCE]]


def _verb(name: str) -> str:
    return name if name in DEEDS else "steer"


def _read(path: Path) -> Command:
    """What a file says. Anybody may have put it there: neither kind nor size nor content is taken for granted."""
    try:
        # A pipe would be waited for, and a link may lead anywhere.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return Command("", path)
            content = os.read(descriptor, _MOST_BYTES + 1)
        finally:
            os.close(descriptor)
        told = json.loads(content) if len(content) <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return Command("", path)
    if not isinstance(told, dict) or not isinstance(told.get("command"), str):
        return Command("", path)
    sender, sent_at = told.get("by"), told.get("sent_at")
    return Command(
        told["command"],
        path,
        told.get("value"),
        sender if sender in _SENDERS else "",
        sent_at if isinstance(sent_at, float) and math.isfinite(sent_at) else None,
        found.st_mtime,
    )
