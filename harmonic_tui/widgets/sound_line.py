"""The line of the player: what sounds, where in it, which take, how loud, what happens next, and where it is heard."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual import events
from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.samples import Take
from harmonic_tui.plain import plain
from harmonic_tui.wording import percent

_GAP, _NARROW_GAP = "   ", "  "
_CUT_ROUTE, _LEAST_ROUTE = 24, 12
"""Columns that the route keeps beside the takes, and whatever else there is to say."""
_TAKES, _ALWAYS = 7, 9
"""Worth of the takes, and of what never goes."""
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


@dataclass(frozen=True)
class _Part:
    """A part of the line; `worth` says what goes before what, `action` what a click on it does."""

    said: Content
    worth: int
    action: str = ""


class SoundLine(Widget):
    """One line. What has no room goes, what is off first; where the sound is and where it is heard always stay."""

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
        parts, gap = _arranged(self._said, width)
        self._clickable = []
        place = self.styles.padding.left
        for part in parts:
            if part.action:
                self._clickable.append((place, place + part.said.cell_length, part.action))
            place += part.said.cell_length + len(gap)
        return _joined(parts, gap, width)

    @staticmethod
    def line_of(said: Sounding, width: int) -> Content:
        """What the line says in `width` columns."""
        parts, gap = _arranged(said, width)
        return _joined(parts, gap, width)


def _joined(parts: list[_Part], gap: str, width: int) -> Content:
    return Content(gap).join(part.said for part in parts).truncate(width, ellipsis=True)


def _arranged(said: Sounding, width: int) -> tuple[list[_Part], str]:
    """Parts that have room, and what stands between them."""
    parts = _parts(said)
    gap = _GAP if _width(parts, _GAP) <= width else _NARROW_GAP
    # A long route is cut short before the takes go; without them it may become shorter still.
    for least_worth, least_route in ((_TAKES, _CUT_ROUTE), (_ALWAYS, _LEAST_ROUTE)):
        while _width(parts, gap) > width and (less := [part for part in parts if part.worth < least_worth]):
            parts.remove(min(less, key=lambda part: part.worth))
        if (beyond := _width(parts, gap) - width) > 0:
            route = parts[-1].said
            room = min(route.cell_length, max(least_route, route.cell_length - beyond))
            parts[-1] = replace(parts[-1], said=route.truncate(room, ellipsis=True))
    return parts, gap


def _parts(said: Sounding) -> list[_Part]:
    """Parts of the line from left to right."""
    length = "n/a" if said.duration_s is None else f"{said.duration_s:.1f} s"
    hue = {"▶": "$good", "‖": "$look"}.get(said.sign, "$muted")
    parts = [_Part(Content.styled(f"{said.sign} {said.position_s:.1f} / {length}", hue), _ALWAYS, "screen.play")]
    if said.elsewhere:
        parts.append(_Part(Content.styled(f"▶ {plain(said.elsewhere, 40)}", "$good"), 6))
    parts += [
        _Part(_take(said, take), _TAKES + (take == said.take), f"screen.choose_take('{take}')") for take in said.takes
    ]
    if said.level_db is not None:
        parts.append(_Part(Content.styled(f"{said.level_db:.1f} dBFS".replace("-", "−"), "$muted"), 2))
    parts.append(_Part(_switch("loop", on=said.loop), 5 if said.loop else 0, "screen.loop"))
    autoplay = _switch("autoplay newest", on=said.autoplay)
    parts.append(_Part(autoplay, 4 if said.autoplay else 1, "screen.autoplay"))
    parts.append(_Part(Content.styled(f"volume {percent(said.volume)}", "$muted"), 3))
    parts.append(_Part(Content.styled(f"sound: {plain(said.route, 60)}", "$muted"), _ALWAYS))
    return parts


def _take(said: Sounding, take: Take) -> Content:
    letter = LETTERS[take]
    if not letter:
        return Content.styled("from the prior", f"${hue_of(take)}")
    chosen = take == said.take
    return Content.styled(f"[{letter}] {take}" if chosen else letter, f"{'bold ' if chosen else ''}${hue_of(take)}")


def _width(parts: list[_Part], gap: str) -> int:
    return sum(part.said.cell_length for part in parts) + len(gap) * (len(parts) - 1)


def _switch(name: str, *, on: bool) -> Content:
    return Content.styled(f"✓ {name}" if on else f"– no {name}", "$good" if on else "$muted")
