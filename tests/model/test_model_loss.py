"""The loss against its formula, written anew with NumPy."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from harmonic_core.model.loss import kl_per_dim, vae_loss
from harmonic_core.model.vae import Posterior


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("distance", ["l1", "mse"])
def test_the_loss_is_reconstruction_plus_beta_times_kl(distance: Literal["l1", "mse"]) -> None:
    mel, reconstruction, mu, logvar = (
        random(3, 5, 7),
        random(3, 5, 7, seed=1),
        random(3, 4, seed=2),
        random(3, 4, seed=3),
    )
    terms = vae_loss(mel, reconstruction, Posterior(mu, logvar), 0.3, distance)
    difference = (mel - reconstruction).numpy().astype(np.float64)
    recon = np.mean(np.abs(difference) if distance == "l1" else difference**2)
    m, v = mu.numpy().astype(np.float64), logvar.numpy().astype(np.float64)
    kl = np.mean(0.5 * (m**2 + np.exp(v) - 1 - v))
    assert terms.recon.item() == pytest.approx(recon, rel=1e-5)
    assert terms.kl.item() == pytest.approx(kl, rel=1e-5)
    assert terms.mel_l1.item() == pytest.approx(np.mean(np.abs(difference)), rel=1e-5)
    assert terms.loss.item() == pytest.approx(recon + 0.3 * kl, rel=1e-5)


def test_the_prior_itself_costs_nothing() -> None:
    assert kl_per_dim(Posterior(torch.zeros(5, 3), torch.zeros(5, 3))).tolist() == [0.0, 0.0, 0.0]


def test_kl_agrees_with_torch_distributions_and_is_never_negative() -> None:
    mu, logvar = random(6, 4), random(6, 4, seed=1)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mu, (0.5 * logvar).exp()), normal(0.0, 1.0)).mean(dim=0)
    got = kl_per_dim(Posterior(mu, logvar))
    torch.testing.assert_close(got, expected)
    assert (got >= 0).all()


def test_the_gradient_of_kl_is_that_of_its_formula() -> None:
    mu, logvar = (random(3, 4, seed=seed).double().requires_grad_() for seed in (0, 1))
    assert torch.autograd.gradcheck(lambda m, v: kl_per_dim(Posterior(m, v)), (mu, logvar))


def test_a_beta_of_0_leaves_the_reconstruction_alone() -> None:
    mel, reconstruction = random(2, 3, 4), random(2, 3, 4, seed=1)
    terms = vae_loss(mel, reconstruction, Posterior(random(2, 5), random(2, 5)), 0.0, "l1")
    assert torch.equal(terms.loss, terms.recon)
