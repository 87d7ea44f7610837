"""How far a download is: a bar with rate and time left on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import rich.progress
from rich.console import Console
from rich.filesize import decimal

from harmonic_core.run.words import duration
from harmonic_core.text import plain

LINE_EVERY_S = 10.0
LINE_EVERY_SHARE = 0.05
LINE_AT_MOST_EVERY_S = 1.0


class Meter:
    """Shows the bytes of one piece of work on stderr, and says what happens meanwhile."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar: rich.progress.Progress | None = None
        self._task = rich.progress.TaskID(0)
        self._label = ""
        self._total: int | None = None
        self._done = 0
        self._began = (0.0, 0)
        self._said = (0.0, 0)

    def say(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._bar is not None:
            self._console.print(line, markup=False, soft_wrap=True)
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    @contextmanager
    def working(self, label: str, total: int | None, done: int = 0) -> Iterator[None]:
        """Show the work `label` of `total` bytes (None: unknown), `done` of which were there before."""
        self._label = plain(label)
        if not self._console.is_terminal:
            self.restart(done, total)
            yield
            if self._done > self._began[1]:
                self._line()
            return
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}", markup=False),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.DownloadColumn(),
            rich.progress.TransferSpeedColumn(),
            rich.progress.TimeRemainingColumn(),
            console=self._console,
        )
        try:
            with self._bar:
                self._task = self._bar.add_task(self._label, total=total)
                self.restart(done, total)
                yield
        finally:
            self._bar = None

    def restart(self, done: int, total: int | None) -> None:
        """Begin to measure anew at `done` bytes: what was there before counts for no rate."""
        now = time.monotonic()
        self._done, self._total, self._began, self._said = done, total, (now, done), (now, done)
        if self._bar is not None:
            self._bar.reset(self._task, total=total, completed=done)

    def advance(self, count: int) -> None:
        """Note `count` more bytes."""
        self._done += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
            return
        now = time.monotonic()
        since, grown = now - self._said[0], self._done - self._said[1]
        step = self._total is not None and grown >= LINE_EVERY_SHARE * self._total
        if since >= LINE_EVERY_S or (step and since >= LINE_AT_MOST_EVERY_S):
            self._line()

    def _line(self) -> None:
        now = time.monotonic()
        self._said = (now, self._done)
        rate = (self._done - self._began[1]) / max(now - self._began[0], 1e-6)
        known = [decimal(self._done)]
        if self._total:
            known = [f"{100 * self._done / self._total:.0f} %", f"{decimal(self._done)} of {decimal(self._total)}"]
        known.append(f"{decimal(int(rate))}/s")
        if self._total and rate > 0 and self._done < self._total:
            known.append(f"{duration((self._total - self._done) / rate)} left")
        self.say(f"{self._label}: {', '.join(known)}")
