"""What can be heard of the latent space: segments, ways between them, sliders, draws."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from harmonic_core.errors import HarmonicError
from harmonic_tui.plain import plain
from harmonic_tui.runs.explorer import Explorer, Terrain
from harmonic_tui.screens.not_played import forget_not_played, say_not_played
from harmonic_tui.screens.run_screen import RunScreen
from harmonic_tui.sound.player import Heard
from harmonic_tui.widgets.latent_lines import NowLine, WeightsLine
from harmonic_tui.widgets.latent_map import LatentMap
from harmonic_tui.widgets.latent_sliders import LatentSliders
from harmonic_tui.widgets.latent_sounds import ORIGINAL, RECONSTRUCTION, LatentSounds
from harmonic_tui.widgets.latent_ways import DrawPanel, End, WalkPanel

if TYPE_CHECKING:
    from harmonic_tui.runs.watched import WatchedRun

_LOOK_EVERY_S = 0.25


class LatentSoundScreen(RunScreen):
    """The half of the latent screen that asks for sounds and plays them.

    Attributes
    ----------
    explorer
        The process that makes them.
    terrain
        What it knows; None before it knows anything.
    label
        By which the map is lettered, and which says what the kind of a segment is.
    """

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self.explorer = Explorer(watched.run, self.tell_doing)
        self.terrain: Terrain | None = None
        self.label = ""
        self._sliding, self._slid = False, False
        self._clock: Timer | None = None

    @cached_property
    def sounds(self) -> LatentSounds:
        """What is heard here."""
        return LatentSounds(self.explorer, self.app.player)

    def on_mount(self) -> None:
        """Find out where sound goes."""
        self._clock = self.set_interval(_LOOK_EVERY_S, self.show_now, pause=True)
        self.query_one(NowLine).tell_route(self.app.player.route)
        self.call_after_refresh(self.app.open_sound)

    async def on_unmount(self) -> None:
        """End the explorer."""
        await self.explorer.close()

    def on_screen_suspend(self) -> None:
        """What could not be heard here is of no use elsewhere."""
        forget_not_played(self.app)

    def on_screen_resume(self) -> None:
        """Look again where the sound is."""
        self.show_now()

    def tell_doing(self, words: str) -> None:
        """Show what goes on; nothing with no words."""
        for line in self.query(WeightsLine):
            line.tell_doing(words)

    def show_chosen(self) -> None:
        """Name the segment that is chosen."""
        raise NotImplementedError

    def ask(self, asked: Coroutine[Any, Any, object]) -> None:
        """Have something done beside everything else; why it was not is said."""
        self.run_worker(self._told(asked), group="ask")

    async def _told(self, asked: Coroutine[Any, Any, object]) -> None:
        try:
            await asked
        except HarmonicError as error:
            self.notify(str(error), title="Not done", severity="warning", timeout=12, markup=False)
        finally:
            self.tell_doing("")
        self.show_now()

    def _is_open(self) -> bool:
        if self.terrain is None:
            self.notify("There is nothing to hear before the model is loaded.", markup=False)
        return self.terrain is not None

    def _has_points(self) -> bool:
        if self._is_open() and self.terrain and not self.terrain.points:
            self.notify("There is no music on the map; draws from the prior can be heard all the same.", markup=False)
        return bool(self.terrain and self.terrain.points)

    def play_segment(self) -> None:
        """Play the chosen segment."""
        if self._has_points() and self.terrain:
            point = self.query_one(LatentMap).chosen
            self.ask(self.sounds.segment(point, self.terrain.points[point].name))

    def action_play(self) -> None:
        """Hold on or go on; where nothing sounds, play what the panel stands for."""
        player = self.app.player
        if self.sounds.is_playing:
            player.resume() if player.paused else player.pause()
            return
        match self.focused:
            case LatentSliders():
                self.on_latent_sliders_wanted()
            case WalkPanel():
                self.action_walk()
            case DrawPanel():
                self.action_draw()
            case _:
                self.play_segment()

    def action_take(self) -> None:
        """Change between a segment's original and its reconstruction; while it sounds, go on with it."""
        self.sounds.take = ORIGINAL if self.sounds.take == RECONSTRUCTION else RECONSTRUCTION
        self.show_chosen()
        if self.sounds.is_segment_playing:
            self.play_segment()

    def action_end(self, which: str) -> None:
        """Begin or end the walk at the chosen segment."""
        if self._has_points() and self.terrain:
            point = self.query_one(LatentMap).chosen
            end = End(self.terrain.points[point].name, {"at": "point", "point": point}, point)
            self.query_one(WalkPanel).set_end(which, end)

    def action_mean(self, which: str) -> None:
        """Begin or end the walk at the mean of all segments of the same kind."""
        if not self._has_points() or self.terrain is None:
            return
        point = self.query_one(LatentMap).chosen
        value = self.terrain.labels[self.label][point]
        if not value:
            self.notify(f"The {self.label} of this segment is not known.", markup=False)
            return
        where = {"at": "mean", "label": self.label, "point": point}
        self.query_one(WalkPanel).set_end(which, End(f"mean of {plain(value, 30)}", where))

    def on_walk_panel_end_wanted(self, message: WalkPanel.EndWanted) -> None:
        """A click does as the key."""
        self.action_end(message.which)

    def on_walk_panel_changed(self) -> None:
        """Mark the ends on the map."""
        walk = self.query_one(WalkPanel)
        start, end = (end.point if end else None for end in (walk.start, walk.end))
        self.query_one(LatentMap).tell_way((start, end))

    def on_walk_panel_wanted(self) -> None:
        """Enter does as the key."""
        self.action_walk()

    def action_walk(self) -> None:
        """Hear the way."""
        walk = self.query_one(WalkPanel)
        if walk.start is None or walk.end is None:
            self.notify("A walk needs two ends: f and g take the chosen segment, F and G the mean of its kind.")
        else:
            self.ask(self._walk(walk.start, walk.end))

    async def _walk(self, start: End, end: End) -> None:
        walk = self.query_one(WalkPanel)
        sound = await self.sounds.walk(start, end, walk.steps, walk.way)
        self.query_one(LatentMap).tell_way((start.point, end.point), sound.near)
        points = self.terrain.points if self.terrain and self.sounds.piece and self.sounds.piece.sound is sound else ()
        walk.tell_steps([points[near].name for near in sound.near if near < len(points)])

    def action_way(self) -> None:
        """Take the other way."""
        self.query_one(WalkPanel).turn()

    def action_draw(self) -> None:
        """Hear another draw."""
        if self._is_open():
            panel = self.query_one(DrawPanel)
            self.ask(self.sounds.draw(panel.next_seed(), panel.temperature))

    def on_draw_panel_wanted(self) -> None:
        """Enter does as the key."""
        self.action_draw()

    def action_into(self) -> None:
        """Put the sliders where the chosen segment lies."""
        if self._has_points() and self.terrain:
            point = self.query_one(LatentMap).chosen
            self.query_one(LatentSliders).set_to(
                self.terrain.coordinates[point], point, self.terrain.points[point].name
            )

    def action_reset(self) -> None:
        """Put all sliders into the middle."""
        self.query_one(LatentSliders).reset()

    def on_latent_sliders_wanted(self) -> None:
        """Hear the sliders."""
        if self._has_points():
            self.ask(self._slide())

    def on_latent_sliders_changed(self) -> None:
        """While the sliders sound, what is heard follows them."""
        if self.sounds.are_sliders_playing:
            self.ask(self._slide())

    async def _slide(self) -> None:
        # However fast a slider is moved, the explorer is asked for one place at a time, and then for the last one.
        if self._sliding:
            self._slid = True
            return
        self._sliding = True
        try:
            while True:
                self._slid = False
                sliders = self.query_one(LatentSliders)
                await self.sounds.sliders(sliders.values, sliders.base, sliders.title)
                if not self._slid:
                    break
        finally:
            self._sliding = False

    def hear(self, heard: Heard) -> None:
        """Show what the player says."""
        if heard.event == "failed":
            say_not_played(self.app, heard)
        self.query_one(NowLine).tell_route(self.app.player.route)
        self.show_now()

    def show_now(self) -> None:
        """Show what sounds, and look again soon while it does."""
        player = self.app.player
        state = ("paused" if player.paused else "playing") if self.sounds.is_playing else ""
        now = self.query_one(NowLine)
        now.tell(self.sounds.piece, state, player.position_s if state else 0.0)
        self.query_one(WalkPanel).tell_step(now.step)
        if self._clock is not None:
            if state == "playing":
                self._clock.resume()
            else:
                self._clock.pause()
