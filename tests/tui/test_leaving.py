"""The question on leaving, and what its answers do."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from recorded_run import Recording, record_run
from watching import DEADLINE_S, alive_now, sees, until

from harmonic_core.errors import RunError
from harmonic_core.run.control import pending_commands
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.ending import kill_trainer
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import process_identity
from harmonic_tui.app import Console
from harmonic_tui.screens.dashboard import DashboardScreen
from harmonic_tui.screens.leave import LeaveScreen

SIZE = (80, 24)
TRAINING = Recording(state="training")


@pytest.fixture
def trainer() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, with a child, as trainers have."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; sys.stdin.read()'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run_of(process: subprocess.Popen[bytes], **changes: object) -> RunDirectory:
    recording = replace(TRAINING, **process_identity(process.pid), heartbeat=time.time() + DEADLINE_S)
    return record_run(Path("run"), replace(recording, **changes))


def until_it_has_a_child(process: subprocess.Popen[bytes]) -> psutil.Process:
    deadline = time.monotonic() + DEADLINE_S
    while not (children := psutil.Process(process.pid).children()):
        assert time.monotonic() < deadline
    return children[0]


async def test_q_asks_and_enter_leaves_the_run_alone() -> None:
    run = record_run(Path("run"), alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "● training")
        await pilot.press("q")
        await sees(pilot, "Leave the console?", "Leave it running", "Stop after a checkpoint", "Kill it now")
        await pilot.press("enter")
        await until(pilot, lambda: console._exit)
    assert console.return_value == "run goes on. Come back with: harmonic-tui run"
    assert pending_commands(run) == []


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_the_question_can_be_left_without_an_answer(key: str) -> None:
    console = Console(record_run(Path("run"), alive_now(TRAINING)), sound=False)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "● training")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(console.screen, LeaveScreen))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(console.screen, DashboardScreen))
        assert not console._exit


async def test_control_q_asks_as_well_and_once() -> None:
    console = Console(record_run(Path("run"), alive_now(TRAINING)), sound=False)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "● training")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(console.screen, LeaveScreen))
        await pilot.press("ctrl+q")
        assert sum(isinstance(screen, LeaveScreen) for screen in console.screen_stack) == 1


async def test_the_run_can_be_stopped_after_a_checkpoint() -> None:
    run = record_run(Path("run"), alive_now(TRAINING))
    console = Console(run, sound=False)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "● training")
        await pilot.press("q")
        await sees(pilot, "Stop after a checkpoint")
        await pilot.press("j", "enter")
        await until(pilot, lambda: console._exit)
    assert [command.name for command in pending_commands(run)] == ["stop"]


async def test_the_trainer_can_be_killed_with_all_its_children(trainer: subprocess.Popen[bytes]) -> None:
    child = until_it_has_a_child(trainer)
    run = run_of(trainer)
    console = Console(run, sound=False)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "● training")
        await pilot.press("q")
        await sees(pilot, "Kill it now")
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: console._exit)
    assert trainer.wait(DEADLINE_S) == -9
    psutil.wait_procs([child], timeout=DEADLINE_S)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert read_rows(run.events)[-1]["message"] == "killed from the console"


async def test_an_ended_run_is_left_without_a_question() -> None:
    console = Console(record_run(Path("run"), Recording(state="finished")), sound=False)
    async with console.run_test(size=SIZE) as pilot:
        await sees(pilot, "✓ finished")
        await pilot.press("q")
        await until(pilot, lambda: console._exit)


@pytest.mark.parametrize(
    "changes", [{"process_start": 5.0}, {"host": "elsewhere"}, {"pid": 2**22 + 1}], ids=["reused", "elsewhere", "gone"]
)
def test_a_process_that_is_not_this_runs_trainer_is_never_killed(
    trainer: subprocess.Popen[bytes], changes: dict[str, object]
) -> None:
    with pytest.raises(RunError):
        kill_trainer(run_of(trainer, **changes))
    assert trainer.poll() is None


def test_of_a_shared_process_group_only_the_trainer_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    assert os.getpgid(process.pid) == os.getpgrp()
    kill_trainer(run_of(process))
    assert process.wait(DEADLINE_S) == -9
