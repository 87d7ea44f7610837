"""Files that a run did not use, with the reasons: what the events say of them, each file once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from harmonic_core.run.records import Row
from harmonic_core.text import plain as escaped
from harmonic_tui.curves.series import is_number


class Refusal(NamedTuple):
    """One file, as the trainer named it: not fit to be shown as it stands."""

    name: str
    reason: str
    moment: float
    """Seconds since 1970; infinity where it is not told."""


def refusal(event: Row) -> Refusal:
    """What an event of the kind `refused` says."""
    message, title, moment = event.get("message"), event.get("title"), event.get("time")
    said = message if isinstance(message, str) else ""
    name, _, reason = said.partition(": ")
    if isinstance(title, str) and title:
        # The message has the title as it is safe to show, which may be shorter or longer.
        prefix = next((f"{each}: " for each in (title, escaped(title)) if said.startswith(f"{each}: ")), f"{name}: ")
        name, reason = title, said.removeprefix(prefix)
    return Refusal(name, reason, float(moment) if is_number(moment) else math.inf)


class Refusals:
    """All refused files of the run's present start, the newest last.

    A run that is continued or begun anew in its directory looks at the same files again; what was said of them before
    no longer counts.

    Attributes
    ----------
    changes
        How often the list changed.
    """

    def __init__(self) -> None:
        self._all: dict[str, Refusal] = {}
        self._listed: list[Refusal] = []
        self._since = -math.inf
        self.changes = 0

    def __len__(self) -> int:
        return len(self._listed)

    def __getitem__(self, index: int) -> Refusal:
        return self._listed[index]

    def begin(self, started_at: float) -> None:
        """Count only what was said from `started_at` (seconds since 1970) on."""
        if started_at != self._since:
            self._since = started_at
            self._list()

    def read(self, events: Iterable[Row], *, restarted: bool) -> bool:
        """Add what new events say; whether the list changed. After a restart the events before no longer count."""
        if restarted:
            self._all.clear()
        found = [refusal(event) for event in events if event.get("kind") == "refused"]
        for each in found:
            self._all[each.name] = each
        if found or restarted:
            self._list()
        return bool(found) or restarted

    def _list(self) -> None:
        self.changes += 1
        self._listed = [each for each in self._all.values() if each.moment >= self._since]
