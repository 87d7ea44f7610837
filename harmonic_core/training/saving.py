"""Writing what must not be lost: where there is no room, the run waits for it."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

from harmonic_core.run.atomic import free_bytes, lacks_room
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.words import duration, size
from harmonic_core.training.distributed import Team
from harmonic_core.training.journal import Journal
from harmonic_core.training.orders import Orders

_TRY_AGAIN_S = 5.0
_LIMITS = {errno.EFBIG: "files here may not be that large (`ulimit -f`)", errno.EDQUOT: "and the quota is used up"}
_LITTLE = 2**20
"""Bytes for some rows of figures."""


class PatientWriter:
    """Writes on the first rank, and has all ranks wait together while there is no room.

    Parameters
    ----------
    run
        Where to.
    journal
        Says that the run waits, and for what.
    orders
        Who waits can still be told to end.
    team
        The ranks.
    """

    def __init__(self, run: RunDirectory, journal: Journal, orders: Orders, team: Team) -> None:
        self._run, self._journal, self._orders, self._team = run, journal, orders, team
        self.waited_s = 0.0

    def insist(self, write: Callable[[], object], what: str, needed: int) -> bool:
        """Do `write` until there was room for it.

        Parameters
        ----------
        write
            Leaves nothing behind where it raises.
        what
            What it writes, for people.
        needed
            Bytes that it needs.

        Returns
        -------
        bool
            False where the run was told to end while it waited.

        Raises
        ------
        OSError
            If it fails for another reason than room.
        """
        began = None
        while why := self._lacks_room(write):
            if self._orders.end:
                return False
            if began is None:
                began = time.monotonic()
                self._pause(what, needed, why)
            self._wait(needed)
        if began is not None:
            self.waited_s += time.monotonic() - began
            self._journal.update(state="training", why="", message="")
            self._journal.event("disk", f"there is room again; going on after {duration(time.monotonic() - began)}")
        return True

    def wait_for_rows(self) -> bool:
        """Wait until rows and events that found no room are written; False where the run was told to end."""
        return self.insist(self._journal.insist_on_rows, "rows of figures", _LITTLE)

    def _lacks_room(self, write: Callable[[], object]) -> int:
        """Try to write; 0 where there was room, else the number of the error."""
        lacking = 0
        if self._team.is_first:
            try:
                write()
            except OSError as error:
                if not lacks_room(error):
                    raise
                lacking = error.errno or errno.ENOSPC
        return self._team.most([lacking])[0]

    def _pause(self, what: str, needed: int, why: int) -> None:
        path = self._run.path
        # The free space says nothing of a limit on the size of files, or of a quota.
        state = f"{size(free_bytes(path))} free" if why == errno.ENOSPC else _LIMITS[why]
        message = (
            f"disk full: {size(needed)} needed in {path} for {what}, {state}; goes on by itself when there is room"
        )
        self._journal.update(state="paused", why="disk full", message=message, eta_s=None)
        self._journal.event("disk", message)
        self._journal.log(f"paused: {message}")

    def _wait(self, needed: int) -> None:
        began = time.monotonic()
        room = False
        while not (room or self._orders.end):
            self._orders.wait()
            # A quota or a limit of files does not show in the free space: then only trying tells.
            enough = free_bytes(self._run.path) >= needed or time.monotonic() - began > _TRY_AGAIN_S
            room = bool(self._team.most([self._team.is_first and enough])[0])
