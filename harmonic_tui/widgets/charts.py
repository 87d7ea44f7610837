"""The charts of the dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from harmonic_tui.curves.series import is_finite
from harmonic_tui.widgets.chart import RIGHT, Chart, Line
from harmonic_tui.wording import figure

_GAP = "   "


class LossChart(Chart):
    """Training and validation loss."""

    heading = "Loss"
    waiting = "the loss appears with the first logging interval"

    def lines(self) -> Sequence[Line]:
        """Training loss by interval, validation loss by epoch."""
        curves = self.scale.curves
        return (
            Line("train", curves.step("loss"), "train", "┈"),
            Line("validation", curves.epoch("val_loss"), "validation", "━"),
        )

    def point(self) -> tuple[float, float] | None:
        """The best validation so far."""
        best = self.scale.best
        validation = self.scale.curves.epoch("val_loss")
        near = validation.at(best[1]) if best else None
        return (float(best[1]), best[2]) if best and near and near[0] == best[1] else None

    def foot(self) -> Content:
        """Both losses, the best one and its epoch."""
        train, validation = (line.curve for line in self.lines())
        parts = [
            Content.styled(f"train {figure(train.newest)}", "$train"),
            Content.styled(f"val {figure(validation.newest)}", "$validation"),
        ]
        if self.scale.best:
            epoch, _, loss = self.scale.best
            parts.append(Content.styled(f"◆ best {figure(loss)} at epoch {epoch}", "$good"))
        return Content(_GAP).join(parts)


class KLChart(Chart):
    """Rate of the code, and the weight that presses on it."""

    heading = "KL, nats per dimension, and beta"
    waiting = "KL and beta appear with the first logging interval"

    def lines(self) -> Sequence[Line]:
        """Beta on the right axis, KL on the left."""
        curves = self.scale.curves
        return (
            Line("beta (right)", curves.step("beta"), "beta", "┈", side=RIGHT),
            Line("KL", curves.step("kl"), "kl", "━"),
        )

    def foot(self) -> Content:
        """KL in three units, and beta."""
        curves = self.scale.curves
        return Content.assemble(
            Content.styled(f"{figure(curves.step('kl').newest)} nats/dim", "$kl"),
            Content.styled(f"  {figure(curves.step('kl_nats').newest)} nats", "$kl"),
            Content.styled(f"  {figure(curves.step('kl_bits_per_s').newest)} bit/s", "$kl"),
            Content.styled(f"  beta {figure(curves.step('beta').newest)}", "$beta"),
        )


class ReconstructionChart(Chart):
    """Error in the unit that people can judge, beside what costs nothing."""

    heading = "Error, dB"
    waiting = "waiting for the first figures"

    def lines(self) -> Sequence[Line]:
        """Error on the training and on the validation tracks."""
        curves = self.scale.curves
        return (
            Line("train", curves.step("recon_db"), "train", "┈"),
            Line("validation", curves.epoch("val_recon_db"), "validation", "━"),
        )

    def level(self) -> float | None:
        """Error of always answering with the mean spectrum."""
        recorded = self.scale.curves.last_epoch_row.get("mean_spectrum_db")
        known = self.scale.mean_spectrum_db
        return known if known is not None else float(recorded) if is_finite(recorded) else None

    def foot(self) -> Content:
        """Newest errors, and the one to beat."""
        train, validation = (line.curve for line in self.lines())
        parts = [
            Content.styled(f"val {figure(validation.newest)}", "$validation"),
            Content.styled(f"─ mean spectrum {figure(self.level())}", "$muted"),
        ]
        if self.size.width > 46:
            parts.insert(1, Content.styled(f"train {figure(train.newest)}", "$train"))
        return Content("  ").join(parts)


class RateChart(Chart):
    """Learning rate, and the gradients that it scales."""

    heading = "Gradient norm"
    waiting = "the learning rate appears with the first logging interval"

    def lines(self) -> Sequence[Line]:
        """Learning rate on the right axis, gradient norm on the left."""
        curves = self.scale.curves
        return (
            Line("learning rate (right)", curves.step("learning_rate"), "beta", "┈", side=RIGHT),
            Line("norm", curves.step("grad_norm"), "original", "━"),
        )

    def foot(self) -> Content:
        """Both, now."""
        curves = self.scale.curves
        return Content.assemble(
            Content.styled(f"norm {figure(curves.step('grad_norm').newest)}", "$original"),
            Content.styled(f"{_GAP}learning rate {figure(curves.step('learning_rate').newest)}", "$beta"),
        )


CHARTS: dict[str, type[Chart]] = {"loss": LossChart, "kl": KLChart, "reconstruction": ReconstructionChart}
"""Charts of the dashboard by the id of their widget, in the order in which a small screen shows them."""
