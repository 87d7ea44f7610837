"""Curves drawn in dots of braille, eight a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_tui.curves.columns import Reals

DOTS_ACROSS, DOTS_DOWN = 2, 4
"""Dots of a cell."""

_BRAILLE = 0x2800
_WEIGHTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a cell's dots, row by row."""


class Canvas:
    """A field of cells in which lines are drawn; a later line lies on top of the earlier ones.

    Parameters
    ----------
    columns, rows
        Its size in cells.
    """

    def __init__(self, columns: int, rows: int) -> None:
        import numpy as np

        self.columns, self.rows = columns, rows
        self._dots = np.zeros((rows * DOTS_DOWN, columns * DOTS_ACROSS), np.uint8)
        self._hues = np.zeros((rows, columns), np.int16)
        self._names: list[str] = [""]
        self._signs: dict[tuple[int, int], tuple[str, str]] = {}

    @property
    def width(self) -> int:
        """Dots across."""
        return self.columns * DOTS_ACROSS

    @property
    def height(self) -> int:
        """Dots down."""
        return self.rows * DOTS_DOWN

    def line(self, across: Reals, down: Reals, hue: str) -> None:
        """Draw a line through points, in dots from the upper left corner; it is broken where `down` is NaN."""
        import numpy as np

        at, height = _dots_between(across, np.clip(down, -DOTS_DOWN, self.height + DOTS_DOWN), self.width)
        inside = (at >= 0) & (at < self.width) & (height >= 0) & (height < self.height)
        at, height = at[inside], height[inside]
        # Dots of several lines in one cell, which has one colour, would be a tangle: the last one has it alone.
        cells = self._dots.reshape(self.rows, DOTS_DOWN, self.columns, DOTS_ACROSS)
        cells[height // DOTS_DOWN, :, at // DOTS_ACROSS, :] = 0
        self._dots[height, at] = 1
        self._names.append(hue)
        self._hues[height // DOTS_DOWN, at // DOTS_ACROSS] = len(self._names) - 1

    def put(self, row: int, column: int, sign: str, hue: str, *, behind: bool = False) -> None:
        """Put a character into a cell, over whatever is drawn there, or `behind` only where nothing is."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            return
        if behind and ((row, column) in self._signs or self._hues[row, column]):
            return
        self._signs[row, column] = (sign, hue)

    def lines(self) -> list[list[tuple[str, str]]]:
        """Every row as pieces of one hue: text, name of the hue."""
        import numpy as np

        weights = np.tile(np.array(_WEIGHTS, np.uint8), (self.rows, self.columns))
        folded = (self._dots * weights).reshape(self.rows, DOTS_DOWN, self.columns, DOTS_ACROSS)
        codes = folded.sum(axis=(1, 3), dtype=np.int64).tolist()
        hues = self._hues.tolist()
        signs_by_row: dict[int, list[tuple[int, str, str]]] = {}
        for (row, column), (sign, hue) in self._signs.items():
            signs_by_row.setdefault(row, []).append((column, sign, hue))
        drawn = []
        for row in range(self.rows):
            texts = [chr(_BRAILLE + code) if code else " " for code in codes[row]]
            names = [self._names[hue] for hue in hues[row]]
            for column, sign, hue in signs_by_row.get(row, ()):
                texts[column], names[column] = sign, hue
            drawn.append(_runs(texts, names))
        return drawn


def _runs(texts: list[str], names: list[str]) -> list[tuple[str, str]]:
    runs: list[tuple[str, str]] = []
    start = 0
    for column in range(1, len(texts) + 1):
        if column == len(texts) or names[column] != names[start]:
            runs.append(("".join(texts[start:column]), names[start]))
            start = column
    return runs


def _dots_between(across: Reals, down: Reals, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Dots of the line through the points, and every point itself."""
    import numpy as np

    finite = np.isfinite(down)
    alone = np.rint(across[finite]), np.rint(down[finite])
    begin = np.flatnonzero(finite[:-1] & finite[1:])
    x, y = across[begin], down[begin]
    x_end, y_end = across[begin + 1], down[begin + 1]
    # Lines that come from outside, or leave, are cut at the edges: their far ends may be as far as one likes.
    for edge, beyond in ((-1.0, np.less), (float(width), np.greater)):
        for here, here_y, there, there_y in ((x, y, x_end, y_end), (x_end, y_end, x, y)):
            cut = beyond(here, edge) & ~beyond(there, edge)
            share = (edge - here[cut]) / (there[cut] - here[cut])
            here_y[cut] += share * (there_y[cut] - here_y[cut])
            here[cut] = edge
    seen = (np.maximum(x, x_end) >= -1) & (np.minimum(x, x_end) <= width)
    x, y, x_end, y_end = x[seen], y[seen], x_end[seen], y_end[seen]
    number = np.maximum(np.abs(x_end - x), np.abs(y_end - y)).astype(np.int64) + 1
    line = np.repeat(np.arange(len(number)), number + 1)
    index = np.arange(len(line)) - np.repeat(np.cumsum(number + 1) - (number + 1), number + 1)
    share = index / number[line]
    at = np.concatenate((np.rint(x[line] + share * (x_end - x)[line]), np.clip(alone[0], -1, width)))
    height = np.concatenate((np.rint(y[line] + share * (y_end - y)[line]), alone[1]))
    return at.astype(np.int64), height.astype(np.int64)
