"""Reconstruction plus beta times KL, with the figures that make runs comparable."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from harmonic_core.model.listening import Listening
from harmonic_core.model.vae import Posterior
from harmonic_core.profile.sections import Loss


class LossTerms(NamedTuple):
    """Figures of one batch, all differentiable; scalars but for the last."""

    loss: Tensor
    """recon + beta · kl + sparsity, where a dimension below the free bits counts as many as those."""
    recon: Tensor
    """Mean over elements, in normalised dB, and the terms of `Listening` with their weights."""
    mel_l1: Tensor
    """Mean absolute error in normalised dB, whatever `recon` is."""
    kl: Tensor
    """Nats per latent dimension, free or not."""
    mu_l1: Tensor
    """Mean |mu|, without its weight."""
    heard: Tensor
    """(terms,) those of `Listening`, without their weights."""

    def measured(self) -> Tensor:
        """All of them in one vector, apart from their graph: (5 + terms,)."""
        return torch.cat((torch.stack(self[:-1]), self.heard)).detach()


def kl_per_dim(posterior: Posterior) -> Tensor:
    """KL divergence to the standard normal prior of every latent dimension in nats, mean over the batch: (latent_dim,).

    Kingma & Welling (2014), appendix B: ½ (mu² + exp(logvar) − 1 − logvar).
    """
    return _kl(posterior).mean(dim=0)


def _kl(posterior: Posterior) -> Tensor:
    """Nats of every dimension of every segment: (batch, latent_dim)."""
    mu, logvar = posterior
    return 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)


def vae_loss(
    mel: Tensor,
    reconstruction: Tensor,
    posterior: Posterior,
    beta: float,
    distance: Literal["l1", "mse"],
    free_bits: float = 0.0,
    listening: Listening | None = None,
    sparsity_weight: float = 0.0,
) -> LossTerms:
    """Loss of one batch: `recon + beta · kl`, recon a mean over elements, kl a mean over latent dimensions.

    With free bits each dimension of each segment counts max(KL_d, free_bits) (Kingma et al. 2016, there of the mean
    over a batch). Taken segment by segment, the loss of a batch is the mean of those of its parts, however it is
    divided to save memory or among devices.

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
    free_bits
        Nats, ≥ 0, up to which a dimension of a segment costs the same and so is not pulled towards the prior.
    listening
        Further terms of the reconstruction loss, and their weights.
    sparsity_weight
        Weight of the mean |mu|, ≥ 0.
    """
    reconstruction = reconstruction.float()
    mel_l1 = functional.l1_loss(reconstruction, mel)
    recon = mel_l1 if distance == "l1" else functional.mse_loss(reconstruction, mel)
    nats = _kl(posterior)
    kl = nats.mean(dim=0).mean()
    counted = nats.clamp(min=free_bits).mean() if free_bits else kl
    heard = mel.new_zeros(0)
    if listening is not None and listening.weights:
        heard = listening(mel, reconstruction)
        recon = recon + heard @ heard.new_tensor(list(listening.weights.values()))
    mu_l1 = posterior.mu.abs().mean()
    total = torch.add(recon, counted, alpha=beta)
    if sparsity_weight:
        total = total + sparsity_weight * mu_l1
    return LossTerms(total, recon, mel_l1, kl, mu_l1, heard)


def loss_of(
    mel: Tensor,
    reconstruction: Tensor,
    posterior: Posterior,
    beta: float,
    loss: Loss,
    listening: Listening | None = None,
) -> LossTerms:
    """Loss of one batch as a profile's section wants it; see `vae_loss`."""
    return vae_loss(
        mel, reconstruction, posterior, beta, loss.reconstruction, loss.free_bits, listening, loss.sparsity_weight
    )
