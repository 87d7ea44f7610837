"""The curves of a run: what is drawn of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from harmonic_core.evaluation.learning_curve import finite, latest
from harmonic_core.run.records import Row
from harmonic_core.sharing.report.plot import Chart, Plot, Series, plot

MOST_EPOCHS_NAMED = 4000
"""Epochs up to which the page can say to which of them an update belongs."""


def curves(rows: Sequence[Row], latent_dim: int | None = None) -> list[Plot]:
    """All charts that have anything to show, in a fixed order.

    Parameters
    ----------
    rows
        Of either kind, steps ascending.
    latent_dim
        Numbers in the latent of one segment, where that is known.
    """
    epochs = [row for row in rows if row.get("kind") == "epoch"]
    reference = latest(epochs, "mean_spectrum_db")
    charts = [
        Chart(
            "Loss", "", [_fine(rows, "loss", "training", "train"), _curve(epochs, "val_loss", "held out", "validation")]
        ),
        Chart(
            "Reconstruction error",
            "dB",
            [
                _fine(rows, "recon_db", "training", "train"),
                _curve(epochs, "val_recon_db", "held out", "validation"),
            ],
            reference=None if reference is None else ("mean spectrum", reference),
            best=_least(epochs, "val_recon_db"),
        ),
        Chart(
            "KL and beta",
            "nats a segment",
            [
                _fine(rows, "kl_nats", "KL, training", "train"),
                _curve(epochs, "val_kl_nats", "KL, held out", "kl"),
                replace(_fine(rows, "beta", "beta", "beta"), right=True),
            ],
            right_unit="beta",
        ),
        Chart("Learning rate", "", [_fine(rows, "learning_rate", "learning rate", "original")], includes=(0.0,)),
        Chart("Gradient norm", "before clipping", [_fine(rows, "grad_norm", "gradient norm", "decoded")]),
        Chart(
            "Active units",
            "dimensions",
            [_curve(epochs, "active_units", "active units", "good")],
            whole=True,
            includes=(0.0,) if latent_dim is None else (0.0, float(latent_dim)),
        ),
    ]
    last = max((float(row["step"]) for row in rows), default=0.0)
    return [drawn for chart in charts if (drawn := plot(replace(chart, steps=last))) is not None]


def epochs_closed(rows: Sequence[Row]) -> list[list[int]]:
    """Step and number of every epoch that closed; none where there are too many to carry along."""
    closed = [[row["step"], row["epoch"]] for row in rows if row.get("kind") == "epoch" and _is_whole(row.get("epoch"))]
    return closed if len(closed) <= MOST_EPOCHS_NAMED else []


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fine(rows: Sequence[Row], field: str, name: str, hue: str) -> Series:
    """The figure as often as it was written: between epochs where there are such rows, else at their ends."""
    by_kind = [_curve((row for row in rows if row.get("kind") == kind), field, name, hue) for kind in ("step", "epoch")]
    return max(by_kind, key=lambda series: len(series.steps))


def _curve(rows: Iterable[Row], field: str, name: str, hue: str) -> Series:
    known = [(row["step"], row[field]) for row in rows if isinstance(row.get(field), int | float)]
    steps, values = zip(*known, strict=True) if known else ((), ())
    return Series(name, hue, np.array(steps, np.float64), np.array(values, np.float64))


def _least(rows: Sequence[Row], field: str) -> tuple[float, float] | None:
    known = [(value, float(row["step"])) for row in rows if (value := finite(row, field)) is not None]
    if not known:
        return None
    value, step = min(known)
    return step, value
