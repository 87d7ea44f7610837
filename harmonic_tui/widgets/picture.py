"""A picture of levels on the characters of a terminal, or on its pixels where it has them to give."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color as RichColor
from rich.segment import ControlType, Segment
from rich.style import Style
from textual import events
from textual.dom import NoScreen
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from harmonic_tui.pictures.graphics import MOST_ROWS, KittyPicture, Pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_tui.pictures.graphics import Way

_RAMP = " .:-=+*#%@"
_LOUDER, _QUIETER = " .+*#", " .-=≡"
"""Differences without colours: the original is louder, the reconstruction is."""
_SHADES = 64
"""Colours that half-blocks use: more would hardly be seen, and each change of colour is sent."""
_PLAYHEAD = "│"
_FINEST = 1600, 800
"""Most pixels of a picture across and down."""


class Picture(Widget):
    """Levels from 0 to 1, (rows, columns) with the highest row first, stretched over the whole widget."""

    class Pointed(Message):
        """Somebody clicked at a share of its width, from 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self) -> None:
        super().__init__()
        self._signed = False
        self._levels: NDArray[np.float32] | None = None
        self._colours: NDArray[np.uint8] | None = None
        self._way: Way = "blocks"
        self._pixels: Pixels | None = None
        self._playhead: float | None = None
        self._strips: list[Strip] = []
        self._sixel = ""
        self._kitty: KittyPicture | None = None

    def show(
        self,
        levels: NDArray[np.float32],
        colours: NDArray[np.uint8],
        way: Way,
        pixels: Pixels | None,
        *,
        signed: bool = False,
    ) -> None:
        """Show other levels, or the same in another way. Of signed ones 0.5 stands for nothing."""
        if way in {"kitty", "sixel"} and pixels is None:
            way = "blocks"
        self._levels, self._colours, self._way, self._pixels = levels, colours, way, pixels
        self._signed = signed
        self._draw()

    def take_away(self) -> None:
        """Show nothing."""
        if self._levels is not None:
            self._levels = None
            self._draw()

    @property
    def way(self) -> Way:
        """How it is drawn."""
        return self._way

    def point(self, share: float | None) -> None:
        """Move the line that shows where the sound is; None takes it away."""
        before, now = self._column(self._playhead), self._column(share)
        self._playhead = share
        if self._way != "sixel" and before != now:
            self.refresh(*(Region(column, 0, 1, self.size.height) for column in (before, now) if column is not None))

    def on_resize(self) -> None:
        """The picture is made for the size."""
        self._draw()

    def on_unmount(self) -> None:
        """Give the terminal its memory back."""
        if self._kitty:
            self._kitty.free()

    def on_click(self, event: events.Click) -> None:
        """Say where."""
        event.stop()
        self.post_message(self.Pointed((event.x + 0.5) / max(1, self.size.width)))

    def _column(self, share: float | None) -> int | None:
        return None if share is None else min(self.size.width - 1, int(share * self.size.width))

    def _draw(self) -> None:
        rows, columns = self.size.height, self.size.width
        self._strips, self._sixel = [], ""
        if self._levels is not None and self._colours is not None and rows and columns:
            match self._way:
                case "blocks":
                    self._strips = self._blocks(rows, columns)
                case "characters":
                    self._strips = self._characters(rows, columns)
                case "kitty":
                    self._strips = self._placeholders(min(rows, MOST_ROWS), columns)
                case "sixel":
                    from harmonic_tui.pictures.graphics import sixel_of

                    # Sixel comes in bands of six; a last one that is cut would scroll some terminals.
                    self._sixel = sixel_of(self._rgb(rows, columns, of_six=True))
        elif self._kitty:
            self._kitty.free()
        self.refresh()

    def _blocks(self, rows: int, columns: int) -> list[Strip]:
        import numpy as np

        levels = self._resampled(2 * rows, columns)
        assert self._colours is not None
        step = len(self._colours) / _SHADES
        palette = [tuple(map(int, self._colours[int((shade + 0.5) * step)])) for shade in range(_SHADES)]
        shades = np.minimum(_SHADES - 1, (levels * _SHADES).astype(int)).tolist()
        strips = []
        for upper, lower in zip(shades[::2], shades[1::2], strict=True):
            segments, start = [], 0
            pairs = list(zip(upper, lower, strict=True))
            for place in range(1, columns + 1):
                if place == columns or pairs[place] != pairs[start]:
                    top, bottom = pairs[start]
                    segments.append(Segment("▀" * (place - start), _two_colours(palette[top], palette[bottom])))
                    start = place
            strips.append(Strip(segments, columns))
        return strips

    def _characters(self, rows: int, columns: int) -> list[Strip]:
        style = self.rich_style
        levels = self._resampled(rows, columns).tolist()
        lines = ("".join(self.character(level, signed=self._signed) for level in line) for line in levels)
        return [Strip([Segment(line, style)], columns) for line in lines]

    @staticmethod
    def character(level: float, *, signed: bool) -> str:
        """What stands for a level where there are no colours."""
        ramp, share = _RAMP, level
        if signed:
            ramp, share = (_LOUDER if level > 0.5 else _QUIETER), abs(2 * level - 1)
        return ramp[min(len(ramp) - 1, int(share * len(ramp)))]

    def _placeholders(self, rows: int, columns: int) -> list[Strip]:
        if self._kitty is None:
            self._kitty = KittyPicture(self._write)
        self._kitty.send(self._rgb(rows, columns), columns, rows)
        style = self.rich_style + Style(color=self._kitty.colour)
        return [Strip([Segment(self._kitty.characters(row, columns), style)], columns) for row in range(rows)]

    def _write(self, text: str) -> None:
        driver = self.app._driver
        # Through the framework's own writer: it keeps what is written in one piece.
        if driver is not None and not driver.is_headless:
            driver.write(text)

    def _rgb(self, rows: int, columns: int, *, of_six: bool = False) -> NDArray[np.uint8]:
        import numpy as np

        assert self._pixels is not None
        assert self._colours is not None
        height, width = rows * self._pixels.height, columns * self._pixels.width
        if of_six:
            height -= height % 6
        else:
            width, height = min(width, _FINEST[0]), min(height, _FINEST[1])
        last = len(self._colours) - 1
        levels = self._resampled(height, width)
        shown: NDArray[np.uint8] = self._colours[np.clip(levels * last + 0.5, 0, last).astype(int)]
        return shown

    def _resampled(self, rows: int, columns: int) -> NDArray[np.float32]:
        import numpy as np

        from harmonic_tui.pictures.spectra import resampled

        assert self._levels is not None
        return np.clip(resampled(self._levels, rows, columns), 0.0, 1.0)

    def render_line(self, y: int) -> Strip:
        """One row, with the line that shows where the sound is."""
        width = self.size.width
        if y >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        strip, column = self._strips[y], self._column(self._playhead)
        if column is None or strip.cell_length != width:
            return strip
        before, at, after = strip.divide([column, column + 1, width])
        behind = next((segment.style for segment in at if segment.style), None)
        ground = behind.bgcolor if behind and self._way == "blocks" else None
        style = Style(color=self._line_colour(), bgcolor=ground or self.rich_style.bgcolor)
        return Strip.join([before, Strip([Segment(_PLAYHEAD, style)], 1), after])

    def _line_colour(self) -> RichColor:
        return _parsed(self.app.theme_variables.get("foreground", "#ffffff"))

    def render_lines(self, crop: Region) -> list[Strip]:
        """All rows of the part `crop`; a picture in Sixel is drawn over the last of them."""
        if not self._sixel:
            return super().render_lines(crop)
        blank = Strip.blank(crop.width, self.rich_style)
        try:
            in_front = self.screen.is_current
        except NoScreen:
            in_front = False
        if not in_front or crop.size != self.size:
            return [blank] * crop.height
        place = self.screen.find_widget(self).visible_region
        drawn = [
            *blank,
            Segment(f"\x1b7\x1b[{place.y + 1};{place.x + 1}H", None, [(ControlType.CURSOR_FORWARD, 0)]),
            Segment(f"{self._sixel}\x1b8", None, [(ControlType.CURSOR_FORWARD, 0)]),
        ]
        return [blank] * (crop.height - 1) + [Strip(drawn, crop.width)]


@lru_cache(maxsize=_SHADES**2)
def _two_colours(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Style:
    return Style(color=RichColor.from_rgb(*top), bgcolor=RichColor.from_rgb(*bottom))


@lru_cache(maxsize=16)
def _parsed(colour: str) -> RichColor:
    from textual.color import Color

    return Color.parse(colour).rich_color
