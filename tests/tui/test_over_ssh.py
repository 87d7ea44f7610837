"""The whole way: the console at the other end of a real SSH connection."""

import time
from pathlib import Path

import psutil
import pytest
from real_runs import DEADLINE_S, PROFILE, the_run, wait_for_state
from terminal import Terminal
from tunnel import ssh_server

from harmonic_core.run.records import read_rows


def connection(folder: Path, port: int) -> list[str]:
    """The command that logs in to the test's own server."""
    options = ("StrictHostKeyChecking=no", "BatchMode=yes", f"UserKnownHostsFile={folder}/known_hosts")
    given = [word for option in options for word in ("-o", option)]
    return ["ssh", "-tt", "-F", "none", "-p", str(port), "-i", str(folder / "user_key"), *given, "127.0.0.1"]


def consoles() -> list[psutil.Process]:
    """Consoles that work in the current folder."""
    here = str(Path.cwd())
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if "harmonic_tui" in (process.info["cmdline"] or []) and process.info["cwd"] == here
    ]


@pytest.mark.slow
def test_a_run_started_over_ssh_survives_the_connection_and_is_found_again(profile: Path, tmp_path: Path) -> None:
    profile.write_text(PROFILE.replace("epochs = 3", "epochs = 100000"))
    folder = tmp_path / "ssh"
    with ssh_server(folder) as port:
        over = connection(folder, port)
        terminal = Terminal(["--profile", str(profile)], over=over)
        try:
            terminal.wait_for("● training", deadline_s=DEADLINE_S)
            terminal.press("c")
            terminal.wait_for("asked for a checkpoint")
        finally:
            terminal.cut()
        deadline = time.monotonic() + DEADLINE_S
        while consoles():
            assert time.monotonic() < deadline, "the console outlives its connection"
            time.sleep(0.1)
        step = wait_for_state("training").step
        again = Terminal([the_run().name], over=over)
        try:
            again.wait_for("● training", "checkpoint")
            again.resize(80, 24)
            again.wait_for("Loss", "Leave")
            again.press("q")
            again.wait_for("Stop after a checkpoint")
            again.press("j\r")
            assert "Continue it with: harmonic train --resume-from" in again.wait_for_the_end()
        finally:
            again.close()
        assert wait_for_state("stopped", "failed").state == "stopped"
    assert wait_for_state("stopped").step >= step
    assert any(row["kind"] == "control" for row in read_rows(the_run().events))
