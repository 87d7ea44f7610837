"""The curves of a run so far, as a figure: errors, KL and beta, learning rate, all over epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harmonic_core.evaluation.learning_curve import closed_epochs, finite, latest
from harmonic_core.run.records import Row

_TRAIN, _VALIDATION, _BETA, _RATE, _BEST = "C0", "C2", "C1", "C5", "C3"
_FEW = 40
"""Epochs up to which every one of them has a dot."""


def curves(rows: Sequence[Row], epoch: int) -> Figure | None:
    """Draw what `metrics.jsonl` says of the epochs up to `epoch`; None where it says nothing of any.

    Parameters
    ----------
    rows
        In the order of the file; what was written anew after a resume counts.
    epoch
        The last one to show.
    """
    closed = [row for row in closed_epochs(rows) if 0 < row["epoch"] <= epoch]
    if not closed:
        return None
    figure = Figure(figsize=(9.0, 8.6), layout="constrained")
    errors, codes, rates = figure.subplots(3, 1, sharex=True, height_ratios=(4, 3, 2))
    for axes in (errors, codes, rates):
        # Room for a mark at the highest value.
        axes.margins(y=0.08)
        axes.grid(visible=True, alpha=0.25, linewidth=0.6)
    _errors(errors, closed)
    _codes(codes, closed)
    _line(rates, closed, "learning_rate", "", _RATE)
    rates.set(ylabel="learning rate", xlabel="epoch")
    rates.set_ylim(bottom=0.0)
    # One epoch alone, or a figure that does not change, has no range of its own.
    rates.set_xlim(0.5, max(epoch, closed[-1]["epoch"]) + 0.5)
    rates.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.suptitle(_heading(closed))
    return figure


def _errors(axes: Axes, rows: Sequence[Row]) -> None:
    """Errors on both sides, the best held-out one, and that of always answering with the mean spectrum."""
    _line(axes, rows, "recon_db", "training", _TRAIN)
    _line(axes, rows, "val_recon_db", "held out", _VALIDATION)
    reference = latest(rows, "mean_spectrum_db")
    if reference is not None:
        axes.axhline(reference, color="0.45", linestyle="--", linewidth=1.0, label=f"mean spectrum, {reference:.1f} dB")
    best = min(rows, key=lambda row: _figure(row, "val_recon_db", math.inf))
    error = finite(best, "val_recon_db")
    if error is not None:
        words = f"best, {error:.2f} dB at epoch {best['epoch']}"
        axes.plot(best["epoch"], error, "D", color=_BEST, markersize=7, zorder=3, label=words)
    axes.set_ylabel("mean absolute error of the mels, dB")
    axes.set_ylim(bottom=0.0)
    _legend(axes)


def _codes(axes: Axes, rows: Sequence[Row]) -> None:
    """KL on the left; on the right beta, the weight that presses on it."""
    beside = axes.twinx()
    _line(axes, rows, "kl_nats", "KL, training", _TRAIN)
    _line(axes, rows, "val_kl_nats", "KL, held out", _VALIDATION)
    _line(beside, rows, "beta", "beta (right)", _BETA, "--")
    axes.set_ylabel("KL, nats a segment")
    beside.set_ylabel("beta", color=_BETA)
    for each in (axes, beside):
        each.set_ylim(bottom=0.0)
    beside.tick_params(axis="y", colors=_BETA)
    _legend(axes, beside)


def _line(axes: Axes, rows: Sequence[Row], field: str, name: str, colour: str, style: str = "-") -> None:
    """One figure over epochs, with a gap where it is no number; nothing where it never is one."""
    values = [_figure(row, field, math.nan) for row in rows]
    if all(map(math.isnan, values)):
        return
    (line,) = axes.plot([row["epoch"] for row in rows], values, style, color=colour, linewidth=1.6, label=name or None)
    if len(rows) <= _FEW:
        line.set(marker="o", markersize=3.5)


def _figure(row: Row, field: str, otherwise: float) -> float:
    value = finite(row, field)
    return otherwise if value is None else value


def _legend(*axes: Axes) -> None:
    """One legend for the lines of all of them, above the first; none where nothing was drawn."""
    lines = [line for each in axes for line in each.get_lines()]
    if lines:
        words = [str(line.get_label()) for line in lines]
        axes[0].legend(
            lines,
            words,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=len(lines),
            frameon=False,
            borderaxespad=0.2,
        )


def _heading(rows: Sequence[Row]) -> str:
    last = rows[-1]
    error = finite(last, "val_recon_db")
    side = "held-out error" if error is not None else "training error"
    error = error if error is not None else finite(last, "recon_db")
    told = "" if error is None else f": {side} {error:.2f} dB"
    return f"Curves up to epoch {last['epoch']}{told}"
