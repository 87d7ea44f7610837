"""Programs that train in turns: one works while the others are stopped, so that a noisy machine is noisy for all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import psutil
import pyte

from harmonic_core.run.records import RecordTail

COLUMNS, LINES = 120, 36
GIVE_UP_S = 300.0
LOOK_EVERY_S = 0.01


class Console:
    """`harmonic-tui RUN` in a terminal of its own, whose words are read as soon as they come.

    Parameters
    ----------
    run
        The run directory to attach to; it exists.
    """

    def __init__(self, run: Path) -> None:
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "harmonic_tui", str(run)],
            dimensions=(LINES, COLUMNS),
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        self.pid: int = self._child.pid
        self._wait_for(run.name)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return bool(self._child.isalive())

    def close(self) -> None:
        """End it."""
        with suppress(pexpect.ExceptionPexpect):
            self._child.close(force=True)

    def _wait_for(self, words: str) -> None:
        screen = pyte.Screen(COLUMNS, LINES)
        stream = pyte.ByteStream(screen)
        deadline = time.monotonic() + GIVE_UP_S
        while not any(words in line for line in screen.display):
            if time.monotonic() > deadline or not self.is_alive:
                raise RuntimeError(f"the console never showed {words}:\n" + "\n".join(screen.display))
            with suppress(pexpect.TIMEOUT):
                stream.feed(self._child.read_nonblocking(1 << 16, timeout=0.1))

    def _read(self) -> None:
        # No terminal is emulated while others are measured: the one that people use is on another machine.
        while True:
            try:
                self._child.read_nonblocking(1 << 16, timeout=None)
            except (pexpect.ExceptionPexpect, OSError, ValueError):
                return


@dataclass
class Contender:
    """A program that trains, and the times at which it was let.

    Attributes
    ----------
    name
        What it is called in the figures.
    command
        How it is started.
    folder
        Where it writes; `metrics.jsonl` there says when which step was done.
    attach
        Whether the console looks at it.
    """

    name: str
    command: Sequence[str]
    folder: Path
    attach: bool = False
    reached: dict[int, float] = field(default_factory=dict)
    """Seconds since 1970 at which steps were done."""

    def __post_init__(self) -> None:
        self._log = self.folder.with_suffix(".log")
        self._tail = RecordTail(self.folder / "metrics.jsonl")
        self._process: psutil.Popen | None = None
        self._console: Console | None = None
        self._stopped: list[psutil.Process] = []
        self._spells: list[tuple[float, float]] = []

    def start(self) -> None:
        """Start the program, and let it work until its first figures are there.

        Raises
        ------
        RuntimeError
            If it ends before that, or the console does not show it.
        """
        began = time.time()
        with self._log.open("wb") as output:
            self._process = psutil.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        if self.attach:
            self._wait_until((self.folder / "status.json").exists)
            # Training waits for the first frame: nobody measures how the console starts.
            self._stop()
            self._console = Console(self.folder)
            self._go_on()
        self._wait_until(lambda: bool(self._look()))
        self._stop()
        self._spells.append((began, time.time()))

    def take_turn(self, seconds: float, last: int) -> bool:
        """Let it work for a while or until step `last` is done; whether that was so.

        Raises
        ------
        RuntimeError
            If it, or its console, ends before.
        """
        began = time.time()
        self._go_on()
        while last not in self._look() and time.time() - began < seconds:
            time.sleep(LOOK_EVERY_S)
            self._insist_on_life()
        self._stop()
        self._spells.append((began, time.time()))
        return last in self._look()

    def seconds(self, first: int, last: int) -> float:
        """How long it worked between the ends of two steps."""
        begin, end = self.reached[first], self.reached[last]
        return sum(max(0.0, min(end, stopped) - max(begin, resumed)) for resumed, stopped in self._spells)

    def finish(self) -> None:
        """Let it end by itself.

        Raises
        ------
        RuntimeError
            If it fails.
        """
        assert self._process
        self._go_on()
        if self._process.wait(GIVE_UP_S):
            raise RuntimeError(self._failure())
        self.end()

    def end(self) -> None:
        """End whatever still runs."""
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._console:
            self._console.close()
            self._console = None

    def _family(self) -> list[psutil.Process]:
        """The program and its console, and what they started."""
        family: list[psutil.Process] = []
        for program in (self._process, self._console):
            if program is not None:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(program.pid)
                    family += [process, *process.children(recursive=True)]
        return family

    def _stop(self) -> None:
        self._stopped = self._family()
        for process in self._stopped:
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def _go_on(self) -> None:
        for process in self._stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _look(self) -> dict[int, float]:
        self.reached |= {row["step"]: row["time"] for row in self._tail.read() if row["kind"] == "step"}
        return self.reached

    def _wait_until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + GIVE_UP_S
        while not happened():
            self._insist_on_life()
            if time.monotonic() > deadline:
                raise RuntimeError(self._failure())
            time.sleep(LOOK_EVERY_S)

    def _insist_on_life(self) -> None:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(self._failure())
        if self._console and not self._console.is_alive:
            raise RuntimeError(f"the console of {self.name} ended before the training did")

    def _failure(self) -> str:
        return f"{self.name} failed:\n" + self._log.read_text(errors="replace")[-2000:]


def take_turns(contenders: Iterable[Contender], seconds: float, last: int, progress: Callable[[float], None]) -> None:
    """Let all train up to step `last`, each for `seconds` at a time; then let all end."""
    contenders = list(contenders)
    for each in contenders:
        each.start()
    working = contenders
    while working:
        working = [each for each in working if not each.take_turn(seconds, last)]
        progress(min(max(each.reached) for each in contenders) / last)
        # There and back again: neighbours stay neighbours, and each comes first as often as the other.
        working.reverse()
    for each in contenders:
        each.finish()
