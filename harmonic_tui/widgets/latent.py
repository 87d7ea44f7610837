"""The latent: how many of its dimensions carry anything, and how much each."""

from __future__ import annotations

import math

from textual.content import Content
from textual.widget import Widget

from harmonic_core.run.records import Row
from harmonic_core.run.words import count
from harmonic_tui.curves.series import is_finite, is_number
from harmonic_tui.wording import figure, percent

_BARS = " ▁▂▃▄▅▆▇█"
_COLLAPSED_NATS = 0.01


class LatentPanel(Widget):
    """A bar for each latent dimension. On one line: the figures alone."""

    def __init__(self) -> None:
        super().__init__(id="latent", classes="frame")
        self._row: Row = {}
        self._kl: list[float] = []

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("Latent")

    def tell(self, epoch_row: Row) -> None:
        """Show the newest row that closed an epoch."""
        if epoch_row is self._row:
            return
        self._row = epoch_row
        recorded = epoch_row.get("kl_per_dim")
        self._kl = [float(kl) if is_number(kl) else math.nan for kl in recorded] if isinstance(recorded, list) else []
        self.border_title = Content(f"Latent: {self._activity()}")
        self.border_subtitle = Content.styled(self._legend(), "$muted") if self._kl else Content("")
        self.refresh()

    def render(self) -> Content:
        """Bars, or words."""
        if not self._kl:
            words = "latent: measured after the first epoch" if self.size.height <= 1 else "measured after each epoch"
            return Content.styled(words, "$muted")
        width, height = max(1, self.size.width), self.size.height
        if height <= 1:
            bars = _bars(_pooled(self._kl, max(1, width - 34)), self._top())
            return Content.assemble(f"latent {self._activity()}  ", Content.styled(bars, "$kl"))
        bars = _bars(_pooled(self._kl, width * height), self._top())
        rows = math.ceil(len(bars) / width)
        even = math.ceil(len(bars) / rows)
        lines = [bars[start : start + even] for start in range(0, len(bars), even)]
        gap = "\n\n" if 2 * rows - 1 <= height else "\n"
        return Content.styled(gap.join(lines), "$kl")

    def _activity(self) -> str:
        active = self._row.get("active_units")
        known = count(active) if is_finite(active) else "n/a"
        return f"{known} of {count(len(self._kl))} active" if self._kl else "no figures yet"

    def _legend(self) -> str:
        sparsity = self._row.get("sparsity")
        sparse = f"   sparsity {percent(sparsity)}" if is_finite(sparsity) else ""
        return f"KL ≤ {figure(self._top())} nats{sparse}"

    def _top(self) -> float:
        return max((kl for kl in self._kl if math.isfinite(kl)), default=0.0)


def _pooled(values: list[float], cells: int) -> list[float]:
    """At most `cells` values: of neighbours the largest, or the one that is no number."""
    share = max(1, math.ceil(len(values) / max(1, cells)))
    return [max(values[start : start + share], key=_size) for start in range(0, len(values), share)]


def _size(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _bars(values: list[float], top: float) -> str:
    return "".join(_bar(value, top) for value in values)


def _bar(value: float, top: float) -> str:
    if not math.isfinite(value):
        return "×"
    if value < _COLLAPSED_NATS or top <= 0:
        return "·"
    return _BARS[max(1, min(8, math.ceil(8 * value / top)))]
