"""Free bits: what a dimension carries at no cost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from harmonic_core.model.loss import LossTerms, kl_per_dim, vae_loss
from harmonic_core.model.vae import Posterior


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def loss_of(posterior: Posterior, free_bits: float, beta: float = 0.3) -> LossTerms:
    batch = len(posterior.mu)
    return vae_loss(random(batch, 5, 7), random(batch, 5, 7, seed=1), posterior, beta, "l1", free_bits)


def test_every_dimension_of_every_segment_counts_its_kl_but_the_free_bits_at_least() -> None:
    mu, logvar = random(6, 4, seed=2), random(6, 4, seed=3)
    terms = loss_of(Posterior(mu, logvar), 0.7)
    m, v = mu.double(), logvar.double()
    nats = 0.5 * (m**2 + torch.exp(v) - 1 - v)
    counted = sum(max(each, 0.7) for each in nats.flatten().tolist()) / nats.numel()
    assert 0 < (nats < 0.7).sum() < nats.numel()
    assert terms.loss.item() == pytest.approx(terms.recon.item() + 0.3 * counted, rel=1e-6)


def test_the_kl_that_is_reported_is_the_true_one() -> None:
    posterior = Posterior(random(6, 4), random(6, 4, seed=1))
    assert torch.equal(loss_of(posterior, 2.0).kl, kl_per_dim(posterior).mean())


def test_without_free_bits_not_a_bit_differs() -> None:
    posterior = Posterior(random(6, 4), random(6, 4, seed=1))
    terms = loss_of(posterior, 0.0)
    assert torch.equal(terms.loss, torch.add(terms.recon, kl_per_dim(posterior).mean(), alpha=0.3))


def test_the_loss_of_a_batch_is_the_mean_of_those_of_its_parts() -> None:
    mel, reconstruction, mu, logvar = (
        random(8, *shape, seed=n) for n, shape in enumerate([(5, 7), (5, 7), (4,), (4,)])
    )
    whole = vae_loss(mel, reconstruction, Posterior(mu, logvar), 0.5, "l1", 0.5).loss
    parts = [
        vae_loss(mel[part], reconstruction[part], Posterior(mu[part], logvar[part]), 0.5, "l1", 0.5).loss
        for part in (slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8))
    ]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)


def test_what_is_free_is_not_pulled_towards_the_prior_and_the_rest_is() -> None:
    mu = torch.tensor([[0.1, 3.0]], requires_grad=True)
    loss_of(Posterior(mu, torch.zeros(1, 2)), 1.0).loss.backward()  # type: ignore[no-untyped-call]
    assert mu.grad is not None
    assert mu.grad[0, 0] == 0.0
    assert mu.grad[0, 1] > 0.0


def test_a_posterior_that_is_no_number_shows_in_the_loss() -> None:
    assert loss_of(Posterior(torch.full((2, 3), torch.nan), torch.zeros(2, 3)), 1.0).loss.isnan()
