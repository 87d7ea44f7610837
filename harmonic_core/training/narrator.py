"""The journal of what only looks at a run: it tells what goes on, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self, TextIO

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Device
from harmonic_core.training.journal import SilentJournal
from harmonic_core.training.replay import Watch


class Narrator(SilentJournal):
    """Writes nothing, and tells of the music while it is made ready.

    Parameters
    ----------
    run
        What is looked at.
    tell, watch
        Get to know what goes on: lines, and how much of it is done.
    """

    def __init__(self, run: RunDirectory, tell: Callable[[str], None], watch: Watch) -> None:
        super().__init__(run, Device)
        self.watch = watch
        self._say = tell
        self._bar = ExitStack()
        self._move: Callable[[float, str], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end_progress()

    def show_progress(self, done: int, total: int, words: str) -> None:
        """Move the bar."""
        if self._move is None:
            self._move = self._bar.enter_context(self.watch(total))
        self._move(done, words)

    def end_progress(self) -> None:
        """Take the bar away."""
        self._bar.close()
        self._move = None

    def _print(self, line: str, stream: TextIO) -> None:
        self._say(line)
