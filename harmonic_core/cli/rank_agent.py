"""One machine's part of a run on several ranks: torch's elastic agent, taught when to stop and to start again."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SubprocessContext
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure
from torch.distributed.elastic.rendezvous import RendezvousParameters
from torch.distributed.elastic.rendezvous.registry import get_rendezvous_handler

from harmonic_core.errors import ExitCode

if TYPE_CHECKING:
    from harmonic_core.cli.ranks import Meeting

_WAIT_FOR_OTHERS_S = 600
_WAIT_FOR_RANKS_S = 30
_OWN_WORDS = frozenset({ExitCode.USAGE, ExitCode.DIVERGED, ExitCode.OUT_OF_MEMORY, ExitCode.DISK})
"""What a rank ends with when it knows why, so that starting it again would only repeat it."""


class _Stopped(Exception):  # noqa: N818 - nothing went wrong
    """A signal asks to stop."""


class RankAgent(LocalElasticAgent):
    """Starts this machine's ranks, watches them, and starts all ranks again where that may help.

    Meant for a thread of its own: meeting other machines may block for minutes, and signals must be heard all the time.

    Parameters
    ----------
    command
        Arguments of Python for each rank.
    nproc
        Ranks of this machine.
    meeting
        Where the machines of the run find each other. This one goes there at once.
    max_restarts
        Times that all ranks are started again after one of them died.
    received
        Gives the signal that asks to stop, once there was one.
    say
        Prints a line for people.

    Raises
    ------
    RendezvousError
        If nobody answers there for ten minutes.
    """

    def __init__(
        self,
        command: list[str],
        nproc: int,
        meeting: Meeting,
        max_restarts: int,
        received: Callable[[], signal.Signals | None],
        say: Callable[[str], None],
    ) -> None:
        self._received, self._say = received, say
        patience = os.environ.get("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "")
        self._patience_s = int(patience) if patience.isdecimal() else _WAIT_FOR_RANKS_S
        self._starting, self._ranks_are_up, self._killing = threading.Lock(), False, False
        spec = WorkerSpec(
            role="rank",
            local_world_size=nproc,
            entrypoint=sys.executable,
            # torch would put the rank's number for ${local_rank}.
            args=tuple(argument.replace("$", "$$") for argument in command),
            rdzv_handler=get_rendezvous_handler(_in_words_of_torch(meeting)),
            max_restarts=max_restarts,
        )
        super().__init__(spec, DefaultLogsSpecs(log_dir=os.devnull))

    def work(self) -> Mapping[int, ProcessFailure]:
        """Start the ranks and stay until the last one of this machine has ended.

        Returns
        -------
        mapping of int to ProcessFailure
            The ranks that did not end well; empty when all did. After a signal, those that could not save.

        Raises
        ------
        RendezvousError
            If the other machines do not come within ten minutes.
        """
        try:
            result = self.run()
        except _Stopped:
            return self._not_stopped_well()
        self.get_worker_group().spec.rdzv_handler.shutdown()
        return result.failures if result else {}

    def is_idle(self) -> bool:
        """Tell whether no rank runs. If so after a signal, none will be started any more."""
        with self._starting:
            return not self._ranks_are_up

    def kill(self) -> None:
        """End all ranks at once."""
        self._killing = True
        if self._pcontext:
            self._pcontext.close(signal.SIGKILL)

    def _rendezvous(self, worker_group: WorkerGroup) -> None:
        self._stop_if_asked()
        self._ranks_are_up = False
        super()._rendezvous(worker_group)

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, Any]:
        with self._starting:
            self._stop_if_asked()
            self._ranks_are_up = True
        started: dict[int, Any] = super()._start_workers(worker_group)
        return started

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        self._stop_if_asked()
        result: RunResult = super()._monitor_workers(worker_group)
        if result.is_failed():
            self._stop_if_asked()
            self._decide_on_restart(*first_failure(result.failures))
        self._ranks_are_up = result.state == WorkerState.HEALTHY
        return result

    def _shutdown(self, death_sig: signal.Signals = signal.SIGTERM, timeout: int = 0) -> None:
        if self._pcontext:
            sent = signal.SIGKILL if self._killing else self._received() or death_sig
            self._pcontext.close(sent, timeout=self._patience_s)

    def _stop_if_asked(self) -> None:
        if self._received():
            raise _Stopped

    def _not_stopped_well(self) -> dict[int, ProcessFailure]:
        if not isinstance(self._pcontext, SubprocessContext):
            return {}
        ends = {
            self.get_worker_group().workers[local_rank].global_rank: (local_rank, handler.proc)
            for local_rank, handler in self._pcontext.subprocess_handlers.items()
        }
        return {
            rank: ProcessFailure(local_rank, process.pid, process.returncode, os.devnull)
            for rank, (local_rank, process) in ends.items()
            if process.returncode in _OWN_WORDS
        }

    def _decide_on_restart(self, rank: int, failure: ProcessFailure) -> None:
        if failure.exitcode > 0 and failure.exitcode != ExitCode.FAILURE:
            self._remaining_restarts = 0
        if self._remaining_restarts:
            all_restarts = self.get_worker_group().spec.max_restarts
            number = all_restarts - self._remaining_restarts + 1
            self._say(f"{how_it_ended(rank, failure)}; all ranks start again, {number} of {all_restarts} times")


def first_failure(failures: Mapping[int, ProcessFailure]) -> tuple[int, ProcessFailure]:
    """Find the rank that failed by itself; the others failed because it was gone.

    One that ended with a code of its own comes first, then the earliest, then one that was killed.
    """

    def order(item: tuple[int, ProcessFailure]) -> tuple[bool, int, bool]:
        return item[1].exitcode not in _OWN_WORDS, item[1].timestamp, item[1].exitcode >= 0

    return min(failures.items(), key=order)


def how_it_ended(rank: int, failure: ProcessFailure) -> str:
    """Say of a rank that failed what it died of, and where."""
    place = f"rank {rank} (process {failure.pid} on {socket.gethostname()})"
    if failure.exitcode >= 0:
        return f"{place} ended with exit status {failure.exitcode}"
    try:
        name = signal.Signals(-failure.exitcode).name
    except ValueError:
        name = f"signal {-failure.exitcode}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"{place} was killed by {name}{hint}"


def _in_words_of_torch(meeting: Meeting) -> RendezvousParameters:
    fixed = meeting.node_rank is not None
    host = f"[{meeting.host}]" if ":" in meeting.host else meeting.host
    waiting: dict[str, Any] = {
        "timeout" if fixed else "join_timeout": _WAIT_FOR_OTHERS_S,
        "read_timeout": _WAIT_FOR_OTHERS_S,
    }
    return RendezvousParameters(
        backend="static" if fixed else "c10d",
        endpoint=f"{host}:{meeting.port}",
        run_id=meeting.job or str(uuid4()),
        min_nodes=meeting.fewest,
        max_nodes=meeting.most,
        # A machine need not know its own name, as in a container.
        local_addr="localhost" if meeting.most == 1 else None,
        **waiting,
        **({"rank": meeting.node_rank} if fixed else {}),
    )
