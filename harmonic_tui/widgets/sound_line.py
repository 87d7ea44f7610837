"""The line of the player: what sounds, where in it, which take, how loud, what happens next, and where it is heard."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.samples import Take
from harmonic_tui.plain import plain
from harmonic_tui.wording import percent

_GAP, _NARROW_GAP = "   ", "  "
LETTERS: dict[Take, str] = {"original": "A", "decoded": "B", "reconstruction": "C", "prior": ""}


def hue_of(take: Take) -> str:
    """Theme variable of a take."""
    return "reconstruction" if take == "prior" else take


@dataclass(frozen=True)
class Sounding:
    """What the line says.

    Attributes
    ----------
    sign
        `▶` while it sounds, `‖` while it pauses, `■` when it does not.
    position_s, duration_s
        In seconds; the length is None before it is known.
    takes, take, level_db
        What can be compared, what is shown, and how loud that is in dBFS.
    route
        Where it is heard.
    elsewhere
        What sounds, if it is not what is shown.
    """

    sign: str = "■"
    position_s: float = 0.0
    duration_s: float | None = None
    takes: tuple[Take, ...] = ()
    take: Take | None = None
    level_db: float | None = None
    volume: float = 1.0
    loop: bool = False
    autoplay: bool = False
    route: str = ""
    elsewhere: str = ""


class SoundLine(Widget):
    """One line; what has no room goes from the right."""

    def __init__(self) -> None:
        super().__init__(id="sound-line")
        self._said = Sounding()
        self._clickable: list[tuple[int, int, str]] = []

    def tell(self, said: Sounding) -> None:
        """Say something else."""
        if said != self._said:
            self._said = said
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """What a click on a part of the line does, a key does too."""
        action = next((action for first, last, action in self._clickable if first <= event.x < last), None)
        if action is not None:
            event.stop()
            self.run_worker(self.screen.run_action(action))

    def render(self) -> Content:
        """The line."""
        width = max(1, self.content_size.width)
        parts = self._parts()
        gap = _GAP if _width(parts, _GAP) <= width else _NARROW_GAP
        while len(parts) > 2 and _width(parts, gap) > width:
            # What is heard where is worth more than what is off.
            parts.pop(-2 if len(parts) > 4 else -1)
        self._clickable = []
        place = self.styles.padding.left
        for part, action in parts:
            if action:
                self._clickable.append((place, place + part.cell_length, action))
            place += part.cell_length + len(gap)
        return Content(gap).join(part for part, _ in parts).truncate(width, ellipsis=True)

    def _parts(self) -> list[tuple[Content, str]]:
        """Parts of the line, each with what a click on it does."""
        said = self._said
        length = "n/a" if said.duration_s is None else f"{said.duration_s:.1f} s"
        hue = {"▶": "$good", "‖": "$look"}.get(said.sign, "$muted")
        parts = [(Content.styled(f"{said.sign} {said.position_s:.1f} / {length}", hue), "screen.play")]
        if said.elsewhere:
            parts.append((Content.styled(f"▶ {plain(said.elsewhere, 40)}", "$good"), ""))
        parts += [(self._take(take), f"screen.choose_take('{take}')") for take in said.takes]
        if said.level_db is not None:
            parts.append((Content.styled(f"{said.level_db:.1f} dBFS".replace("-", "−"), "$muted"), ""))
        parts.append((_switch("loop", on=said.loop), "screen.loop"))
        parts.append((_switch("autoplay newest", on=said.autoplay), "screen.autoplay"))
        parts.append((Content.styled(f"volume {percent(said.volume)}", "$muted"), ""))
        parts.append((Content.styled(f"sound: {plain(said.route, 60)}", "$muted"), ""))
        return parts

    def _take(self, take: Take) -> Content:
        letter = LETTERS[take]
        if not letter:
            return Content.styled("from the prior", f"${hue_of(take)}")
        chosen = take == self._said.take
        return Content.styled(f"[{letter}] {take}" if chosen else letter, f"{'bold ' if chosen else ''}${hue_of(take)}")


def _width(parts: list[tuple[Content, str]], gap: str) -> int:
    return sum(part.cell_length for part, _ in parts) + len(gap) * (len(parts) - 1)


def _switch(name: str, *, on: bool) -> Content:
    return Content.styled(f"✓ {name}" if on else f"– no {name}", "$good" if on else "$muted")
