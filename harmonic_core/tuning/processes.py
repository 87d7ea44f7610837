"""Processes that a study hangs on: whether one is still there, ending it, and being asked to end oneself."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import psutil

from harmonic_core.run.status import Status, is_alive

_PATIENCE_S = 60.0
"""A trainer that is told to stop ends its step and writes a checkpoint; it is killed only if that never happens."""


def is_gone(identity: Mapping[str, Any]) -> bool:
    """Tell whether the process of `process_identity` no longer runs; of one on another host nothing is known: False."""
    return is_alive(Status(state="training", started_at=0, heartbeat=0, **identity)) is False


def end(identity: Mapping[str, Any]) -> None:
    """Ask a process of this host to stop, and wait until it has; nothing happens to one that is gone."""
    if is_gone(identity):
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(identity["pid"])
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def noted_signals() -> Iterator[list[signal.Signals]]:
    """Collect SIGINT, SIGTERM and SIGHUP for the length of a block instead of dying of them.

    A SIGHUP that is ignored already, as under `nohup`, stays ignored.
    """
    received: list[signal.Signals] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(signal.Signals(number))

    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in wanted}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
