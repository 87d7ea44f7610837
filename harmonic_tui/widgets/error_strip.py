"""How close one item came at every step: a bar a step, its error in dB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_core.run.words import count
from harmonic_tui.plain import plain
from harmonic_tui.widgets.spectrogram import LEFT, RIGHT
from harmonic_tui.wording import figure

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_WIDEST = 3
"""Columns of a bar where there are few steps."""


class ErrorStrip(Widget):
    """The error of an item through training. A click goes to the step under it."""

    class Pointed(Message):
        """A step was clicked."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__(id="errors", classes="frame")
        self._steps: list[int] = []
        self._errors: list[float | None] = []
        self._step = 0
        self._instead = ""

    @property
    def room(self) -> int:
        """Steps that can be shown."""
        return max(8, self.size.width - LEFT - RIGHT)

    def show(self, title: str, steps: Sequence[int], errors: Sequence[float | None], step: int) -> None:
        """Show the errors at `steps`, ascending; `step` is the chosen one."""
        self._steps, self._errors, self._step, self._instead = list(steps), list(errors), step, ""
        self.border_title = Content(f"{plain(title, 60)} through training, error in dB")
        known = [(error, at) for at, error in zip(steps, errors, strict=True) if _is_known(error)]
        if known:
            least, at = min(known)
            self.border_subtitle = Content.styled(
                f"least {figure(least)} dB at step {count(at)}   [ ] previous and next step", "$muted"
            )
        else:
            self._instead = "no error is known of it at any step"
            self.border_subtitle = Content("")
        self.refresh()

    def say(self, words: str) -> None:
        """Say why there is nothing to compare."""
        self._instead, self._steps, self._errors = words, [], []
        self.border_title = Content("Through training")
        self.border_subtitle = Content("")
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to a step."""
        offset = event.get_content_offset(self)
        if offset is None or not self._steps:
            return
        place = (offset.x - LEFT) // self._width
        if 0 <= place < len(self._steps):
            self.post_message(self.Pointed(self._steps[place]))

    @property
    def _width(self) -> int:
        return max(1, min(_WIDEST, self.room // max(1, len(self._steps))))

    def render(self) -> Content:
        """The bars, highest error on the left as a scale."""
        rows = self.size.height
        if self._instead or not self._steps or not rows:
            return Content.styled(self._instead, "$muted")
        known = [error for error in self._errors if _is_known(error)]
        highest = max(known, default=1.0) or 1.0
        lines = []
        for row in range(rows):
            label = f"{figure(highest)} dB" if row == 0 else "0" if row == rows - 1 else ""
            edge = Content.styled(f"{label:>{LEFT - 1}}{'┤' if label else '│'}", "$ticks")
            bars = (
                self._bar(at, error, highest, rows - row - 1, rows)
                for at, error in zip(self._steps, self._errors, strict=True)
            )
            now = next((e for at, e in zip(self._steps, self._errors, strict=True) if at == self._step), None)
            here = (
                Content.styled(f" {figure(now)} dB", "$reconstruction") if row == 0 and _is_known(now) else Content("")
            )
            lines.append(Content.assemble(edge, *bars, here))
        return Content("\n").join(lines)

    def _bar(self, step: int, error: float | None, highest: float, row: int, rows: int) -> Content:
        chosen = step == self._step
        if not _is_known(error):
            sign = ("▴" if chosen else "·") if row == 0 else " "
            return Content.styled(sign.ljust(self._width), "$look" if chosen else "$faint")
        eighths = round(8 * rows * error / highest) - 8 * row
        bar = _EIGHTHS[max(1 if row == 0 else 0, min(8, eighths))] * max(1, self._width - 1)
        return Content.styled(bar.ljust(self._width), "bold $reconstruction" if chosen else "$faint")


def _is_known(error: float | None) -> TypeGuard[float]:
    return error is not None and math.isfinite(error)


def spread(steps: Sequence[int], most: int, chosen: int) -> list[int]:
    """At most `most` of `steps`, evenly spread, with the first, the last and the chosen one."""
    if len(steps) <= most:
        return list(steps)
    places = {round(place * (len(steps) - 1) / (most - 1)) for place in range(most)}
    if chosen in steps:
        here = steps.index(chosen)
        nearest = min(places - {0, len(steps) - 1}, key=lambda place: abs(place - here))
        places = (places - {nearest}) | {here}
    return [steps[place] for place in sorted(places)]
