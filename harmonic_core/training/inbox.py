"""Commands to a trainer from when they are found until they are answered: only then do their files go."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from harmonic_core.run.control import Command, pending_commands
from harmonic_core.run.directory import RunDirectory


class Inbox:
    """What lies in `control/`, each command once.

    Parameters
    ----------
    run
        Whose trainer reads it.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._found: set[Path] = set()
        self._stuck: set[Path] = set()
        """Those that were answered and cannot be removed: they must not be taken again and again."""

    def new(self) -> list[Command]:
        """Commands that were not found before, in the order in which they were sent."""
        commands = pending_commands(self._run, self._found)
        self._found.update(command.path for command in commands)
        return commands

    def unanswered(self) -> list[Command]:
        """All that were not answered, whether they were found before or not."""
        return pending_commands(self._run, self._stuck)

    def answered(self, path: Path) -> None:
        """Remove the file of a command that was obeyed or refused, as far as that is possible."""
        with suppress(OSError):
            path.unlink()
        if os.path.lexists(path):
            self._stuck.add(path)
        else:
            self._found.discard(path)
