"""The processes that decode, seen from the one that needs them: started, given work, watched and replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe, wait
from types import TracebackType
from typing import Self

from harmonic_core.data.cache import Entry
from harmonic_core.data.jobs import Alive, Busy, Done, Job, Message
from harmonic_core.errors import DiskError, HarmonicError
from harmonic_core.text import plain

SLOWEST_READ = 10_000_000
"""Bytes a second at which a file is read at least; before it is decoded, it is read once without a word."""

_LEAVE_S = 1.0


class Worker:
    """One process that decodes one sound after another.

    Attributes
    ----------
    number
        Of the job in work; None when idle.
    usable
        Whether it can be given another one.
    """

    def __init__(self) -> None:
        self.pipe, theirs = Pipe()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harmonic_core.data.worker", str(theirs.fileno()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            pass_fds=[theirs.fileno()],
            # Ctrl-C in the terminal is for the parent to answer.
            start_new_session=True,
            env={
                **os.environ,
                # Imports what this process would, and computes on one core: there is a worker for each.
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
            },
        )
        theirs.close()
        self.number: int | None = None
        self.usable = True
        self._deadline = 0.0
        self._heard = False

    def give(self, number: int, job: Job, patience_s: float) -> None:
        """Send a job to an idle worker, and expect the first word within `patience_s`."""
        self.number = number
        self._deadline = time.monotonic() + patience_s
        with suppress(ConnectionError):  # it is dead, and will be found so
            self.pipe.send(job)

    def hear(self, patience_s: float) -> Message:
        """Take the next message of a worker that has one, or that died.

        Raises
        ------
        HarmonicError
            If it could not even start.
        """
        try:
            message: Message = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.usable = False
            return self._post_mortem()
        self._heard = True
        self._deadline = time.monotonic() + patience_s
        return message

    def is_late(self) -> bool:
        """Whether a word is overdue."""
        return self.number is not None and time.monotonic() > self._deadline

    def end(self) -> None:
        """Kill it; what it has half-written is worthless and known to be."""
        self.pipe.close()
        self.process.kill()
        # One that hangs in the kernel, on a network disk, dies when it comes out of it.
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_LEAVE_S)
        self._said.close()

    def _post_mortem(self) -> Message:
        try:
            status = self.process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            return refusal("the decoder closed its pipe")
        if status < 0:
            return refusal(f"the decoder crashed ({_signal_name(-status)})")
        if not self._heard:
            self._said.seek(0)
            words = self._said.read().decode(errors="replace").strip().splitlines()
            raise HarmonicError(f"the decoder does not start: {plain(words[-1]) if words else f'status {status}'}")
        return refusal(f"the decoder ended with status {status}")


class Crew:
    """A number of workers, started as they are needed.

    Parameters
    ----------
    size
        Most workers.
    patience_s
        Seconds after which a worker that says nothing is killed.
    """

    def __init__(self, size: int, patience_s: float) -> None:
        self._size = size
        self._patience_s = patience_s
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()

    @property
    def working(self) -> int:
        """Workers that have a job."""
        return sum(worker.number is not None for worker in self._workers)

    @property
    def has_room(self) -> bool:
        """Whether another job can be given."""
        return self.working < self._size

    def give(self, number: int, job: Job, size: int) -> None:
        """Give the job of this number, a sound of `size` bytes, to an idle worker."""
        worker = next((each for each in self._workers if each.number is None), None)
        if worker is not None and worker.process.poll() is not None:
            # It was killed while it had nothing to do, which is no fault of the next sound.
            self._workers.remove(worker)
            worker.end()
            worker = None
        if worker is None:
            worker = Worker()
            self._workers.append(worker)
        worker.give(number, job, self._patience_s + size / SLOWEST_READ)

    def hear(self, timeout_s: float) -> Sequence[tuple[int, Done | Busy]]:
        """Answers that came in, at most `timeout_s` after they are asked for; a worker that died or hangs is replaced.

        Raises
        ------
        DiskError
            If a worker cannot write to the cache.
        HarmonicError
            If a worker cannot start.
        """
        ready = wait([each.pipe for each in self._workers if each.number is not None], timeout_s)
        answers: list[tuple[int, Done | Busy]] = []
        for worker in self._workers:
            if worker.number is None:
                continue
            if worker.pipe in ready:
                message = worker.hear(self._patience_s)
            elif worker.is_late():
                message = refusal(f"no progress for {self._patience_s:g} s")
                worker.usable = False
            else:
                continue
            if isinstance(message, DiskError):
                raise message
            if not isinstance(message, Alive):
                answers.append((worker.number, message))
                worker.number = None
        for worker in [each for each in self._workers if not each.usable]:
            worker.end()
            self._workers.remove(worker)
        return answers


def refusal(reason: str) -> Done:
    """Answer that a sound cannot be decoded, for a reason that may not hold the next time."""
    return Done(Entry("", reason=reason), from_cache=False)


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
