"""Settings to try: each names the flag, the value to give and the value now."""

from __future__ import annotations

import math

from harmonic_core.profile.sections import Augment, Loss, Train

GOOD_NATS = 1.5
"""KL in nats per dimension to aim at: draws from the prior were best there (see `WEAK_NATS` in `verdict`)."""

_NATS_PER_LOG_BETA = {"l1": 0.75, "mse": 0.5}
"""Nats per dimension lost with each factor e in beta. Where the error grows with sigma (L1), recon + beta · KL is least
at sigma ∝ beta; where it grows with the square (MSE), at sigma² ∝ beta: 1 and ½. For L1 0.75 was measured."""

_USUAL_EPOCHS = 50
_USUAL_LEARNING_RATE = 1e-3
_USUAL_BETA = 1e-2
"""Upper end of what is usual; from far above a tenth less would be no way out."""


def figure(value: float) -> str:
    """Three significant digits: `6.45`, `12.0`, `1230`, `0.000123`, `1.23e+12`."""
    if abs(value) >= 1e6:
        return f"{value:.2e}"
    return f"{float(f'{value:.3g}'):.0f}" if abs(value) >= 1000 else f"{value:#.3g}".removesuffix(".")


def lower_beta(loss: Loss, beta: float | None, by: float = 10.0) -> str:
    """The weight of the KL (`beta` now, else `beta_end`) divided `by` so much, at most what is usual."""
    if not loss.beta_end:
        if loss.free_bits:
            return f"Try `--set loss.free_bits={2.0 * loss.free_bits:g}` (now {loss.free_bits:g}): beta is 0 already"
        return "Try `--set loss.free_bits=0.1` (now 0): beta is 0 already"
    to = min((beta or loss.beta_end) / by, loss.beta_end / by, _USUAL_BETA)
    if loss.beta_start > to:
        now = f"{loss.beta_start:g} and {loss.beta_end:g}"
        return f"Try `--beta-start {_rounded(to)} --beta-end {_rounded(to)}` (now {now})"
    return f"Try `--beta-end {_rounded(to)}` (now {loss.beta_end:g})"


def raise_beta(loss: Loss, nats_per_dim: float) -> str:
    """The beta at which about `GOOD_NATS` per dimension are left."""
    if loss.free_bits > GOOD_NATS:
        return f"Try `--set loss.free_bits=0.25` (now {loss.free_bits:g}): so much costs nothing"
    beta = loss.beta_end or 1e-6
    # The law is good for a few factors of ten; far out the usual upper end is a better guess.
    factor = math.exp(min(50.0, (nats_per_dim - GOOD_NATS) / _NATS_PER_LOG_BETA[loss.reconstruction]))
    to = min(beta * factor, max(_USUAL_BETA, 10.0 * beta))
    return f"Try `--beta-end {_rounded(to)}` (now {loss.beta_end:g})"


def lower_learning_rate(train: Train) -> str:
    """A tenth of the learning rate, at most what is usual."""
    rate = min(train.learning_rate / 10.0, _USUAL_LEARNING_RATE)
    return f"Try `--learning-rate {_rounded(rate)}` (now {train.learning_rate:g})"


def train_longer(train: Train) -> str:
    """Twice the epochs, and no fewer than is usual."""
    return f"Try `--epochs {max(_USUAL_EPOCHS, 2 * train.epochs)}` (now {train.epochs})"


def go_on(*, ended_early: bool) -> str:
    """How a run that is over before its last epoch goes on; one that `ended_early` would end at once again."""
    return f"Go on with `harmonic train --resume-from RUN{' --early-stopping 0' if ended_early else ''}`"


def more_variety(augment: Augment, train: Train) -> str:
    """What keeps a model from learning its music by heart, the mildest first."""
    if not augment.augment:
        return "Try `--augment` (now off)"
    if augment.augment_strength < 1.0:
        return f"Try `--augment-strength 1` (now {augment.augment_strength:g})"
    return (
        f"Try `--set train.weight_decay={_rounded(10.0 * max(train.weight_decay, 1e-3))}` (now {train.weight_decay:g})"
    )


def _rounded(value: float) -> str:
    return f"{float(f'{value:.1g}'):g}"
