"""Sliders on the principal directions of the latent space, beside the share of the variance that each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.keys import bindings
from harmonic_tui.wording import hundredths, percent

MOST_SLIDERS = 8
FAR = 3.0
"""Standard deviations to which a slider goes."""
_STEP = 0.25
_FIRST, _LAST = 12, 8
"""Columns before and behind the slider."""
_BARS = " ▁▂▃▄▅▆▇█"


class LatentSliders(Widget, can_focus=True):
    """A line for each of the first directions: its number, its share, its slider."""

    BINDINGS = bindings("latent-sliders")
    heading: ClassVar[str] = "Principal directions"

    @dataclass
    class Changed(Message):
        """A slider was moved."""

    @dataclass
    class Wanted(Message):
        """What they stand for should be heard."""

    def __init__(self) -> None:
        super().__init__(id="sliders", classes="frame")
        self._shares: Sequence[float] = ()
        self._words = ""
        self._dragged = False
        self.values: list[float] = []
        """Standard deviations from the mean."""
        self.base: int | None = None
        """Point that it is like in all other directions; None for the mean."""
        self._base_name = ""
        self.row = 0

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content(self.heading)

    def wait(self, words: str) -> None:
        """Say why there are no directions."""
        self._shares, self.values, self._words = (), [], words
        self.border_title, self.border_subtitle = Content(self.heading), Content("")
        self.refresh()

    def tell(self, shares: Sequence[float], dimensions: int) -> None:
        """Show these directions, all sliders in the middle."""
        self._shares = shares
        self.values = [0.0] * min(MOST_SLIDERS, len(shares))
        self.base, self.row = None, 0
        together = sum(shares[:MOST_SLIDERS])
        self._words = "no directions: all music lies at one place of the latent space" if not shares else ""
        told = f"   {len(self.values)} of {count(dimensions)} have {percent(together)}" if self.values else ""
        self.border_title = Content.assemble(self.heading, (told, "$muted"))
        self._show_base()
        self.refresh()

    def set_to(self, values: Sequence[float], base: int, name: str) -> None:
        """Put all sliders where a point lies, and take it for the other directions, too."""
        self.values = [_held(value) for value in values[: len(self.values)]]
        self.base, self._base_name = base, name
        self._show_base()
        self._changed()

    @property
    def title(self) -> str:
        """What they stand for, in words."""
        moved = [f"{number} {signed(value)} σ" for number, value in enumerate(self.values, 1) if value]
        base = self._base_name if self.base is not None else "the mean"
        return f"{base}{', directions ' if moved else ''}{', '.join(moved)}"

    def reset(self) -> None:
        """Put all sliders into the middle."""
        self.values = [0.0] * len(self.values)
        self.base = None
        self._show_base()
        self._changed()

    def action_row(self, by: int) -> None:
        """Go to another slider."""
        if self.values:
            self.row = (self.row + by) % len(self.values)
            self.refresh()

    def action_slide(self, by: float) -> None:
        """Move the slider, by so many standard deviations."""
        if self.values:
            self._set(self.row, round((self.values[self.row] + by) / _STEP) * _STEP)

    def action_middle(self) -> None:
        """Put the slider into the middle."""
        if self.values:
            self._set(self.row, 0.0)

    def action_hear(self) -> None:
        """Ask for the sound."""
        if self.values:
            self.post_message(self.Wanted())

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a slider."""
        place = event.get_content_offset(self)
        if place is not None and place.y < len(self.values):
            self.row = place.y
            self._dragged = True
            self.capture_mouse()
            self._drag_to(place.x)
            self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move it."""
        if self._dragged:
            self._drag_to(event.get_content_offset_capture(self).x)

    def on_mouse_up(self) -> None:
        """Let it go."""
        self._dragged = False
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move the slider under the mouse up."""
        self._scroll(event, _STEP)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move the slider under the mouse down."""
        self._scroll(event, -_STEP)

    def _scroll(self, event: events.MouseEvent, by: float) -> None:
        place = event.get_content_offset(self)
        if place is not None and place.y < len(self.values):
            event.stop()
            self.row = place.y
            self.action_slide(by)

    def _drag_to(self, column: int) -> None:
        width = self._width()
        if width > 1 and _FIRST <= column < _FIRST + width:
            value = (2.0 * (column - _FIRST) / (width - 1) - 1.0) * FAR
            self._set(self.row, round(value / _STEP) * _STEP)

    def _set(self, row: int, value: float) -> None:
        value = _held(value)
        if value != self.values[row]:
            self.values[row] = value
            self._changed()

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Changed())

    def _show_base(self) -> None:
        if not self.values:
            self.border_subtitle = Content("")
            return
        base = f"rest: {self._base_name if self.base is not None else 'the mean'}"
        self.border_subtitle = Content.assemble(
            (base, "$muted"),
            "   ",
            ("i", "$primary"),
            (" from map   ", "$muted"),
            ("x", "$primary"),
            (" reset", "$muted"),
        )

    def render(self) -> Content:
        """A line a direction, or words."""
        if not self.values:
            return Content.styled(self._words, "$muted")
        return Content("\n").join(self._line(row) for row in range(len(self.values)))

    def _line(self, row: int) -> Content:
        share, value = self._shares[row], self.values[row]
        largest = max(self._shares[0], 1e-9)
        bar = _BARS[max(1, min(8, round(8 * share / largest)))]
        chosen = row == self.row and self.has_focus
        line = Content.assemble(
            (f"{row + 1:>2} ", "bold" if chosen else ""),
            (bar, "$kl"),
            (f" {100 * share:>4.1f} % ", "$muted"),
            " ",
            slider(0.5 + value / (2 * FAR), self._width(), "$kl", middle=True),
            f" {signed(value):>5} σ",
        )
        return line.stylize("$block-cursor-foreground on $block-cursor-background") if chosen else line

    def _width(self) -> int:
        # An odd number has a middle.
        return max(1, (self.size.width - _FIRST - _LAST - 1) // 2 * 2 + 1)


def slider(share: float, width: int, hue: str, *, middle: bool = False) -> Content:
    """A line with a knob at `share`, 0 to 1, of it."""
    knob = min(width - 1, max(0, round(share * (width - 1))))
    track = ["─"] * width
    if middle:
        track[round(0.5 * (width - 1))] = "┼"
    return Content.assemble(
        ("".join(track[:knob]), "$faint"), ("●", f"{hue} bold"), ("".join(track[knob + 1 :]), "$faint")
    )


def signed(value: float) -> str:
    """A number with its sign: `+0.25`, `−1.00`, `0.00`."""
    return f"+{hundredths(value)}" if value > 0 else hundredths(value)


def _held(value: float) -> float:
    return min(FAR, max(-FAR, value))
