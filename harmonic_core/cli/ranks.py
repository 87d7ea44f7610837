"""`harmonic train --nproc 2`: several ranks on one machine or many, started by torch's elastic launcher."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harmonic_core.errors import ExitCode, ProfileError, RunError
from harmonic_core.text import plain
from harmonic_core.training.signals import StopSignals

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

_DEFAULT_PORT = 29400
_MOST_RANKS = 1024
_LOOK_FOR_SIGNALS_S = 0.1
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Meeting:
    """Where the launchers of a run find each other.

    Attributes
    ----------
    fewest, most
        Machines without which the run does not start, and with which it waits for no more.
    host, port
        Of the machine where they meet; port 0 for a single machine, which takes a free one.
    job
        What tells this run from others that meet at the same place.
    node_rank
        Number of this machine, 0 for the one at `host`; None where that may come out by itself.
    """

    fewest: int = 1
    most: int = 1
    host: str = "localhost"
    port: int = 0
    job: str = ""
    node_rank: int | None = None


def started_by_launcher() -> bool:
    """Tell whether this process is one of several ranks, started by `launch`, by torchrun or by anything like it."""
    return "TORCHELASTIC_RUN_ID" in os.environ or {"RANK", "WORLD_SIZE"} <= os.environ.keys()


def leave_with_launcher() -> None:
    """Ask the kernel for SIGTERM when the launcher dies, so that a rank saves its work and ends with it (Linux).

    Launchers start their ranks in sessions of their own: kill -9 on the launcher would leave them running for good.
    """
    if sys.platform == "linux" and "TORCHELASTIC_RUN_ID" in os.environ:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def launch(
    arguments: list[str],
    *,
    nproc: str,
    nnodes: str | None,
    rdzv_endpoint: str | None,
    rdzv_id: str | None,
    node_rank: int | None,
    max_restarts: int,
) -> int:
    """Run `harmonic train ARGUMENTS` on every rank and wait for all ranks of this machine.

    SIGTERM, SIGINT and SIGHUP are passed on; the ranks then save and leave. A second SIGINT kills them.

    Parameters
    ----------
    arguments
        What follows `harmonic train`, without the options of the launcher; with `--output-dir=RUN`.
    nproc
        Ranks on this machine: a number, `gpu` (one for each), `cpu` (one for each core) or `auto` (`gpu` where there
        is one, else `cpu`).
    nnodes
        Machines, or `FEWEST:MOST` of them. None: only this one.
    rdzv_endpoint
        `HOST[:PORT]` where the machines meet, port 29400 unless given; one of them is HOST.
    rdzv_id
        Name of the job, the same on all machines.
    node_rank
        Number of this machine from 0, the machine at `rdzv_endpoint`; None: it is found out.
    max_restarts
        Times that all ranks are started again after one of them died.

    Returns
    -------
    int
        0, the signal's exit code, or what the first rank that failed ended with.

    Raises
    ------
    ProfileError
        If the options contradict each other or this machine.
    RunError
        If a rank was killed, or the other machines cannot be met.
    """
    meeting = _meeting(nnodes, rdzv_endpoint, rdzv_id, node_rank)
    if max_restarts < 0:
        raise ProfileError(f"--max-restarts {max_restarts}: 0 or more")
    _insist_on_ranks(nproc)
    with StopSignals() as signals:
        try:
            failures = _run_ranks(arguments, nproc, meeting, max_restarts, signals)
        except KeyboardInterrupt:
            failures = {}
        if failures or not signals.received:
            return _exit_code(failures, arguments)
    if signals.received == signal.SIGINT:
        # Nothing is left but to end, and a third Ctrl+C must not spoil the exit code.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return signals.exit_code


def _run_ranks(
    arguments: list[str], nproc: str, meeting: Meeting, max_restarts: int, signals: StopSignals
) -> Mapping[int, ProcessFailure]:
    """Work through the whole life of the ranks, and give those that did not end well."""
    # Warnings of torch's own library of C++ about ranks that are gone: the launcher says it once, in words.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

    from torch.distributed import DistError
    from torch.distributed.elastic.rendezvous import RendezvousError

    from harmonic_core.cli.rank_agent import RankAgent

    _quieten()
    ranks = _count(nproc)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // ranks)))
    if meeting.most > 1:
        _say(f"meeting the other machines at {meeting.host}:{meeting.port}")
    command = ["-u", "-m", "harmonic_core", "train", *arguments]
    agent: RankAgent | None = None
    failures: Mapping[int, ProcessFailure] = {}
    error: BaseException | None = None
    # Not the thread's own join: interrupted by an exception, that takes the thread for ended.
    done = threading.Event()

    def work() -> None:
        nonlocal agent, failures, error
        try:
            agent = RankAgent(command, ranks, meeting, max_restarts, lambda: signals.received, _say)
            failures = agent.work()
        except BaseException as problem:  # noqa: BLE001 - raised again where it is waited for
            error = problem
        done.set()

    threading.Thread(target=work, name="ranks", daemon=True).start()
    try:
        while not done.wait(_LOOK_FOR_SIGNALS_S) and not (signals.received and (agent is None or agent.is_idle())):
            pass
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while agent and not done.wait(_LOOK_FOR_SIGNALS_S):
            agent.kill()
        raise
    if isinstance(error, RendezvousError | DistError):
        reason = plain(str(error.__cause__ or error).partition("\n")[0])
        raise RunError(
            f"{meeting.host}:{meeting.port}: the machines of this run could not meet here: {reason}; start the same "
            "command on each of them, with the name or address of one of them as `--rdzv-endpoint`"
        ) from error
    if error:
        raise error
    return failures


def _exit_code(failures: Mapping[int, ProcessFailure], arguments: list[str]) -> int:
    if not failures:
        return ExitCode.OK
    from harmonic_core.cli.rank_agent import first_failure, how_it_ended

    rank, failure = first_failure(failures)
    if failure.exitcode > 0:  # the rank has said why
        return failure.exitcode
    named = [argument.partition("=")[2] for argument in arguments if argument.startswith("--output-dir=")]
    run = plain(named[-1]) if named else "RUN"
    raise RunError(f"{how_it_ended(rank, failure)}; `harmonic train --resume-from {run}` continues")


def _meeting(nnodes: str | None, endpoint: str | None, job: str | None, node_rank: int | None) -> Meeting:
    bounds = re.fullmatch(r"([1-9][0-9]{0,3})(?::([1-9][0-9]{0,3}))?", nnodes or "1", re.ASCII)
    fewest, most = (int(bounds[1]), int(bounds[2] or bounds[1])) if bounds else (1, 0)
    if fewest > most:
        raise ProfileError(f"--nnodes {plain(nnodes or '')}: a number of machines, such as 2, or a range, such as 1:4")
    if most == 1 and not endpoint:
        if node_rank:
            raise ProfileError(f"--node-rank {node_rank}: with one machine there is only 0; say `--nnodes` too")
        return Meeting()
    if not endpoint:
        raise ProfileError(
            f"--nnodes {nnodes}: say where the machines meet, the same on all of them: "
            "`--rdzv-endpoint HOST:29400`, HOST being one of them"
        )
    place = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", endpoint, re.ASCII)
    port = int(place[2]) if place and place[2] else _DEFAULT_PORT
    if not (place and 0 < port < 1 << 16):
        raise ProfileError(f"--rdzv-endpoint {plain(endpoint)}: HOST or HOST:PORT, such as node1:{_DEFAULT_PORT}")
    if node_rank is not None and (fewest != most or not 0 <= node_rank < most):
        raise ProfileError(
            f"--node-rank {node_rank}: from 0 to {most - 1}, and only with a fixed `--nnodes`; "
            "leave it out and the machines number themselves"
        )
    # Whoever meets at one place works on one run, unless something else is said.
    return Meeting(fewest, most, place[1].strip("[]"), port, job or "harmonic", node_rank)


def _insist_on_ranks(nproc: str) -> None:
    if nproc not in {"auto", "cpu", "gpu"} and not (
        nproc.isascii() and nproc.isdecimal() and len(nproc) < 6 and 1 <= int(nproc) <= _MOST_RANKS
    ):
        raise ProfileError(f"--nproc {plain(nproc)}: a number from 1 to {_MOST_RANKS}, or gpu, cpu or auto")


def _count(nproc: str) -> int:
    from torch.distributed.run import determine_local_world_size

    try:
        return int(determine_local_world_size(nproc))
    except ValueError as error:
        raise ProfileError(f"--nproc {nproc}: no CUDA device is visible; `harmonic doctor` tells what is") from error


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quieten() -> None:
    """Keep the launcher's log off the terminal, unless somebody looks for something in it."""
    if {"LOGLEVEL", "TORCH_LOGS"} & os.environ.keys():
        return
    log = logging.getLogger("torch.distributed")
    log.handlers = [logging.NullHandler()]
    log.propagate = False


def _say(line: str) -> None:
    print(f"harmonic: {line}", file=sys.stderr, flush=True)
