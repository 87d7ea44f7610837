"""The newest evaluation on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from harmonic_tui.plain import plain
from harmonic_tui.runs.evaluated import Evaluated
from harmonic_tui.wording import figure, hundredths, percent

if TYPE_CHECKING:
    from harmonic_core.run.evaluations import Report, Telling


class EvaluationLine(Widget):
    """The most telling figures of the newest evaluation, as many as fit, and when they were measured."""

    class Wanted(Message):
        """Somebody wants to see everything that was measured."""

    def __init__(self, evaluated: Evaluated) -> None:
        super().__init__(id="evaluation")
        self._evaluated = evaluated
        self._shown: tuple[object, ...] = ()

    def tell(self) -> None:
        """Show what changed."""
        evaluated = self._evaluated
        shown = evaluated.report, tuple(evaluated.goals), evaluated.measured
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def on_click(self) -> None:
        """A click shows everything."""
        self.post_message(self.Wanted())

    def render(self) -> Content:
        """The figures, or when there will be some."""
        width = max(1, self.size.width)
        evaluated = self._evaluated
        if evaluated.report is None:
            words = Content.styled(f"case study: {evaluated.measured}", "$muted")
            return words.truncate(width, ellipsis=True)
        figures, (reached, promised) = _figures(evaluated.report), evaluated.kept
        when = f"epoch {evaluated.report.epoch}"
        lines = [
            _line(evaluated.measured, figures, f"{reached} of {promised} reached" if promised else "", "   "),
            *(
                _line(when, figures[:count], f"{reached}/{promised}" if promised else "", "  ")
                for count in range(len(figures), -1, -1)
            ),
        ]
        return next((line for line in lines if line.cell_length <= width), lines[-1].truncate(width, ellipsis=True))


def _line(when: str, figures: Sequence[Content], reached: str, gap: str) -> Content:
    told = [Content.styled(f"case study {reached}", "$primary")] if reached else []
    # Underlined like anything that can be clicked.
    return Content(gap).join([Content.styled(when, "$muted underline"), *figures, *told])


def _figures(report: Report) -> list[Content]:
    """Figures, the most telling first."""
    parts = [
        Content(f"mel {figure(report.model.mel_db)} dB"),
        Content(f"perceptual {figure(report.model.perceptual_db)} dB"),
    ]
    if label := telling_label(report):
        told = report.tells_apart[label]
        parts.append(
            Content.assemble(
                f"{plain(label, 16)} kNN {percent(told.neighbours)}",
                Content.styled(f" (chance {percent(told.chance)})", "$muted"),
            )
        )
    parts.append(Content(f"chroma {hundredths(report.model_and_vocoder.chroma)}"))
    if report.draws:
        parts.append(Content(f"mel-FD {figure(report.draws.mel_fd)} dB²"))
    return parts


def telling_label(report: Report) -> str | None:
    """The label by which the latent is judged first: genre where it is known."""
    known: dict[str, Telling] = report.tells_apart
    return "genre" if "genre" in known else next(iter(known), None)
