"""A trainer that is launched stands on its own feet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from programs import wait_until

from harmonic_core.errors import DiskError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.launch import start_training


def test_what_it_prints_and_its_exit_status_can_be_had(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "a" / "run")
    trainer = start_training(["demo", "--set", "no.such=1"], run)
    assert trainer.wait() == 2
    assert "no.such" in run.console_log.read_text()


def test_a_second_start_appends_to_the_log(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    run.console_log.write_text("before\n")
    start_training(["demo", "--set", "no.such=1"], run).wait()
    assert run.console_log.read_text().startswith("before\n")


def test_a_place_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError):
        start_training(["demo"], RunDirectory(tmp_path / "file" / "run"))


def test_it_has_a_session_of_its_own_and_outlives_whoever_started_it(tmp_path: Path) -> None:
    """The starter is killed with its whole process group, as a closing terminal does; the trainer goes on."""
    run = RunDirectory(tmp_path / "run")
    program = (
        "import pathlib, sys\n"
        "from harmonic_core.run.directory import RunDirectory\n"
        "from harmonic_core.run.launch import start_training\n"
        "started = start_training(['demo', '--help'], RunDirectory(pathlib.Path(sys.argv[1])))\n"
        "import os; os.kill(started.pid, 19)\n"  # held still, so that it cannot be over too soon
        "print(started.pid, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as starter:
        assert starter.stdout is not None
        trainer = psutil.Process(int(starter.stdout.readline()))
        assert os.getsid(trainer.pid) == trainer.pid
        os.killpg(starter.pid, signal.SIGHUP)
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()
    assert trainer.is_running()
    assert trainer.status() != psutil.STATUS_ZOMBIE
    trainer.send_signal(signal.SIGCONT)
    wait_until(lambda: "--resume-from" in run.console_log.read_text(), "it prints its help")
