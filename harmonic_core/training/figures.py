"""Rows of `metrics.jsonl` and the line of the log, from what was measured."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from harmonic_core.evaluation.validation import Validation

Figures = dict[str, Any]

_IN_DB = ("perceptual", "multi_scale")


def training_figures(
    means: Mapping[str, float],
    *,
    latent_dim: int,
    segment_length: float,
    dynamic_range_db: float,
    beta: float,
    learning_rate: float,
) -> Figures:
    """Figures of the training side of a row; names and units as in `harmonic_core.run.metrics`.

    Parameters
    ----------
    means
        Of `loss`, `recon`, `mel_l1`, `kl`, `mu_l1`, the terms of `Listening` in use and `grad_norm` over the interval,
        and the number of updates `skipped` in it.
    latent_dim, segment_length, dynamic_range_db
        What turns them into nats, bits per second and dB.
    beta, learning_rate
        In force at the last update.
    """
    kl_nats = means["kl"] * latent_dim
    return {
        "loss": means["loss"],
        "recon": means["recon"],
        "recon_db": means["mel_l1"] * dynamic_range_db,
        **heard_figures(means, dynamic_range_db),
        "mu_l1": means["mu_l1"],
        "kl": means["kl"],
        "kl_nats": kl_nats,
        "kl_bits_per_s": kl_nats / math.log(2.0) / segment_length,
        "beta": beta,
        "beta_per_nat": beta / latent_dim,
        "learning_rate": learning_rate,
        "grad_norm": means["grad_norm"],
        "skipped": means["skipped"],
    }


def heard_figures(terms: Mapping[str, float], dynamic_range_db: float, side: str = "") -> Figures:
    """Figures of those terms of `Listening` that are there, errors in dB."""
    figures = {f"{side}{name}_db": terms[name] * dynamic_range_db for name in _IN_DB if name in terms}
    return figures | ({f"{side}harmony": terms["harmony"]} if "harmony" in terms else {})


def validation_figures(validation: Validation, segment_length: float, dynamic_range_db: float) -> Figures:
    """Figures of the validation side of an epoch's row."""
    return {
        **heard_figures(validation.heard, dynamic_range_db, "val_"),
        "val_loss": validation.loss,
        "val_recon": validation.recon,
        "val_recon_db": validation.recon_db,
        "val_kl": validation.kl,
        "val_kl_nats": validation.kl_nats,
        "val_kl_bits_per_s": validation.kl_nats / math.log(2.0) / segment_length,
        "sparsity": validation.sparsity,
        "active_units": validation.active_units,
        "kl_per_dim": [round(nats, 5) for nats in validation.kl_per_dim],
        "recon_db_by_source": validation.recon_db_by_source,
    }


def stamped(kind: str, step: int, epoch: int, figures: Figures) -> Figures:
    """Row with its kind, place and time in front."""
    return {"kind": kind, "step": step, "epoch": epoch, "time": time.time(), **figures}


def log_line(row: Figures, epochs: int) -> str:
    """One line an epoch: `Epoch 10/50, Train Loss: 0.0456, Val Loss: 0.0478, Recon: 0.0389, KL: 0.0089, LR: 0.00095`.

    Recon and KL are the two parts of the validation loss (of the training loss where nothing is held out), KL with its
    weight beta and without its free bits, so that they add up to it.
    """
    side = "val_" if "val_loss" in row else ""
    rate = np.format_float_positional(row["learning_rate"], precision=3, fractional=False, trim="-")
    validation = f"{row['val_loss']:.4f}" if side else "n/a"
    return (
        f"Epoch {row['epoch']}/{epochs}, Train Loss: {row['loss']:.4f}, Val Loss: {validation}, "
        f"Recon: {row[f'{side}recon']:.4f}, KL: {row[f'{side}loss'] - row[f'{side}recon']:.4f}, LR: {rate}"
    )
