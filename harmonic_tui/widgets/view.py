"""What part of a run the charts of a screen show, and at what one points: the same for all of them."""

from __future__ import annotations

from collections.abc import Callable

NEAREST = 2.0
"""Most that one can look into: a window of so many steps."""
_NEAREST_SHARE = 2e-6
"""Or of so much of the whole."""
_FACTOR = 0.5
_PAN = 0.25


class View:
    """A window along the axis that all charts of a screen share, and the place of the crosshair.

    Parameters
    ----------
    nearest
        Width of the narrowest window.

    Attributes
    ----------
    window
        Low and high end; None while everything up to the newest figure is shown.
    cursor
        Where one points; None where one does not.
    clipped
        Whether outliers are cut off.
    """

    def __init__(self, nearest: float = NEAREST) -> None:
        self.window: tuple[float, float] | None = None
        self.cursor: float | None = None
        self.clipped = True
        self.nearest = nearest
        self._extents: dict[object, tuple[float, float]] = {}
        self._watchers: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None]) -> None:
        """Have something done whenever the view changes."""
        self._watchers.append(changed)

    def leave(self, chart: object, changed: Callable[[], None]) -> None:
        """Forget a chart and what it wanted done."""
        self._extents.pop(chart, None)
        if changed in self._watchers:
            self._watchers.remove(changed)

    def tell_extent(self, chart: object, low: float, high: float) -> None:
        """Take note of how far the curves of a chart reach."""
        self._extents[chart] = (low, high)

    def forget(self, chart: object) -> None:
        """Forget how far the curves of a chart reach; it tells when it is drawn."""
        self._extents.pop(chart, None)

    def begin_anew(self, nearest: float) -> None:
        """Show everything along another axis, on which old places mean nothing."""
        self.window = self.cursor = None
        self.nearest = nearest
        self._extents.clear()
        self._tell()

    @property
    def extent(self) -> tuple[float, float]:
        """How far all curves together reach."""
        lows, highs = zip(*self._extents.values(), strict=True) if self._extents else ((0.0,), (1.0,))
        return min(lows), max(highs)

    @property
    def shown(self) -> tuple[float, float]:
        """What is shown: the window, or everything."""
        return self.window or self.extent

    def zoom(self, towards: int, around: float | None = None) -> None:
        """Look closer (1) or from further away (-1) at the cursor, or wherever is said.

        Without either it is at the newest figures that one looks, or at the middle of a window without them.
        """
        (low, high), (first, last) = self.shown, self.extent
        around = self.cursor if around is None else around
        if around is None or not low <= around <= high:
            around = high if high >= last else (low + high) / 2
        width = max(self.nearest, _NEAREST_SHARE * (last - first), (high - low) * _FACTOR**towards)
        share = (around - low) / (high - low) if high > low else 0.5
        self._show(around - share * width, around + (1 - share) * width)

    def pan(self, windows: float) -> None:
        """Move the window along by quarters of its width."""
        if self.window is not None:
            low, high = self.window
            step = windows * _PAN * (high - low)
            self._show(low + step, high + step)

    def shift(self, by: float) -> None:
        """Move the window by a distance along the axis."""
        if self.window is not None:
            self._show(self.window[0] + by, self.window[1] + by)

    def point(self, place: float | None) -> None:
        """Point at a place, or at none; the window follows."""
        if place == self.cursor:
            return
        low, high = self.extent
        self.cursor = None if place is None else min(max(place, low), high)
        if self.window is not None and self.cursor is not None:
            low, high = self.window
            if not low <= self.cursor <= high:
                step = self.cursor - high if self.cursor > high else self.cursor - low
                self._show(low + step, high + step)
                return
        self._tell()

    def step(self, columns: int, width: int) -> None:
        """Move the cursor by columns of a chart that has `width` of them; it begins at the newest figure."""
        low, high = self.shown
        here = min(max(self.cursor, low), high) if self.cursor is not None else high + (high - low) / max(1, width - 1)
        self.point(here + columns * (high - low) / max(1, width - 1))

    def clip(self) -> None:
        """Cut outliers off, or show them."""
        self.clipped = not self.clipped
        self._tell()

    def whole(self) -> None:
        """Show everything and follow the newest figures; a second time, stop pointing as well."""
        if self.window is None:
            self.cursor = None
        self.window = None
        self._tell()

    def _show(self, low: float, high: float) -> None:
        first, last = self.extent
        width = min(high - low, last - first)
        low = min(max(low, first), last - width)
        self.window = None if width >= last - first else (low, low + width)
        self._tell()

    def _tell(self) -> None:
        for changed in list(self._watchers):
            changed()
