"""Noise by place, the Gaussian that music is drawn from, and ways that never end."""

from itertools import islice

import pytest
import torch

from harmonic_core.generation import cloud_of, noise, prior, wander


def test_noise_is_that_of_its_place_whatever_else_is_drawn() -> None:
    assert torch.equal(noise(8, 3, 1, 2), noise(8, 3, 1, 2))
    places = [noise(8, 3, 1, 2), noise(8, 3, 2, 1), noise(8, 4, 1, 2), noise(8, 2**63 - 1, 1, 2)]
    assert not any(torch.equal(one, other) for n, one in enumerate(places) for other in places[:n])


def test_noise_is_standard_normal() -> None:
    drawn = torch.stack([noise(64, 0, index) for index in range(500)])
    assert drawn.mean().item() == pytest.approx(0.0, abs=0.02)
    assert drawn.std().item() == pytest.approx(1.0, abs=0.02)


def test_the_prior_is_standard_normal_and_its_temperature_scales_it() -> None:
    cloud = prior(8)
    made = noise(cloud.noise_size, 1).unsqueeze(0)
    assert torch.equal(cloud.latents(made, 1.0), made)
    assert torch.equal(cloud.latents(made, 0.0), torch.zeros(1, 8))
    assert torch.allclose(cloud.latents(made, 0.5), 0.5 * made)


def test_draws_lie_where_the_music_does() -> None:
    # Two dimensions that go together, one that does not, far from the origin.
    generator = torch.Generator().manual_seed(0)
    common = torch.randn((2000, 1), generator=generator)
    alone = torch.randn((2000, 1), generator=generator)
    mu = torch.cat((5.0 + common, -common, 0.1 * alone), dim=1)
    deviation = torch.tensor([0.1, 0.1, 0.5])
    cloud = cloud_of(mu, deviation)
    drawn = torch.cat([cloud.latents(noise(cloud.noise_size, 7, n).unsqueeze(0), 1.0) for n in range(4000)])
    assert torch.allclose(drawn.mean(dim=0), torch.tensor([5.0, 0.0, 0.0]), atol=0.1)
    wanted = mu.T.cov() + deviation.square().diag()
    assert torch.allclose(drawn.T.cov(), wanted, atol=0.1)


@pytest.mark.parametrize("count", [1, 3])
def test_of_segments_that_are_all_alike_only_the_posterior_is_drawn(count: int) -> None:
    mu, deviation = torch.arange(8.0).expand(count, 8), torch.full((8,), 0.3)
    cloud = cloud_of(mu, deviation)
    assert torch.allclose(cloud.deviation, deviation)
    assert torch.allclose(cloud.latents(noise(cloud.noise_size, 1).unsqueeze(0), 0.0), mu[:1])


def test_wandering_passes_its_noise_and_keeps_its_length_on_the_way() -> None:
    way = torch.stack(list(islice(wander(lambda step: noise(256, 5, step), 8), 33)))
    for step in range(5):
        assert torch.allclose(way[8 * step], noise(256, 5, step), atol=1e-4)
    assert ((way.norm(dim=1) / 16.0 - 1.0).abs() < 0.15).all()
    moved = way.diff(dim=0).norm(dim=1)
    assert moved.max() < 1.5 * moved.min()
