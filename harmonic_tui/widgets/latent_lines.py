"""Above the latent space: which weights are looked at. Below it: what is heard."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.plain import plain
from harmonic_tui.runs.explorer import Rendered, Terrain
from harmonic_tui.wording import figure

_BARS = "▁▂▃▄▅▆▇█"
_ENVELOPE = 16


class WeightsLine(Widget):
    """The run, its weights, and what goes on."""

    @dataclass
    class Wanted(Message):
        """Newer weights should be loaded, or another try be made."""

    def __init__(self, name: str) -> None:
        super().__init__(id="weights")
        self._run_name = plain(name, 60)
        self._terrain: Terrain | None = None
        self._doing, self._failed, self._newer = "", "", ""

    def tell(self, terrain: Terrain) -> None:
        """Show which weights are loaded."""
        self._terrain, self._doing, self._failed, self._newer = terrain, "", "", ""
        self.refresh()

    def tell_doing(self, words: str) -> None:
        """Show what goes on; nothing with no words."""
        self._doing = words
        self._failed = "" if words else self._failed
        self.refresh()

    def tell_failed(self, reason: str) -> None:
        """Show why nothing is loaded."""
        self._doing, self._failed = "", reason
        self.refresh()

    def tell_newer(self, words: str) -> None:
        """Show that there are newer weights."""
        self._newer = words
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click does as the key."""
        if self._newer or self._failed:
            self.post_message(self.Wanted())

    def render(self) -> Content:
        """One line; what goes on always has room, and of the rest what is asked for most."""
        width = max(1, self.size.width)
        parts = [Content.styled(self._run_name, "bold"), *self._known()]
        second = self._second()
        last = [] if second is None else [second]
        while len(parts) > 1 - len(last) and Content("   ").join([*parts, *last]).cell_length > width:
            parts.pop(0 if len(parts) == 2 and last else -1)
        return Content("   ").join([*parts, *last]).truncate(width, ellipsis=True)

    def _known(self) -> list[Content]:
        terrain = self._terrain
        if terrain is None:
            return [] if self._failed else [Content.styled("no weights loaded", "$muted")]
        weights = Content(f"weights of epoch {count(terrain.epoch)}, step {count(terrain.step)}")
        held_out = sum(point.held_out for point in terrain.points)
        looked_at = f"{count(held_out)} segments held out, {count(len(terrain.points) - held_out)} trained on"
        return [weights, *([Content.styled(looked_at, "$muted")] if terrain.points else [])]

    def _second(self) -> Content | None:
        if self._doing:
            return Content.styled(f"◌ {self._doing}", "$primary")
        if self._failed:
            # Where nothing is loaded the reason stands in the middle of the screen.
            words = self._failed if self._terrain else "nothing loaded yet"
            return Content.assemble((f"! {words}", "$look"), ("   u", "$primary"), (" tries again", "$muted"))
        if self._newer:
            return Content.assemble(
                (f"↑ newer weights: {self._newer}; ", "$good"), ("u", "$primary"), (" loads them", "$good")
            )
        return None


@dataclass(frozen=True)
class Piece:
    """A sound of the latent space, with what it is."""

    title: str
    sound: Rendered


class NowLine(Widget):
    """What sounds, how far it is, and where it goes."""

    def __init__(self) -> None:
        super().__init__(id="now")
        self._heard: Piece | None = None
        self._state = ""
        self._position_s = 0.0
        self._route, self._hint = "", ""

    def tell_hint(self, words: str) -> None:
        """Say what can be heard, as long as nothing was."""
        self._hint = words
        self.refresh()

    def tell(self, heard: Piece | None, state: str, position_s: float) -> None:
        """Show a sound; `state` is `playing`, `paused` or nothing."""
        told = (heard, state, round(position_s, 1))
        if told != (self._heard, self._state, self._position_s):
            self._heard, self._state, self._position_s = told
            self.refresh()

    @property
    def step(self) -> int | None:
        """Step of a walk that sounds now, from 0."""
        starts = self._heard.sound.starts_s if self._heard and self._state else ()
        return max(0, sum(start <= self._position_s for start in starts) - 1) if starts else None

    def tell_route(self, route: str) -> None:
        """Show where sound goes."""
        self._route = route
        self.refresh()

    def render(self) -> Content:
        """One line."""
        width = max(1, self.size.width)
        # Where sound goes is always named: the rest is cut short for it.
        right = Content.styled(f"sound: {plain(self._route, 60)}", "$muted").truncate(width // 2, ellipsis=True)
        room = max(0, width - right.cell_length - 2)
        left = Content.styled(self._hint, "$muted") if self._heard is None else self._told(self._heard, room)
        return Content.assemble(left.truncate(room, ellipsis=True, pad=True), "  ", right)

    def _told(self, heard: Piece, width: int) -> Content:
        sound = heard.sound
        mark = {"playing": "▶", "paused": "‖"}.get(self._state, "■")
        steps = ""
        if sound.starts_s:
            steps = f"   step {'–' if self.step is None else self.step + 1} of {len(sound.starts_s)}"
        time = f"{self._position_s:.1f} of {sound.duration_s:.1f} s" if self._state else f"{sound.duration_s:.1f} s"
        hue = "$good" if self._state == "playing" else "$muted"
        # What is chosen above may be something else by now.
        first, last = "" if self._state else "last: ", Content.styled(f"{steps}   {time}", "$muted")
        title = Content.assemble((f"{mark} ", hue), (first, "$muted"), heard.title)
        told = Content.assemble(title.truncate(max(8, width - last.cell_length), ellipsis=True), last)
        for more in ((_thumbnail(sound), "$reconstruction"), (f"{figure(sound.level_db)} dB", "$muted")):
            longer = Content.assemble(told, "   ", more)
            if longer.cell_length > width:
                break
            told = longer
        return told


def _thumbnail(sound: Rendered) -> str:
    share = max(1, -(-len(sound.envelope) // _ENVELOPE))
    peaks = (max(sound.envelope[start : start + share]) for start in range(0, len(sound.envelope), share))
    return "".join(_BARS[min(7, max(0, int(8 * peak)))] for peak in peaks)
