"""Both architectures behind the one interface: shapes, gradients, limits, and that they can learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from harmonic_core.model.build import build_model
from harmonic_core.model.loss import vae_loss
from harmonic_core.model.vae import LOGVAR_LIMITS, VAE, clamped_posterior
from harmonic_core.profile.sections import Architecture, Audio, Model

ARCHITECTURES: tuple[Architecture, ...] = ("harmonic", "dense")
MELS = 32
AUDIO = Audio(n_mels=MELS)


def small(architecture: Architecture = "harmonic", frames: int = 40, **changes: Any) -> VAE:
    torch.manual_seed(0)
    return build_model(
        Model(architecture=architecture, **{"latent_dim": 8, "hidden_dims": (16, 16), **changes}), AUDIO, frames
    )


def mels(batch: int = 4, frames: int = 40) -> Tensor:
    """Smooth random spectrograms in [0, 1]."""
    coarse = torch.rand((batch, 1, 5, 5), generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, (MELS, frames), mode="bilinear").squeeze(1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("frames", [1, 2, 3, 31, 32, 33, 130])
def test_any_number_of_frames_comes_back_as_it_was(architecture: Architecture, frames: int) -> None:
    model = small(architecture, frames)
    reconstruction, posterior = model(mels(3, frames), torch.randn(3, 8))
    assert reconstruction.shape == (3, MELS, frames)
    assert posterior.mu.shape == posterior.logvar.shape == (3, 8)
    assert model.sample(torch.randn(2, 8)).shape == (2, MELS, frames)


@pytest.mark.parametrize("latent_frames", [1, 2, 4, 8])
@pytest.mark.parametrize("frames", [33, 64])
def test_spreading_the_latent_over_time_keeps_its_size(latent_frames: int, frames: int) -> None:
    model = small(frames=frames, latent_frames=latent_frames)
    reconstruction, posterior = model(mels(2, frames), torch.randn(2, 8))
    assert posterior.mu.shape == (2, 8)
    assert reconstruction.shape == (2, MELS, frames)


def test_a_spread_latent_is_local_in_time() -> None:
    model = small(frames=256, latent_frames=8, hidden_dims=(16, 16, 16), kernel_size=3)
    z = torch.zeros(1, 8)
    moved = z.clone()
    moved[0, 0] = 3.0
    change = (model.decode(moved) - model.decode(z)).abs().mean(dim=(0, 1))
    assert change[:32].mean() > 0.0
    assert change[-64:].max() == 0.0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("latent_frames", [1, 4])
def test_the_gradient_reaches_every_parameter(architecture: Architecture, latent_frames: int) -> None:
    model = small(architecture, latent_frames=latent_frames)
    mel = mels()
    reconstruction, posterior = model(mel, torch.randn(4, 8))
    vae_loss(mel, reconstruction, posterior, 1.0, "l1").loss.backward()  # type: ignore[no-untyped-call]
    without = [
        name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_batch_can_be_learnt_by_heart(architecture: Architecture) -> None:
    model, mel = small(architecture), mels()
    model.begin_with([mel])
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    losses = []
    for step in range(100):
        noise = torch.randn((4, 8), generator=torch.Generator().manual_seed(step))
        reconstruction, posterior = model(mel, noise)
        terms = vae_loss(mel, reconstruction, posterior, 1e-4, "l1")
        optimizer.zero_grad()
        terms.loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(terms.recon.item())
    assert losses[-1] < losses[0] / 3


def test_the_log_variance_is_held_in_its_limits() -> None:
    posterior = clamped_posterior(*torch.tensor([[1.0, -1.0, 1e9, -1e9]]).chunk(2, dim=1))
    assert posterior.mu.tolist() == [[1.0, -1.0]]
    assert posterior.logvar.tolist() == [[LOGVAR_LIMITS[1], LOGVAR_LIMITS[0]]]
    assert posterior.draw(torch.ones(1, 2)).isfinite().all()


def test_a_draw_is_mu_plus_sigma_times_noise() -> None:
    posterior = clamped_posterior(*torch.tensor([[2.0, 0.0, torch.tensor(9.0).log(), 0.0]]).chunk(2, dim=1))
    torch.testing.assert_close(posterior.draw(torch.tensor([[1.0, -1.0]])), torch.tensor([[5.0, -1.0]]))


def test_a_temperature_of_0_gives_the_same_sound_for_any_noise() -> None:
    model = small()
    first, second = (model.sample(torch.randn(1, 8), temperature=0.0) for _ in range(2))
    assert torch.equal(first, second)


def test_band_statistics_are_part_of_the_saved_model_and_centre_the_output() -> None:
    model = small()
    mean = torch.linspace(0.1, 0.9, MELS)
    model.begin_with([mean.reshape(1, MELS, 1).expand(4, MELS, 40)])
    output = model.sample(torch.randn(4, 8)).mean(dim=(0, 2))
    assert (output - mean).abs().max() < 0.1  # a band that hardly varies still has a spread of 0.02
    assert {"band_mean", "band_std"} <= model.state_dict().keys()
    assert "band_mean" not in dict(model.named_parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_default_widths_are_the_architectures_own(architecture: Architecture) -> None:
    def shapes(hidden_dims: tuple[int, ...] | None) -> list[torch.Size]:
        model = build_model(Model(architecture=architecture, hidden_dims=hidden_dims), AUDIO, 40)
        return [parameter.shape for parameter in model.parameters()]

    own = {"harmonic": (), "dense": (1024, 512, 256)}[architecture]
    assert shapes(None) == shapes(own) != shapes((64, 64))
