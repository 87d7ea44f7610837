"""The line that says what the figures mean, and where sound goes."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from harmonic_tui.series import Curve
from harmonic_tui.wording import figure

LOOK_BACK_EPOCHS = 5
_NOTICEABLE = 0.002
"""A change of the error by less than this share is noise."""


def verdict(errors: Curve, baseline_db: float | None) -> tuple[str, str]:
    """Judge the validation error in dB over the last epochs.

    Returns
    -------
    sentence, hue
        What to make of it, and the theme variable of its mark.
    """
    values = errors.values
    if not values:
        return "No validation yet: the first epoch has to close.", "muted"
    last, best = values[-1], min(values)
    if baseline_db is not None and last >= baseline_db:
        return f"Not yet better than the mean spectrum: {figure(last)} against {figure(baseline_db)} dB.", "look"
    if len(values) <= LOOK_BACK_EPOCHS:
        return f"Validation error {figure(last)} dB; a trend shows after {LOOK_BACK_EPOCHS + 1} epochs.", "muted"
    before = min(values[:-LOOK_BACK_EPOCHS])
    recent = min(values[-LOOK_BACK_EPOCHS:])
    change = (recent - before) / before if before else 0.0
    if change < -_NOTICEABLE:
        return f"Still improving: validation −{-100 * change:.1f} % over the last {LOOK_BACK_EPOCHS} epochs.", "good"
    since = len(values) - 1 - values.index(best)
    if recent > best * 1.02:
        return f"Getting worse: {figure(recent)} dB at best lately, {figure(best)} dB {since} epochs ago.", "look"
    return f"Level for {since} epochs at {figure(best)} dB: more epochs may bring little.", "look"


class VerdictLine(Widget):
    """Verdict on the left, sound on the right."""

    def __init__(self) -> None:
        super().__init__(id="verdict")
        self._verdict: tuple[str, str] = ("", "muted")
        self._sound = ""

    def judge(self, errors: Curve, baseline_db: float | None) -> None:
        """Say what the validation errors mean."""
        told = verdict(errors, baseline_db)
        if told != self._verdict:
            self._verdict = told
            self.refresh()

    def tell_sound(self, route: str) -> None:
        """Say where sound goes, or what just came of it."""
        if route != self._sound:
            self._sound = route
            self.refresh()

    def render(self) -> Content:
        """One line; the verdict gives way."""
        width = max(1, self.size.width)
        sentence, hue = self._verdict
        sound = Content.styled(f"sound: {self._sound}" if self._sound else "", "$muted").truncate(
            max(20, width - 30), ellipsis=True
        )
        left = Content.styled(sentence, f"${hue}").truncate(max(0, width - sound.cell_length - 2), ellipsis=True)
        return Content.assemble(left, " " * max(1, width - left.cell_length - sound.cell_length), sound)
