"""The latent space of the run: a map of its music, ways through it, sliders on its directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer

from harmonic_core.errors import HarmonicError
from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.plain import plain
from harmonic_tui.runs.explorer import Terrain
from harmonic_tui.runs.messages import EventsRead, FiguresRead
from harmonic_tui.screens.latent_sound import LatentSoundScreen
from harmonic_tui.widgets.latent_kl import KlBars
from harmonic_tui.widgets.latent_letters import letters
from harmonic_tui.widgets.latent_lines import NowLine, WeightsLine
from harmonic_tui.widgets.latent_map import LatentMap
from harmonic_tui.widgets.latent_sliders import LatentSliders
from harmonic_tui.widgets.latent_ways import DrawPanel, WalkPanel

if TYPE_CHECKING:
    from harmonic_core.run.records import Row
    from harmonic_tui.runs.watched import WatchedRun

_PANELS = ("map", "sliders", "walk", "draw", "kl-bars")
_LABELS = ("genre", "composer", "artist", "album", "key", "source", "track")


class LatentScreen(LatentSoundScreen):
    """Asks the explorer, a process that is started when this screen is shown first, and shows and plays its answers."""

    CSS_PATH = "latent.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012 - the name of the framework
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - the name of the framework
    AUTO_FOCUS = "#map"
    BINDINGS = bindings("latent")

    def __init__(self, watched: WatchedRun) -> None:
        super().__init__(watched)
        self.method = "t-SNE"
        self._opening = False
        self._tried = 0

    def compose(self) -> ComposeResult:
        """Frames first; what they hold comes with the answers."""
        yield WeightsLine(self.watched.run.name)
        with Horizontal(id="panels"):
            yield LatentMap()
            with Vertical(id="made"):
                yield LatentSliders()
                yield WalkPanel()
                yield DrawPanel()
        yield KlBars()
        yield NowLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start the explorer."""
        self._wait("Segments of music appear here, near what sounds alike to the model, as soon as it is loaded.")
        self.call_after_refresh(self.open)

    def on_resize(self) -> None:
        """Keys stand closer where there is little room."""
        self.query_one(Footer).compact = self.size.width < 112

    def on_descendant_focus(self) -> None:
        """Where there is room for one column only it is that of the panel one is in."""
        if self.focused is not None and self.focused.id in _PANELS:
            self._bring_to_front(self.focused.id)

    def _bring_to_front(self, panel: str) -> None:
        self.set_class(panel in {"sliders", "walk", "draw"}, "-making")
        self.set_class(panel == "kl-bars", "-measuring")

    # What is heard of the run.

    def on_figures_read(self, message: FiguresRead) -> None:
        """Show how much every dimension carries."""
        self.query_one(KlBars).tell(self.watched.scale.curves.last_epoch_row)

    def on_events_read(self, message: EventsRead) -> None:
        """Tell of newer weights, and begin when there are the first ones."""
        newest = self._newest_checkpoint()
        if self.terrain is None and newest > self._tried:
            self.open()
        self._offer_newer(newest)

    def _offer_newer(self, step: int) -> None:
        if self.terrain is not None and step > self.terrain.step:
            self.query_one(WeightsLine).tell_newer(self._named(step))

    def _newest_checkpoint(self) -> int:
        """Step of the newest checkpoint that was told of; 0 for none."""
        written = (row.get("step") for row in reversed(self.watched.events) if row.get("kind") == "checkpoint")
        return next((step for step in written if isinstance(step, int)), 0)

    def _named(self, step: int) -> str:
        row: Row = self.watched.scale.curves.last_epoch_row
        return f"epoch {count(row['epoch'])}" if row.get("step") == step and "epoch" in row else f"step {count(step)}"

    # What the explorer says.

    def open(self) -> None:
        """Load the newest weights."""
        if not self._opening:
            self._opening = True
            self._tried = self._newest_checkpoint()
            self.run_worker(self._open(), group="open")

    async def _open(self) -> None:
        line = self.query_one(WeightsLine)
        line.tell_doing("starting the process that knows the model")
        try:
            terrain = await self.explorer.open()
            self.sounds.forget()
            self.terrain = terrain
            line.tell(terrain)
            self._offer_newer(self._newest_checkpoint())
            await self._show_terrain(terrain)
        except HarmonicError as error:
            line.tell_failed(str(error))
            if self.terrain is None:
                self._wait(str(error))
        finally:
            self._opening = False

    async def _show_terrain(self, terrain: Terrain) -> None:
        for which in ("start", "end"):
            self.query_one(WalkPanel).set_end(which, None)
        hint = "Enter plays the chosen segment; a changes to the original and back"
        self.query_one(NowLine).tell_hint(hint if terrain.points else "d draws from the prior")
        if terrain.no_music:
            self._wait(f"No map and no directions: {terrain.no_music}. Draws from the prior can be heard all the same.")
            return
        self.query_one(LatentSliders).tell(terrain.shares, terrain.latent_dim)
        labels = self._labels()
        if self.label not in labels:
            self.label = labels[0]
        self.query_one(LatentMap).wait("laying the music out on a plane")
        self._show_label()
        await self._show_map(terrain)

    async def _show_map(self, terrain: Terrain) -> None:
        line = self.query_one(WeightsLine)
        line.tell_doing(f"laying {count(len(terrain.points))} segments out on a plane")
        try:
            self.method, places = await self.explorer.map(self.method)
            self.query_one(LatentMap).tell_places(places, [point.held_out for point in terrain.points])
        finally:
            line.tell_doing("")
        self._show_label()
        self.show_chosen()

    def _wait(self, words: str) -> None:
        self.query_one(LatentMap).wait(words)
        self.query_one(LatentSliders).wait("The directions in which the music varies most come with the map.")

    # The map.

    def _labels(self) -> list[str]:
        """Labels by which points differ, and at least one."""
        known = self.terrain.labels if self.terrain else {}
        telling = [name for name in _LABELS if len({*known.get(name, ())} - {""}) >= 2]
        return telling or ["track"]

    def _show_label(self) -> None:
        if self.terrain is None:
            return
        values = self.terrain.labels.get(self.label, ())
        shown = self.query_one(LatentMap)
        shown.tell_values(values, letters(values))
        heard = ", as it is heard" if self.label in self.terrain.estimated else ""
        shown.border_title = Content(f"Map: {self.method} by {self.label}{heard}")

    def show_chosen(self) -> None:
        """Name the segment that is chosen, and say which take of it is heard."""
        shown, terrain = self.query_one(LatentMap), self.terrain
        if terrain is None or not terrain.points:
            return
        point = terrain.points[shown.chosen]
        told = dict.fromkeys(("genre", self.label, "key"))
        values = [terrain.labels[name][shown.chosen] for name in told if name in terrain.labels and name != "track"]
        kinds = [plain(value, 24) for value in values if value]
        side = "held out" if point.held_out else "trained on"
        shown.border_subtitle = Content.assemble(
            (point.name, "bold"),
            f"   {', '.join(kinds)}   " if kinds else "   ",
            (f"{side}   ", "$muted"),
            ("a", "$primary"),
            (f" {self.sounds.take}", "$muted"),
        )

    def on_latent_map_moved(self) -> None:
        """Name the segment that is chosen now."""
        self.show_chosen()

    def on_latent_map_wanted(self) -> None:
        """Play it."""
        self.play_segment()

    def action_method(self) -> None:
        """Show the other map."""
        if self.terrain is None or not self.terrain.points:
            return
        self.method = "PCA" if self.method == "t-SNE" else "t-SNE"
        self.ask(self._show_map(self.terrain))

    def action_label(self) -> None:
        """Letter the map by the next label."""
        labels = self._labels()
        if self.terrain is not None and self.terrain.points:
            self.label = labels[(labels.index(self.label) + 1) % len(labels)] if self.label in labels else labels[0]
            self._show_label()
            self.show_chosen()

    def action_step(self, by: int) -> None:
        """Choose the next segment of the music, or the one before."""
        shown = self.query_one(LatentMap)
        if self.terrain is not None and self.terrain.points:
            shown.choose((shown.chosen + by) % len(self.terrain.points))

    def action_order(self) -> None:
        """Show dimensions in the other order."""
        self.query_one(KlBars).turn()

    def action_update(self) -> None:
        """Load the newest weights."""
        self.open()

    def on_weights_line_wanted(self) -> None:
        """A click does as the key."""
        self.open()

    def action_panel(self, by: int) -> None:
        """Go to another panel."""
        here = self.focused.id if self.focused and self.focused.id in _PANELS else "map"
        panel = self.query_one(f"#{_PANELS[(_PANELS.index(here) + by) % len(_PANELS)]}")
        # Where there is room for one column it is not there before it is in front.
        self._bring_to_front(str(panel.id))
        panel.focus()
