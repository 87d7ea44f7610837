"""What the player says, and who hears it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable


@dataclass(frozen=True)
class Heard:
    """What the player has to say.

    A sound `started`, `finished` or `failed`, another `route` is in use, or something else `changed`: paused or not,
    position, volume, loop, what can be said of a route.
    """

    event: Literal["route", "started", "finished", "failed", "changed"]
    path: Path | None = None
    reason: str = ""
    copy: str = ""
    """What whoever sits there can use instead, for the clipboard."""


@runtime_checkable
class Listening(Protocol):
    """A screen that shows what the player says."""

    def hear(self, heard: Heard) -> None:
        """Show it."""
