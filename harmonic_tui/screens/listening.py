"""What screens have in common on which one listens: play, pause, seek, loop, volume, and where the sound is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_tui.screens.not_played import forget_not_played, say_not_played
from harmonic_tui.screens.run_screen import RunScreen

if TYPE_CHECKING:
    from textual.timer import Timer

    from harmonic_tui.sound.player import Heard

_TICK_S = 0.25
"""How often the line that shows where the sound is may move."""
_SLOWER = 4
"""How much less often on a slow link."""
_LEAST_SEEK_S = 0.25
_STEPS_OF_A_SOUND = 20
_VOLUME_STEP = 0.1


class ListeningScreen(RunScreen):
    """A screen with one sound at a time that can be heard."""

    _ticking: Timer | None = None
    _ticks = 0

    def to_hear(self) -> tuple[Path, str] | None:
        """File and title of what space plays; None where there is nothing."""
        raise NotImplementedError

    def show_sounding(self) -> None:
        """Show what the player does now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Find out where sound goes."""
        self._ticking = self.set_interval(_TICK_S, self._tick, pause=True)
        self.call_after_refresh(self.app.open_sound)

    def on_screen_resume(self) -> None:
        """What sounds may have changed."""
        self._follow_sound()

    def on_screen_suspend(self) -> None:
        """What could not be heard here is of no use elsewhere."""
        forget_not_played(self.app)

    def hear(self, heard: Heard) -> None:
        """Show what the player says."""
        if heard.event == "failed":
            say_not_played(self.app, heard)
        self._follow_sound()

    @property
    def sounds_here(self) -> bool:
        """Whether what is shown is what sounds, or is paused."""
        wanted = self.to_hear()
        return wanted is not None and self.app.player.playing == wanted[0]

    def play(self, *, keep_position: bool = False, at_s: float | None = None) -> None:
        """Play what is shown, from its start, from where the sound before is, or from a moment."""
        wanted = self.to_hear()
        if wanted is None:
            self.notify("There is nothing to play yet. Samples come with every checkpoint, or at once with s.")
            return
        self.app.run_worker(self._play(*wanted, keep_position, at_s), group="play")

    async def _play(self, path: Path, title: str, keep_position: bool, at_s: float | None) -> None:
        await self.app.player.play(path, keep_position=keep_position, title=title)
        if at_s is not None and self.app.player.playing == path:
            self.app.player.seek(at_s)
        self._follow_sound()

    def action_play(self) -> None:
        """Play what is shown; while it sounds, pause; while it pauses, go on."""
        player = self.app.player
        if not self.sounds_here:
            self.play()
        elif player.paused:
            player.resume()
        else:
            player.pause()
        self._follow_sound()

    def action_seek(self, steps: int) -> None:
        """Go back or on by a part of the sound."""
        player = self.app.player
        if not self.sounds_here:
            return
        length = player.duration_s or 0.0
        by = max(_LEAST_SEEK_S, length / _STEPS_OF_A_SOUND)
        # The very end would be the end of it.
        latest = max(0.0, length - 0.05) if length else math.inf
        player.seek(max(0.0, min(latest, player.position_s + steps * by)))
        self._follow_sound()

    def action_loop(self) -> None:
        """Begin again at the end, or not."""
        self.app.player.set_loop(not self.app.player.loop)
        self._follow_sound()

    def action_volume(self, steps: int) -> None:
        """Louder or quieter."""
        player = self.app.player
        player.set_volume(max(0.0, min(1.0, round(player.volume + steps * _VOLUME_STEP, 2))))
        self._follow_sound()

    def _tick(self) -> None:
        self._ticks += 1
        if self.is_current and (not self.app.low_bandwidth or self._ticks % _SLOWER == 0):
            self.show_sounding()

    def _follow_sound(self) -> None:
        player = self.app.player
        if self._ticking is not None:
            if player.playing is not None and not player.paused:
                self._ticking.resume()
            else:
                self._ticking.pause()
        if self.is_mounted and self.is_current:
            self.show_sounding()
