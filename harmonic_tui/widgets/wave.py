"""The wave of a sound over time in seconds, and where in it the sound is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from harmonic_tui.widgets.axes import round_step
from harmonic_tui.widgets.spectrogram import LEFT, RIGHT

if TYPE_CHECKING:
    from harmonic_tui.pictures.spectra import Spectrum

_LEFT_DOTS, _RIGHT_DOTS = (0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)
"""Dots of a braille character from the top."""
_AMPLITUDES = (1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)


class Wave(Widget):
    """Least and greatest sample of every part in braille, the time below. A click goes to that moment."""

    class Pointed(Message):
        """Somebody clicked at a share of its length, from 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self) -> None:
        super().__init__(id="wave")
        self._spectrum: Spectrum | None = None
        self._hue = "original"
        self._playhead: float | None = None
        self._lines: list[str] = []

    def on_mount(self) -> None:
        """Colours come from the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def show(self, spectrum: Spectrum | None, hue: str) -> None:
        """Show another sound, or none."""
        self._spectrum, self._hue = spectrum, hue
        self._draw()

    def point(self, share: float | None) -> None:
        """Move the line that shows where the sound is; None takes it away."""
        before, now = self._column(self._playhead), self._column(share)
        self._playhead = share
        if before != now:
            first, last = min(before or 0, now or 0), max(before or 0, now or 0)
            # What was heard is brighter: everything between the two places changes.
            self.refresh(Region(LEFT + first, 0, last - first + 2, self.size.height))

    def on_resize(self) -> None:
        """The wave is made for the width."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Say where."""
        share = (event.x - LEFT + 0.5) / max(1, self._columns)
        if 0 <= share <= 1:
            event.stop()
            self.post_message(self.Pointed(share))

    @property
    def _columns(self) -> int:
        return max(1, self.size.width - LEFT - RIGHT)

    def _column(self, share: float | None) -> int | None:
        return None if share is None else max(0, min(self._columns - 1, int(share * self._columns)))

    @property
    def _full_scale(self) -> float:
        """Amplitude at the top: the least round one that holds the wave."""
        assert self._spectrum is not None
        peak = float(max(self._spectrum.high.max(), -self._spectrum.low.min()))
        return min((round_one for round_one in _AMPLITUDES if round_one >= peak), default=1.0)

    def _draw(self) -> None:
        rows = self.size.height - 1
        self._lines = []
        if self._spectrum is not None and rows > 0:
            self._lines = braille_wave(self._spectrum, self._full_scale, rows, self._columns)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row: its scale, the wave; below all, the time."""
        width, ground = self.size.width, self.rich_style
        spectrum = self._spectrum
        if spectrum is None or not self._lines:
            return Strip.blank(width, ground)
        ticks = ground + self._style("ticks")
        if y >= len(self._lines):
            axis = time_axis(spectrum.duration_s, self._columns)
            return Strip([Segment(" " * (LEFT - 1), ground), Segment(axis.ljust(width - LEFT + 1), ticks)], width)
        label = {0: f"{self._full_scale:.3g}", len(self._lines) - 1: f"−{self._full_scale:.3g}"}.get(y, "")
        edge = "┤" if label else "│"
        line, column = self._lines[y], self._column(self._playhead)
        hue = ground + self._style(self._hue)
        segments = [Segment(f"{label:>{LEFT - 1}}{edge}", ticks)]
        if column is None:
            segments.append(Segment(line, hue))
        else:
            ahead = ground + self._style("faint")
            segments += [
                Segment(line[:column], hue),
                Segment("│", ground + self._style("foreground")),
                Segment(line[column + 1 :], ahead),
            ]
        segments.append(Segment(" " * RIGHT, ground))
        return Strip(segments, width)

    def _style(self, name: str) -> Style:
        return Style(color=Color.parse(self.app.theme_variables.get(name, "#888888")).rich_color)


def braille_wave(spectrum: Spectrum, full_scale: float, rows: int, columns: int) -> list[str]:
    """Rows of braille characters, from the top: each column of dots reaches from the least to the greatest sample."""
    import numpy as np

    edges = np.linspace(0, len(spectrum.high), 2 * columns + 1)
    starts = np.minimum(edges[:-1].astype(int), len(spectrum.high) - 1)
    high = np.maximum.reduceat(spectrum.high, starts) / full_scale
    low = np.minimum.reduceat(spectrum.low, starts) / full_scale
    dots = 4 * rows
    # Silence is a line in the middle.
    tops = np.clip(np.floor((1 - high) / 2 * dots), 0, dots // 2 - 1).astype(int)
    bottoms = np.clip(np.ceil((1 - low) / 2 * dots), dots // 2, dots).astype(int)
    filled = (np.arange(dots)[:, None] >= tops) & (np.arange(dots)[:, None] < bottoms)
    cells = filled.reshape(rows, 4, columns, 2)
    codes = np.tensordot(cells[..., 0], np.array(_LEFT_DOTS), ((1,), (0,)))
    codes = codes + np.tensordot(cells[..., 1], np.array(_RIGHT_DOTS), ((1,), (0,)))
    return ["".join(chr(0x2800 + int(code)) for code in row) for row in codes]


def time_axis(duration_s: float, columns: int) -> str:
    """`├────┬────┬──` would take a row of its own: labels stand under their moments, the unit behind the last."""
    step = round_step(max(duration_s, 1e-3), max(2, columns // 8))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    row = [" "] * (columns + 4)
    for number in range(int(duration_s / step + 1e-6) + 1):
        label = f"{number * step:.{decimals}f}"
        # The first character before the row belongs to the axis on the left.
        middle = 1 + min(columns - 1, int(number * step / max(duration_s, 1e-9) * columns))
        start = max(0, min(columns + 1 - len(label), middle - len(label) // 2))
        row[start : start + len(label)] = label
    text = "".join(row)[: columns + 1].rstrip()
    return f"{text} s"
