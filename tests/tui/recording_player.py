"""A player that is heard by nobody, and that remembers what it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harmonic_tui.sound.player import Heard


class Recorder:
    """A player that writes down what it is asked for, and whose time stands still."""

    def __init__(self, report: Callable[[Heard], None]) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.route = "a recorder"
        self.playing: Path | None = None
        self.paused, self.loop = False, False
        self.volume, self.position_s = 1.0, 0.0
        self.duration_s: float | None = None
        self._report = report

    async def open(self) -> None:
        """Find a route."""
        self._report(Heard("route"))

    async def close(self) -> None:
        """Let go of it."""
        self.playing = None

    async def play(self, path: Path, *, keep_position: bool = False, title: str = "") -> None:
        """Play."""
        self.asked.append(("play", path.name, int(path.parent.name[5:]), keep_position))
        self.position_s = self.position_s if keep_position else 0.0
        self.playing, self.paused, self.duration_s = path, False, 0.4
        self._report(Heard("started", path))

    def pause(self) -> None:
        """Hold on."""
        self.asked.append(("pause",))
        self.paused = True

    def resume(self) -> None:
        """Go on."""
        self.asked.append(("resume",))
        self.paused = False

    def seek(self, position_s: float) -> None:
        """Go elsewhere."""
        self.asked.append(("seek", round(position_s, 2)))
        self.position_s = position_s

    def set_volume(self, volume: float) -> None:
        """Louder or quieter."""
        self.volume = volume

    def set_loop(self, loop: bool) -> None:
        """Again, or not."""
        self.loop = loop

    def stop(self) -> None:
        """Fall silent."""
        self.playing = None

    def come_to_the_end(self) -> None:
        """Let the sound be over."""
        path, self.playing = self.playing, None
        self._report(Heard("finished", path))
