"""Reconstruction plus beta times KL, with the figures that make runs comparable."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from harmonic_core.model.vae import Posterior


class LossTerms(NamedTuple):
    """Scalars of one batch, all differentiable."""

    loss: Tensor
    """recon + beta · kl."""
    recon: Tensor
    """Mean over elements, in normalised dB."""
    mel_l1: Tensor
    """Mean absolute error in normalised dB, whatever `recon` is."""
    kl: Tensor
    """Nats per latent dimension."""


def kl_per_dim(posterior: Posterior) -> Tensor:
    """KL divergence to the standard normal prior of every latent dimension in nats, mean over the batch: (latent_dim,).

    Kingma & Welling (2014), appendix B: ½ (mu² + exp(logvar) − 1 − logvar).
    """
    mu, logvar = posterior
    return (0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)).mean(dim=0)


def vae_loss(
    mel: Tensor, reconstruction: Tensor, posterior: Posterior, beta: float, distance: Literal["l1", "mse"]
) -> LossTerms:
    """Loss of one batch: `recon + beta · kl`, recon a mean over elements, kl a mean over latent dimensions.

    Parameters
    ----------
    mel, reconstruction : (batch, n_mels, frames)
        Normalised log-mels.
    posterior
        What the encoder said of the batch.
    beta
        Weight of the KL, ≥ 0.
    distance
        `l1` or `mse`.
    """
    reconstruction = reconstruction.float()
    mel_l1 = functional.l1_loss(reconstruction, mel)
    recon = mel_l1 if distance == "l1" else functional.mse_loss(reconstruction, mel)
    kl = kl_per_dim(posterior).mean()
    return LossTerms(torch.add(recon, kl, alpha=beta), recon, mel_l1, kl)
