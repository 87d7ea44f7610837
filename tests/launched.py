"""Runs on several ranks, started by the real command, and what remains of them."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from programs import DEADLINE_S, TINY, Programs, wait_until

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import read_rows
from harmonic_core.run.status import read_status

TWO_RANKS = ("--nproc", "2")
QUIET = {**TINY, "evaluation.prior_samples": "0", "evaluation.reconstructions": "0", "train.log_every": "1"}
"""Settings of a tiny run that has a row for every step, and neither sounds nor pictures."""


def tiny_run(**settings: object) -> list[str]:
    """Arguments of `harmonic train` for a tiny run of the demo profile; `train_epochs=3` sets `train.epochs`."""
    named = {key.replace("_", ".", 1): str(value) for key, value in settings.items()}
    return ["demo", *(word for key, value in {**QUIET, **named}.items() for word in ("--set", f"{key}={value}"))]


def programs_in(place: Path, cache: Path) -> Programs:
    """Make the real command ready in a folder, for longer than one test."""
    place.mkdir(parents=True, exist_ok=True)
    unwanted = ("HARMONIC_", "XDG_", "PYTHONPATH", "TORCH", "RANK", "WORLD_SIZE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    own = {"HOME": str(place), "XDG_CACHE_HOME": str(cache), "XDG_CONFIG_HOME": str(place), "OMP_NUM_THREADS": "1"}
    return Programs(place, {**kept, **own})


def figures(run: RunDirectory, kind: str | None = None) -> list[dict[str, Any]]:
    """Rows of the metrics without what is measured by the clock."""
    clock = {"time", "segments_per_s"}
    rows = read_rows(run.metrics)
    return [{key: row[key] for key in row if key not in clock} for row in rows if kind in {None, row["kind"]}]


def last_step(run: RunDirectory) -> int:
    """Step of the newest row; 0 before the first."""
    return max((row["step"] for row in read_rows(run.metrics)), default=0) if run.metrics.exists() else 0


@dataclass
class Team:
    """A launcher and its ranks.

    Attributes
    ----------
    run
        Where they train.
    launcher
        The process that was started.
    ranks
        Its ranks, in their order.
    log
        What all of them print on stderr.
    """

    run: RunDirectory
    launcher: subprocess.Popen[str]
    ranks: list[psutil.Process]
    log: Path

    def wait(self) -> int:
        """Give the exit status of the launcher."""
        return self.launcher.wait(DEADLINE_S)

    def still_there(self) -> list[psutil.Process]:
        """Ranks that run."""
        return [rank for rank in self.ranks if _runs(rank)]

    def said(self) -> str:
        """What was printed on stderr."""
        return self.log.read_text()


def start_team(programs: Programs, run: str, *arguments: str) -> Team:
    """Start `harmonic train ARGUMENTS --nproc 2`, and wait until it has trained three more steps in `run`."""
    directory, log = RunDirectory(programs.place / run), programs.place / "stderr.txt"
    log.unlink(missing_ok=True)
    launcher = programs.start("train", *arguments, *TWO_RANKS)
    first: list[int] = []

    def goes_on() -> bool:
        assert launcher.poll() is None, log.read_text()
        status = read_status(directory.status)
        pids = {rank.pid for rank in ranks_of(launcher.pid)}
        if status is None or status.state != "training" or status.pid not in pids:
            return False
        first.append(last_step(directory))
        return first[-1] >= first[0] + 3

    wait_until(goes_on, f"{run} trains on two ranks")
    return Team(directory, launcher, ranks_of(launcher.pid), log)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # gone between the two questions
        return False


def free_port() -> int:
    """A port to meet at, which nobody gets by chance: it is below those that the system gives away."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("localhost", random.randrange(20_000, 32_000)))
            return int(probe.getsockname()[1])


def ranks_of(launcher: int) -> list[psutil.Process]:
    """Children of a launcher, in the order of their ranks."""
    ranks = {}
    for child in psutil.Process(launcher).children():
        try:
            ranks[child.environ().get("RANK", "")] = child
        except psutil.Error:  # just started, or gone again
            continue
    return [ranks[number] for number in sorted(ranks) if number]


def kill(process: psutil.Process) -> None:
    """End a process at once."""
    process.send_signal(signal.SIGKILL)
