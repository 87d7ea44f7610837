"""What sounds, where in it one is, and how: the state that an output brings to ears."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Order = Literal["play", "pause", "resume", "seek", "volume", "loop", "stop"]


@dataclass
class Transport:
    """One sound at a time.

    Attributes
    ----------
    cue
        Number of the order to play; what an output says of another one is out of date.
    path, title
        The file that sounds, and what it is called; None while there is silence.
    duration_s
        Its length, once it is known.
    paused, loop, volume
        Whether it holds on, whether it begins again at the end, and how loud it is, from 0 to 1.
    """

    cue: int = 0
    path: Path | None = None
    title: str = ""
    duration_s: float | None = None
    paused: bool = False
    loop: bool = False
    volume: float = 1.0
    _place_s: float = 0.0
    _since: float | None = None

    @property
    def moving(self) -> bool:
        """Whether the place in the sound goes on by the clock, as it does once something is heard."""
        return self._since is not None

    @property
    def position_s(self) -> float:
        """Time in the sound, taken further by the clock from where the output last said it was."""
        place = self._place_s
        if self._since is not None:
            place += time.monotonic() - self._since
        if not self.duration_s:
            return place
        return place % self.duration_s if self.loop and place > self.duration_s else min(place, self.duration_s)

    def put(self, place_s: float, *, moving: bool) -> None:
        """Say where in the sound one is, and whether it goes on from there."""
        self._place_s = max(0.0, place_s)
        self._since = time.monotonic() if moving else None

    def hold(self) -> None:
        """Stand still where one is."""
        self.put(self.position_s, moving=False)

    def clear(self) -> None:
        """Nothing sounds."""
        self.path, self.title, self.duration_s, self.paused = None, "", None, False
        self.put(0.0, moving=False)


class Output(Protocol):
    """Something that brings a transport's sound to ears.

    It says what comes of it in replies, `{"event": "started", "cue": 1, "duration": 3.0, "position": 0.0}`, `position`,
    `paused`, `finished` and `failed` with a `reason`.
    """

    @property
    def is_ready(self) -> bool:
        """Whether what is played now is heard."""

    def obey(self, order: Order, transport: Transport, *, keep_position: bool = False) -> None:
        """Do what the transport says; `order` is what has changed in it.

        Parameters
        ----------
        order
            What to do.
        transport
            How things are to be from now on.
        keep_position
            Whether a new sound begins exactly where the old one is, rather than at the transport's position.
        """


Reply = dict[str, Any]
