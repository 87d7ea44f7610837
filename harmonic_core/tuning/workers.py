"""Several supervisors of one study on one machine: started together, and none of them needed by the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from harmonic_core.errors import ExitCode
from harmonic_core.tuning.lock import StoppedError
from harmonic_core.tuning.record import StudyRecord
from harmonic_core.tuning.search import Search
from harmonic_core.tuning.storage import Memory, ServerLostError, open_study
from harmonic_core.tuning.study import GaveUpError, Stop, Voice, Worker, begin, close, give_up_if_all_failed, quietly

_LOOK_S = 0.2
_THREADS = "OMP_NUM_THREADS"
_CARDS = "CUDA_VISIBLE_DEVICES"


def tune_together(search: Search, workers: int, *, timeout_s: float | None, voice: Voice) -> ExitCode:
    """Run trials in several processes at once until the study has as many as asked for.

    Parameters
    ----------
    search, timeout_s, voice
        As for `tune`. With several workers what is tried depends on which trial ends first.
    workers
        Processes; cores and graphics cards are shared out among them.

    Raises
    ------
    RunError, DiskError
        As `tune` does.

    Returns
    -------
    ExitCode
        As `tune` gives it; that of a worker that failed where none is left to do the rest.
    """
    with quietly(timeout_s) as stop:
        record = StudyRecord(search, workers, None, works=False, log=voice.log)
        try:
            memory = begin(search, record, stop, voice)
        except StoppedError:
            voice.log(f"stopped ({stop.why}) before it began")
            return stop.code
        with memory.told_plainly():
            codes = _lead([_start(search, number, workers) for number in range(workers)], stop, voice)
            if ExitCode.FAILURE in codes:
                give_up_if_all_failed(memory, record)
            is_over = close(search, memory, record, stop, voice)
        if is_over or stop():
            return stop.code
        return next((known for known in ExitCode if known != ExitCode.OK and known in codes), ExitCode.FAILURE)


def work_for(search: Search, workers: int, leader: int, *, voice: Voice) -> ExitCode:
    """Run trials as one of several processes of a study; see `tune_together`.

    Parameters
    ----------
    search, voice
        Of the study.
    workers
        How many there are.
    leader
        Number of the process that started them.
    """
    with quietly(None, leader) as stop:
        record = StudyRecord(search, workers, leader, works=True, log=voice.log)
        # Of a server that is gone its leader tells, once for all.
        with suppress(StoppedError, GaveUpError, ServerLostError):
            memory: Memory = open_study(search.place, search.directory, search.conditions(), search.goal.parts, stop)
            with memory.told_plainly():
                Worker(search, memory, record, stop, voice).work()
            return ExitCode.OK
        return ExitCode.OK if stop() else ExitCode.FAILURE


def _start(search: Search, number: int, workers: int) -> subprocess.Popen[bytes]:
    """Start one of the workers; what is secret in the place of the trials goes through a pipe, not its command line."""
    command = [sys.executable, "-m", "harmonic_core", *search.command(workers)[1:], "--worker-of", str(os.getpid())]
    if search.place.file is None:
        command[command.index("--storage") + 1] = "-"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment(number, workers))
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(search.place.url.encode())
        process.stdin.close()
    return process


def _lead(started: list[subprocess.Popen[bytes]], stop: Stop, voice: Voice) -> list[int]:
    """Wait for all workers, and tell of those that are lost; their exit statuses."""
    at_work, told_to_stop = list(started), False
    while at_work:
        if stop() and not told_to_stop:
            told_to_stop = True
            for process in at_work:
                process.send_signal(signal.SIGTERM)
        for process in [each for each in at_work if each.poll() is not None]:
            at_work.remove(process)
            if process.returncode < 0 and not told_to_stop:
                rest = {0: "none is left", 1: "the other one goes on"}
                others = rest.get(len(at_work), f"the other {len(at_work)} go on")
                name = signal.Signals(-process.returncode).name
                voice.log(f"worker {started.index(process) + 1} was killed by {name}; {others}")
        time.sleep(_LOOK_S)
    return [process.returncode for process in started]


def _environment(number: int, workers: int) -> dict[str, str]:
    """That of a worker: its trainers have a share of the cores, unless somebody has said how many, and of the cards."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cards = _cards()
    own = {_CARDS: cards[number % len(cards)]} if len(cards) > 1 else {}
    return {_THREADS: str(max(1, cores // workers)), **os.environ, **own}


def _cards() -> list[str]:
    """Graphics cards that trainers may compute on, as CUDA is told of them."""
    if _CARDS in os.environ:
        return [each.strip() for each in os.environ[_CARDS].split(",") if each.strip()]
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]
    except pynvml.NVMLError:
        return []
