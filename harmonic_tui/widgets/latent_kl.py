"""KL of every latent dimension as bars: how much each of them carries."""

from __future__ import annotations

import math
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.records import Row
from harmonic_core.run.words import count
from harmonic_tui.curves.series import is_finite, is_number
from harmonic_tui.wording import figure, percent

_BARS = " ▁▂▃▄▅▆▇█"
_NOTHING_NATS = 0.01
"""KL below which a dimension says nothing."""


class KlBars(Widget, can_focus=True):
    """A bar for each latent dimension, by number or by size, as the newest epoch measured it."""

    heading: ClassVar[str] = "KL per dimension"

    def __init__(self) -> None:
        super().__init__(id="kl-bars", classes="frame")
        self._row: Row = {}
        self._kl: list[float] = []
        self.by_size = True

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self._show()

    def tell(self, epoch_row: Row) -> None:
        """Show the newest row that closed an epoch."""
        if epoch_row is not self._row:
            self._row = epoch_row
            told = epoch_row.get("kl_per_dim")
            self._kl = [float(kl) if is_number(kl) else math.nan for kl in told] if isinstance(told, list) else []
            self._show()

    def turn(self) -> None:
        """Show them in the other order."""
        self.by_size = not self.by_size
        self._show()

    def on_click(self) -> None:
        """A click does as the key."""
        self.turn()

    def on_resize(self) -> None:
        """Say anew how many dimensions a bar stands for."""
        self._show()

    def _show(self) -> None:
        order = "" if not self._kl else ", largest first" if self.by_size else f", 0 to {len(self._kl) - 1}"
        self.border_title = Content.assemble(self.heading, order, (self._activity(), "$muted"))
        self.border_subtitle = self._legend() if self._kl else Content("")
        self.refresh()

    def _activity(self) -> str:
        if not self._kl:
            return ""
        active, sparsity = self._row.get("active_units"), self._row.get("sparsity")
        counted = f"  {count(active)} of {count(len(self._kl))} active" if is_finite(active) else ""
        epoch = self._row.get("epoch")
        when = f"   epoch {count(epoch)}" if is_finite(epoch) else ""
        return counted + (f"   sparsity {percent(sparsity)}" if is_finite(sparsity) else "") + when

    def _legend(self) -> Content:
        finite = [kl for kl in self._kl if math.isfinite(kl)]
        strange = len(self._kl) - len(finite)
        silent = sum(kl < _NOTHING_NATS for kl in finite)
        largest = max(range(len(self._kl)), key=lambda index: self._kl[index] if math.isfinite(self._kl[index]) else 0)
        pooled = math.ceil(len(self._kl) / max(1, self.size.width))
        parts = [
            f"tallest {figure(max(finite, default=0.0))} nats, dimension {count(largest)}",
            f"sum {figure(math.fsum(finite))} nats",
            *([f"· {count(silent)} below {_NOTHING_NATS} nats"] if silent else []),
            *([f"× {count(strange)} not a number"] if strange else []),
            *([f"a bar is {pooled} dimensions, the largest of them"] if pooled > 1 else []),
        ]
        hint = Content.assemble(("n", "$primary"), (f" {'by number' if self.by_size else 'by size'}", "$muted"))
        told = Content("")
        for part in parts:
            longer = Content.assemble(told, (part + "   ", "$muted"))
            if longer.cell_length + hint.cell_length > self.size.width - 2:
                break
            told = longer
        return Content.assemble(told, hint)

    def render(self) -> Content:
        """Bars, or words."""
        if not self._kl:
            return Content.styled("a bar for every dimension comes with the first epoch", "$muted")
        width, rows = max(1, self.size.width), max(1, self.size.height)
        ordered = sorted(self._kl, key=_size, reverse=True) if self.by_size else self._kl
        bars = _pooled(ordered, width)
        # A few have broad bars with gaps between them; else they fill the width.
        broad = min(4, width // len(bars))
        gap = int(broad > 2)
        if not gap:
            broad, bars = 1, [bars[column * len(bars) // width] for column in range(width)]
        top = max((bar for bar in bars if math.isfinite(bar)), default=0.0)
        lines = []
        for row in range(rows - 1, -1, -1):
            cells = "".join(_cell(bar, top, row, rows) * (broad - gap) + " " * gap for bar in bars)
            lines.append(Content.styled(cells[:width], "$kl"))
        return Content("\n").join(lines)


def _pooled(values: list[float], bars: int) -> list[float]:
    """At most so many values: of neighbours the largest, or the one that is no number."""
    count, bars = len(values), min(len(values), bars)
    return [max(values[bar * count // bars : -(-(bar + 1) * count // bars)], key=_size) for bar in range(bars)]


def _cell(value: float, top: float, row: int, rows: int) -> str:
    """What stands in a row, the lowest is 0, of the bar of `value`."""
    if not math.isfinite(value):
        return "×" if row == 0 else " "
    if value < _NOTHING_NATS or top <= 0:
        return "·" if row == 0 else " "
    eighths = max(1, round(8 * rows * value / top)) - 8 * row
    return _BARS[max(0, min(8, eighths))]


def _size(value: float) -> float:
    return value if math.isfinite(value) else math.inf
