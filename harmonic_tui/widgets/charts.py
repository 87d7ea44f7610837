"""The charts of the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from harmonic_tui.curves.series import is_finite
from harmonic_tui.widgets.chart import RIGHT, Chart, Line
from harmonic_tui.wording import figure

if TYPE_CHECKING:
    from harmonic_tui.curves.series import Curve

_GAP = "   "


def _joined(*forms: Sequence[tuple[str, str]]) -> Sequence[Content]:
    """Feet of words and their hues, the first with wide gaps and every one with narrow ones."""
    made = [[Content.styled(words, f"${hue}") for words, hue in form] for form in forms]
    return [Content(_GAP).join(made[0]), *(Content("  ").join(form) for form in made)]


class LossChart(Chart):
    """Training and validation loss."""

    heading = "Loss"
    waiting = "the loss appears with the first logging interval"

    def lines(self) -> Sequence[Line]:
        """Training loss by interval, validation loss by epoch."""
        curves = self.scale.curves
        return (
            Line("train", curves.step("loss"), "train", "┈"),
            Line("validation", curves.epoch("val_loss"), "validation", "━", short="val"),
        )

    def legends(self, lines: Sequence[Line]) -> Sequence[Sequence[Content]]:
        """With the learning rate and the gradient norm, where their own chart is not in sight and there is room."""
        forms = super().legends(lines)
        rate, norm = (self.scale.curves.step(name).newest for name in ("learning_rate", "grad_norm"))
        if rate is None and norm is None:
            return forms
        words = f"{_GAP}lr {figure(rate)}  norm {figure(norm)}"
        return [[*forms[0], Content.styled(words, "$muted")], *forms]

    def point(self) -> tuple[float, float] | None:
        """The best validation so far."""
        best = self.scale.best
        validation = self.scale.curves.epoch("val_loss")
        near = validation.at(best[1]) if best else None
        return (float(best[1]), best[2]) if best and near and near[0] == best[1] else None

    def feet(self) -> Sequence[Content]:
        """Both losses, the best one and its epoch."""
        train, validation = (line.curve for line in self.lines())
        now = [(f"train {figure(train.newest)}", "train"), (f"val {figure(validation.newest)}", "validation")]
        if not self.scale.best:
            return _joined(now)
        epoch, _, loss = self.scale.best
        best = f"◆ best {figure(loss)} at epoch {epoch}", f"◆ best {figure(loss)}", f"◆ {figure(loss)}"
        return _joined(*([*now, (words, "good")] for words in best), now)


class KLChart(Chart):
    """Rate of the code, and the weight that presses on it."""

    heading = "KL, nats per dimension, and beta"
    waiting = "KL and beta appear with the first logging interval"

    def lines(self) -> Sequence[Line]:
        """Beta on the right axis, KL on the left."""
        curves = self.scale.curves
        return (
            Line("beta (right)", curves.step("beta"), "beta", "┈", side=RIGHT, short="beta"),
            Line("KL", curves.step("kl"), "kl", "━"),
        )

    def feet(self) -> Sequence[Content]:
        """KL in three units, and beta."""
        newest = {name: figure(self.scale.curves.step(name).newest) for name in ("kl", "kl_nats", "kl_bits_per_s")}
        beta = f"beta {figure(self.scale.curves.step('beta').newest)}", "beta"
        full = [(f"{newest['kl']} nats/dim", "kl"), (f"{newest['kl_nats']} nats", "kl")]
        rate = f"{newest['kl_bits_per_s']} bit/s", "kl"
        return _joined([*full, rate, beta], [full[0], rate, beta], [full[0], beta], [full[0]])[1:]


class ReconstructionChart(Chart):
    """Error in the unit that people can judge, term by term, beside what costs nothing."""

    heading = "Reconstruction, dB"
    waiting = "waiting for the first figures"

    def lines(self) -> Sequence[Line]:
        """Errors on the training and on the validation tracks, and the terms that stand for what is heard."""
        curves = self.scale.curves
        terms = (
            Line("harmony (right)", self._term("harmony"), "beta", "h", RIGHT, end="h", short=""),
            Line("multi-scale", self._term("multi_scale_db"), "decoded", "m", end="m", short=""),
            Line("perceptual", self._term("perceptual_db"), "original", "p", end="p", short=""),
        )
        return (
            *(line for line in terms if line.curve.last >= 0),
            Line("train", curves.step("recon_db"), "train", "┈"),
            Line("validation", curves.epoch("val_recon_db"), "validation", "━", short="val"),
        )

    def _term(self, name: str) -> Curve:
        """A term on the validation tracks, or on those of the training where it is measured there only."""
        validation = self.scale.curves.epoch(f"val_{name}")
        return validation if validation.last >= 0 else self.scale.curves.step(name)

    def reading_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        """What counts most comes first."""
        return lines[::-1]

    def legends(self, lines: Sequence[Line]) -> Sequence[Sequence[Content]]:
        """The whole error before its terms."""
        return super().legends([*lines[-2:], *lines[:-2][::-1]])

    def level(self) -> float | None:
        """Error of always answering with the mean spectrum."""
        recorded = self.scale.curves.last_epoch_row.get("mean_spectrum_db")
        known = self.scale.mean_spectrum_db
        return known if known is not None else float(recorded) if is_finite(recorded) else None

    def feet(self) -> Sequence[Content]:
        """Newest errors, and the one to beat; an arrow where that one lies beyond the picture."""
        *terms, train, validation = self.lines()
        val = f"val {figure(validation.curve.newest)}", "validation"
        rest = f"train {figure(train.curve.newest)}", "train"
        parts = [(f"{line.end} {figure(line.curve.newest)}", line.hue) for line in reversed(terms)]
        level, newest = self.level(), validation.curve.newest or 0.0
        away = "" if self.shows_level or level is None else " ↑" if level > newest else " ↓"
        sign = "" if away else "─ "
        mean = f"{sign}mean spectrum {figure(level)}{away}", "muted"
        brief = f"{sign}mean {figure(level)}{away}", "muted"
        middle = [val, *parts] if parts else [val, mean]
        forms = [val, rest, *parts, mean], [val, *parts, mean], [val, *parts, brief], middle, [val, brief], [val]
        return _joined(*forms)[1:]


class RateChart(Chart):
    """Learning rate, and the gradients that it scales."""

    heading = "Gradient norm"
    waiting = "the learning rate appears with the first logging interval"

    def lines(self) -> Sequence[Line]:
        """Learning rate on the right axis, gradient norm on the left."""
        curves = self.scale.curves
        return (
            Line("learning rate (right)", curves.step("learning_rate"), "beta", "┈", side=RIGHT, short="lr (right)"),
            Line("norm", curves.step("grad_norm"), "original", "━"),
        )

    def feet(self) -> Sequence[Content]:
        """Both, now."""
        norm, rate = (figure(self.scale.curves.step(name).newest) for name in ("grad_norm", "learning_rate"))
        left = f"norm {norm}", "original"
        return _joined([left, (f"learning rate {rate}", "beta")], [left, (f"lr {rate}", "beta")])


CHARTS: dict[str, type[Chart]] = {
    "loss": LossChart,
    "kl": KLChart,
    "rate": RateChart,
    "reconstruction": ReconstructionChart,
}
"""Charts of the dashboard by the id of their widget, in the order in which a small screen shows them."""
