"""A mel spectrogram with its axes: frequency on the left, the meaning of colours on the right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from harmonic_tui.pictures.colours import difference_colours, level_colours
from harmonic_tui.pictures.graphics import Pixels
from harmonic_tui.widgets.axes import round_step
from harmonic_tui.widgets.picture import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_tui.pictures.graphics import Way
    from harmonic_tui.pictures.spectra import Spectrum

LEFT, RIGHT = 8, 10
"""Columns beside the picture; the wave below leaves the same, so that time is in the same place."""

DIFFERENCE_DB = 20.0
"""Half the height of the window of differences."""


class Spectrogram(Horizontal):
    """The picture of one sound, or of how two of them differ."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, classes="spectrogram")
        self._spectrum: Spectrum | None = None
        self._levels: NDArray[np.float32] | None = None
        self._window = (0.0, -80.0)
        self._way: Way = "blocks"
        self._pixels: Pixels | None = None

    def compose(self) -> ComposeResult:
        """Axis, picture and legend, or words in their place."""
        yield FrequencyAxis()
        yield Picture()
        yield Legend()
        yield Static(classes="instead")

    def on_mount(self) -> None:
        """Colours come from the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def draw_in(self, way: Way, pixels: Pixels | None) -> None:
        """Choose how pictures are drawn."""
        if (way, pixels) != (self._way, self._pixels):
            self._way, self._pixels = way, pixels
            self._draw()

    def show(self, spectrum: Spectrum, window: tuple[float, float]) -> None:
        """Show a sound; `window` gives the levels in dB of the first and the last colour."""
        top, bottom = window
        self._spectrum, self._window = spectrum, window
        self._levels = (spectrum.mel_db[::-1] - bottom) / (top - bottom)
        self._draw()

    def show_difference(self, spectrum: Spectrum, difference: NDArray[np.float32]) -> None:
        """Show how much louder the original is, in dB by band and frame."""
        self._spectrum = spectrum
        self._window = (DIFFERENCE_DB, -DIFFERENCE_DB)
        self._levels = difference[::-1] / (2 * DIFFERENCE_DB) + 0.5
        self._draw()

    def say(self, words: Content) -> None:
        """Say in words why there is no picture."""
        self._spectrum = self._levels = None
        self.query_one(".instead", Static).update(words)
        self._draw()

    def point(self, share: float | None) -> None:
        """Show where the sound is."""
        self.query_one(Picture).point(share if self._levels is not None else None)

    @property
    def colours(self) -> NDArray[np.uint8]:
        """Colours from the lowest level to the highest, (256, 3)."""
        theme = self.app.theme_variables
        if self._signed_now:
            return difference_colours(theme)
        return level_colours(theme, dark=self.app.current_theme.dark)

    @property
    def _signed_now(self) -> bool:
        return self._window[0] == -self._window[1]

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        self.set_class(self._levels is None, "-empty")
        self.query_one(FrequencyAxis).show(self._spectrum)
        picture = self.query_one(Picture)
        if self._levels is None:
            picture.take_away()
            return
        colours = self.colours
        picture.show(self._levels, colours, self._way, self._pixels, signed=self._signed_now)
        self.query_one(Legend).show(self._window, colours, self._way)


class FrequencyAxis(Widget):
    """Round frequencies at the heights where the picture has them."""

    def __init__(self) -> None:
        super().__init__()
        self._spectrum: Spectrum | None = None

    def show(self, spectrum: Spectrum | None) -> None:
        """Label another picture."""
        self._spectrum = spectrum
        self.refresh()

    def render(self) -> Content:
        """A line a row."""
        rows = self.size.height
        if self._spectrum is None or not rows:
            return Content("")
        from harmonic_tui.pictures.spectra import hertz_rows

        labels = dict(hertz_rows(self._spectrum, rows))
        lines = (f"{labels[row]:>{LEFT - 1}}┤" if row in labels else f"{'│':>{LEFT}}" for row in range(rows))
        return Content.styled("\n".join(lines), "$ticks")


class Legend(Widget):
    """Which colour is which level."""

    def __init__(self) -> None:
        super().__init__()
        self._window = (0.0, -80.0)
        self._colours: NDArray[np.uint8] | None = None
        self._way: Way = "blocks"

    def show(self, window: tuple[float, float], colours: NDArray[np.uint8], way: Way) -> None:
        """Explain other colours."""
        self._window, self._colours, self._way = window, colours, way
        self.refresh()

    def render(self) -> Content:
        """A line a row: the colour, and round levels."""
        rows = self.size.height
        if self._colours is None or not rows:
            return Content("")
        top, bottom = self._window
        labels = self._labels(rows)
        lines = []
        for row in range(rows):
            share = 1 - (row + 0.5) / rows
            red, green, blue = map(int, self._colours[min(255, int(256 * share))])
            bar = Content.styled("██", Color(red, green, blue).hex)
            if self._way == "characters":
                bar = Content(2 * Picture.character(share, signed=top == -bottom))
            lines.append(Content.assemble(" ", bar, Content.styled(labels.get(row, ""), "$ticks")))
        return Content("\n").join(lines)

    def _labels(self, rows: int) -> dict[int, str]:
        """Round levels in the rows that have their colours, not too close to each other."""
        top, bottom = self._window
        apart = round_step(top - bottom, max(2, min(6, rows // 3 + 1)))
        placed: dict[int, str] = {}
        level = math.floor(top / apart + 1e-9) * apart
        while level >= bottom - 1e-9:
            row = min(rows - 1, int((top - level) / (top - bottom) * rows))
            sign = "+" if level > 0 and bottom < 0 < top else ""
            placed[row] = f" {sign}{level:.0f}{'' if placed else ' dB'}".replace("-", "−")
            level -= apart
        return placed
