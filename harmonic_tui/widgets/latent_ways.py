"""Where a walk through the latent space begins and ends, and a draw from the prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.widgets.latent_sliders import slider

_NAME = 7
"""Columns of the names before the lines."""
_LEAST_STEPS, _MOST_STEPS = 2, 32
_HOTTEST = 2.0
_ROWS_FOR_MARKS = 3
"""With fewer the step that sounds would have to make room."""


@dataclass(frozen=True)
class End:
    """One end of a walk."""

    name: str
    """Harmless to show."""
    where: Mapping[str, Any]
    """For the explorer."""
    point: int | None = None
    """The point that it is, if it is one."""


class WalkPanel(Widget, can_focus=True):
    """From where, to where, which way, in how many steps."""

    BINDINGS = bindings("latent-walk")
    heading: ClassVar[str] = "Walk"

    @dataclass
    class Changed(Message):
        """Something of it changed."""

    @dataclass
    class Wanted(Message):
        """The walk should be heard."""

    @dataclass
    class EndWanted(Message):
        """One end should be where the cursor of the map is."""

        which: str

    def __init__(self) -> None:
        super().__init__(id="walk", classes="frame")
        self.start: End | None = None
        self.end: End | None = None
        self.way = "spherical"
        self.steps = 8
        self._comes_by: Sequence[str] = ()
        self._step: int | None = None

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content(self.heading)
        self._show()

    def set_end(self, which: str, end: End | None) -> None:
        """Choose where it begins (`start`) or ends (`end`)."""
        if which == "start":
            self.start = end
        else:
            self.end = end
        self._comes_by = ()
        self._show()

    def tell_steps(self, comes_by: Sequence[str]) -> None:
        """Show what the walk that is heard comes by, a name for each step."""
        self._comes_by = comes_by
        self.refresh()

    def tell_step(self, step: int | None) -> None:
        """Mark the step that sounds now, from 0; None where none does."""
        if step != self._step:
            self._step = step
            self.refresh()

    def turn(self) -> None:
        """Go the other way."""
        self.way = "linear" if self.way == "spherical" else "spherical"
        self._show()

    def action_steps(self, by: int) -> None:
        """Make more or fewer steps."""
        self._set_steps(self.steps + by)

    def action_hear(self) -> None:
        """Ask for the sound."""
        self.post_message(self.Wanted())

    def on_click(self, event: events.Click) -> None:
        """Do what the line under the mouse is about."""
        place = event.get_content_offset(self)
        match place.y if place is not None else None:
            case 0:
                self.post_message(self.EndWanted("start"))
            case 1:
                self.post_message(self.EndWanted("end"))
            case 2:
                self.turn()
            case 3 if place is not None and place.x >= _NAME:
                share = (place.x - _NAME) / max(1, self._width() - 1)
                self._set_steps(round(_LEAST_STEPS + share * (_MOST_STEPS - _LEAST_STEPS)))

    def _set_steps(self, steps: int) -> None:
        steps = min(_MOST_STEPS, max(_LEAST_STEPS, steps))
        if steps != self.steps:
            self.steps = steps
            self._show()

    def _show(self) -> None:
        ready = self.start is not None and self.end is not None
        hint = " hear it" if ready else " when both ends are chosen"
        self.border_subtitle = Content.assemble(("w", "$primary"), (hint, "$muted"))
        self.refresh()
        self.post_message(self.Changed())

    def render(self) -> Content:
        """Four lines."""
        share = (self.steps - _LEAST_STEPS) / (_MOST_STEPS - _LEAST_STEPS)
        lines = [
            Content.assemble(("◆ from ", "$muted"), _named(self.start, "f", "F")),
            Content.assemble(("◇ to   ", "$muted"), _named(self.end, "g", "G")),
            Content.assemble(("way    ", "$muted"), self.way, ("   v", "$primary"), (" the other", "$muted")),
            Content.assemble(
                ("steps  ", "$muted"), slider(share, self._width(), "$primary"), f" {count(self.steps):>3}"
            ),
        ]
        width = max(1, self.size.width)
        if self.has_focus:
            lines[3] = lines[3].stylize("$block-cursor-foreground on $block-cursor-background")
        lines += self.steps_in(self.size.height - len(lines))
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)

    def steps_in(self, rows: int) -> list[Content]:
        """What the walk comes by, as many lines as there is room for: those about the step that sounds.

        Where some have no room, the first or the last line says how many.
        """
        number = len(self._comes_by)
        first = max(0, min((self._step or 0) - rows // 2, number - rows))
        after = min(number, first + max(0, rows))
        lines = [
            Content.assemble(
                ("▶ " if step == self._step else "  ", "$good"),
                (f"{step + 1:>2} near ", "$muted"),
                (self._comes_by[step], "bold" if step == self._step else ""),
            )
            for step in range(first, after)
        ]
        if first and rows >= _ROWS_FOR_MARKS:
            lines[0] = Content.styled(f"   … {first + 1} before", "$muted")
        if after < number and rows >= _ROWS_FOR_MARKS:
            lines[-1] = Content.styled(f"   … {number - after + 1} more", "$muted")
        return lines

    def _width(self) -> int:
        return max(1, self.size.width - _NAME - 4)


def _named(end: End | None, key: str, mean_key: str) -> Content:
    if end is not None:
        return Content(end.name)
    return Content.assemble(
        (key, "$primary"),
        (" this segment   ", "$muted"),
        (mean_key, "$primary"),
        (" mean of its kind", "$muted"),
    )


class DrawPanel(Widget, can_focus=True):
    """How far a draw from the prior may lie from the middle."""

    BINDINGS = bindings("latent-draw")
    heading: ClassVar[str] = "Draw from the prior"

    @dataclass
    class Wanted(Message):
        """Another draw should be heard."""

    def __init__(self) -> None:
        super().__init__(id="draw", classes="frame")
        self.temperature = 1.0
        self.seed = 0
        """Number of the last draw; the same number gives the same sound."""

    def on_mount(self) -> None:
        """Show the frame."""
        self.border_title = Content(self.heading)
        self._show()

    def next_seed(self) -> int:
        """Number of another draw."""
        self.seed += 1
        self._show()
        return self.seed

    def action_heat(self, by: float) -> None:
        """Make it more or less daring."""
        self._set(self.temperature + by)

    def action_hear(self) -> None:
        """Ask for the sound."""
        self.post_message(self.Wanted())

    def on_click(self, event: events.Click) -> None:
        """Put the slider under the mouse."""
        place = event.get_content_offset(self)
        if place is not None and place.y == 0 and place.x >= _NAME + 5:
            self._set((place.x - _NAME - 5) / max(1, self._width() - 1) * _HOTTEST)

    def _set(self, temperature: float) -> None:
        self.temperature = round(min(_HOTTEST, max(0.0, temperature)), 1)
        self._show()

    def _show(self) -> None:
        drawn = f"draw {count(self.seed)}   " if self.seed else ""
        self.border_subtitle = Content.assemble((drawn, "$muted"), ("d", "$primary"), (" another", "$muted"))
        self.refresh()

    def render(self) -> Content:
        """One line."""
        line = Content.assemble(
            ("temperature ", "$muted"),
            slider(self.temperature / _HOTTEST, self._width(), "$primary"),
            f" {self.temperature:.1f}",
        )
        return line.stylize("$block-cursor-foreground on $block-cursor-background") if self.has_focus else line

    def _width(self) -> int:
        return max(1, self.size.width - _NAME - 5 - 4)
