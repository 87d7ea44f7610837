"""All runs as they look from here: read again only where a file changed, put in order, found by words."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harmonic_core.run.directory import RunDirectory, list_runs
from harmonic_tui.curves.sparks import validation_errors

if TYPE_CHECKING:
    from harmonic_core.run.status import Status
    from harmonic_tui.wording import ShownState

Order = Literal["newest", "best", "name", "state"]
ORDERS: tuple[Order, ...] = ("newest", "best", "name", "state")

_STATES = ("training", "preparing", "starting", "paused", "lost", "failed", "diverged", "stopped", "finished")
_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class RunSeen:
    """A run in the list."""

    run: RunDirectory
    state: ShownState
    status: Status | None
    """What it told, its heartbeat apart, which would change the list every second."""

    @property
    def best_db(self) -> float:
        """Best validation error; infinite where there is none."""
        return self.status.best.val_recon_db if self.status and self.status.best else math.inf

    def matches(self, words: Sequence[str]) -> bool:
        """Whether all `words`, in lower case, are in its name, its profile or its state."""
        told = f"{self.run.name} {self.state} {self.status.profile if self.status else ''}".lower()
        return all(word in told for word in words)


class RunsSeen:
    """Looks at all runs below the current folder. To be used from one thread at a time."""

    def __init__(self) -> None:
        self._statuses: dict[Path, tuple[_Stamp | None, Status | None]] = {}
        self._curves: dict[Path, tuple[_Stamp | None, tuple[float, ...]]] = {}

    def look(self, now: float) -> list[RunSeen]:
        """Every run, the most recently touched first."""
        runs = list_runs()
        paths = {run.path for run in runs}
        for kept in (self._statuses, self._curves):
            for gone in kept.keys() - paths:
                del kept[gone]
        return [self._seen(run, now) for run in runs]

    def curves(self, runs: Sequence[RunDirectory]) -> dict[Path, tuple[float, ...]]:
        """Validation error over the epochs of some runs, by their path."""
        for run in runs:
            stamp, known = _stamp(run.metrics), self._curves.get(run.path)
            if known is None or known[0] != stamp:
                self._curves[run.path] = stamp, validation_errors(run.metrics)
        return {run.path: self._curves[run.path][1] for run in runs}

    def _seen(self, run: RunDirectory, now: float) -> RunSeen:
        from harmonic_core.run.status import read_status, seen_state

        stamp, known = _stamp(run.status), self._statuses.get(run.path)
        if known is None or known[0] != stamp or stamp is None:
            known = self._statuses[run.path] = stamp, read_status(run.status)
        status = known[1]
        if status is None:
            return RunSeen(run, "starting" if stamp is None else "unreadable", None)
        told = status.model_copy(update={"heartbeat": status.started_at})
        return RunSeen(run, seen_state(status, now), told)


def ordered(runs: Sequence[RunSeen], order: Order) -> list[RunSeen]:
    """Runs in an order; within the same state, or without a figure, the newest first as they come."""
    keys: dict[Order, Callable[[RunSeen], object]] = {
        "best": lambda seen: seen.best_db,
        "name": lambda seen: seen.run.name.lower(),
        "state": lambda seen: _STATES.index(seen.state) if seen.state in _STATES else len(_STATES),
    }
    return sorted(runs, key=keys[order]) if order in keys else list(runs)  # type: ignore[arg-type]


def _stamp(path: Path) -> _Stamp | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - hundreds of them
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
