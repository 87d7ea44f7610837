"""A fault of the console itself: one line for whoever sits there, everything in a file for whoever mends it."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest
from recorded_run import NOW, record_run
from terminal import Terminal
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.worker import WorkerFailed
from watching import until

from harmonic_tui.app import Console
from harmonic_tui.faults import sentence_on

PROGRAM = """
import sys
from harmonic_tui import app, command
def fail(self):
    raise ZeroDivisionError("a [red]bad[/] day")
app.Console.on_ready = fail
command.main(sys.argv[1:])
"""


def test_a_fault_is_one_line_on_the_terminal_and_a_traceback_in_a_file(
    workplace: Path,
) -> None:
    record_run(Path("run"))
    logs = workplace / "state"
    child = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, "run"],
        dimensions=(36, 300),
        env={**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(logs)},
        timeout=60,
    )
    said = child.read().decode(errors="replace")
    child.close()
    assert "ended by a fault of its own, no run is affected: ZeroDivisionError: a [red]bad[/] day" in said
    assert "Traceback" not in said
    assert child.exitstatus == 1
    (log,) = logs.rglob("console.log")
    assert str(log) in said.replace("\r\n", "")
    assert "Traceback (most recent call last)" in log.read_text()


def test_where_no_file_can_be_written_the_line_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    assert sentence_on(OSError("no\x1b[2J room")).endswith("OSError: no room")


def test_an_ordinary_end_is_no_fault() -> None:
    record_run(Path("run"))
    terminal = Terminal(["run"])
    try:
        terminal.wait_for("HarmonicVAE", "finished")
        terminal.press("q")
        assert "fault" not in terminal.wait_for_the_end()
        assert terminal.exit_status == 0
    finally:
        terminal.close()


async def look_in_vain(screen: Screen[None], read: asyncio.Event) -> None:
    """What a worker does that reads a file, and then looks for a place to show it."""
    with suppress(asyncio.CancelledError):
        await read.wait()
    screen.query_one("#nothing")


async def test_a_worker_that_comes_back_while_the_console_shuts_down_is_no_fault() -> None:
    console = Console(record_run(Path("run")), clock=lambda: NOW, sound=False)
    async with console.run_test():
        worker = console.screen.run_worker(look_in_vain(console.screen, asyncio.Event()))
    assert worker.is_finished
    assert isinstance(worker.error, NoMatches)


async def test_a_worker_that_looks_in_vain_on_a_living_screen_is_one() -> None:
    console = Console(record_run(Path("run")), clock=lambda: NOW, sound=False)
    read = asyncio.Event()

    async def look() -> None:
        async with console.run_test() as pilot:
            worker = console.screen.run_worker(look_in_vain(console.screen, read))
            read.set()
            await until(pilot, lambda: worker.is_finished)

    with pytest.raises(WorkerFailed):
        await look()
