"""The linear code that the default architecture begins with."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from harmonic_core.model.build import build_model
from harmonic_core.model.principal import PrincipalCode, cosine_transform
from harmonic_core.profile.sections import Audio, Model

MELS, FRAMES = 32, 40


def music(segments: int, seed: int = 0) -> Tensor:
    """Chords of a few timbres that swell and fade anywhere, in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    timbres = torch.rand((4, MELS), generator=torch.Generator().manual_seed(99))
    phases = torch.rand((segments, 4, 1), generator=generator) * 2 * math.pi
    rates = 1 + torch.randint(0, 3, (segments, 4, 1), generator=generator)
    swell = 0.5 + 0.5 * torch.sin(phases + rates * torch.arange(FRAMES) * 2 * math.pi / FRAMES)
    return (swell.transpose(1, 2) @ timbres / 4).transpose(1, 2)


def fitted(latent_dim: int = 16, parts: int = 1, mels: Tensor | None = None) -> tuple[PrincipalCode, Tensor]:
    mels = music(200) if mels is None else mels
    mean = mels.mean(dim=(0, 2)).unsqueeze(1)
    code = PrincipalCode(MELS, FRAMES, latent_dim, parts)
    code.begin_with([mels - mean])
    return code, mean


def test_the_cosine_transform_is_orthonormal() -> None:
    cosines = cosine_transform(FRAMES, FRAMES).double()
    torch.testing.assert_close(cosines @ cosines.T, torch.eye(FRAMES, dtype=torch.float64), atol=1e-6, rtol=0)


def test_new_music_of_the_same_kind_comes_back_from_few_numbers() -> None:
    code, mean = fitted(latent_dim=48)  # of 1280
    unheard = music(20, seed=5) - mean
    rest = (code.synthesise(code.analyse(unheard)) - unheard).abs().mean()
    assert rest < 0.1 * unheard.abs().mean()


def test_numbers_of_the_code_have_a_deviation_of_one() -> None:
    code, mean = fitted(latent_dim=8)
    numbers = code.analyse(music(400, seed=7) - mean)
    torch.testing.assert_close(numbers.std(dim=0), torch.ones(8), atol=0.3, rtol=0)


def test_the_absolute_error_is_less_than_that_of_a_projection() -> None:
    code, mean = fitted(latent_dim=4)
    mels = music(50, seed=3) - mean
    mels[:, ::7, ::5] += 0.6  # what no such code can follow must not spoil the rest
    projected = code.synthesise(code._project(mels))
    analysed = code.synthesise(code.analyse(mels))
    assert (analysed - mels).abs().mean() < (projected - mels).abs().mean()


@pytest.mark.parametrize("parts", [2, 5, 8])
def test_stretches_of_time_have_codes_of_their_own(parts: int) -> None:
    code, mean = fitted(latent_dim=8 * parts, parts=parts)
    mel = music(1) - mean
    later = mel.clone()
    later[:, :, -1] += 0.5
    changed = (code.analyse(mel) != code.analyse(later)).reshape(parts, 8).any(dim=1)
    assert changed.tolist() == [False] * (parts - 1) + [True]


def test_more_numbers_than_there_are_components_are_left_unused() -> None:
    code, mean = fitted(latent_dim=MELS * FRAMES + 10)
    mels = music(3) - mean
    numbers = code.analyse(mels)
    assert not numbers[:, -10:].any()
    assert (code.synthesise(numbers) - mels).abs().max() < 0.02


def test_one_segment_of_silence_is_enough_to_begin_with() -> None:
    code, _ = fitted(mels=torch.zeros(1, MELS, FRAMES))
    assert code.analyse(torch.zeros(2, MELS, FRAMES)).isfinite().all()
    assert code.synthesise(torch.ones(2, 16)).isfinite().all()


def test_a_model_begins_where_principal_components_are_and_keeps_them_when_saved() -> None:
    torch.manual_seed(0)
    model = build_model(Model(latent_dim=16), Audio(n_mels=MELS), FRAMES)
    model.begin_with([music(100), music(100, seed=1)])
    unheard = music(20, seed=5)
    error = (model.decode(model.encode(unheard).mu) - unheard).abs().mean()
    assert error < 0.3 * (unheard - unheard.mean(dim=(0, 2)).reshape(1, MELS, 1)).abs().mean()
    other = build_model(Model(latent_dim=16), Audio(n_mels=MELS), FRAMES)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.encode(unheard).mu, model.encode(unheard).mu)


def test_draws_from_the_prior_vary_as_much_as_the_music_does() -> None:
    torch.manual_seed(0)
    model = build_model(Model(latent_dim=16), Audio(n_mels=MELS), FRAMES)
    model.begin_with([music(400)])
    real = music(400, seed=2)
    drawn = model.sample(torch.randn((400, 16), generator=torch.Generator().manual_seed(4)))
    torch.testing.assert_close(drawn.std(dim=(0, 2)), real.std(dim=(0, 2)), atol=0.02, rtol=0.15)


def test_a_component_that_is_drowned_in_noise_says_nothing() -> None:
    torch.manual_seed(0)
    model = build_model(Model(latent_dim=16), Audio(n_mels=MELS), FRAMES)
    model.begin_with([music(100)])
    with torch.no_grad():
        model.doubt.fill_(10.0)  # type: ignore[operator]
    posterior = model.encode(music(8))
    assert posterior.mu.abs().max() < 0.1
    torch.testing.assert_close(posterior.logvar, torch.zeros_like(posterior.logvar), atol=1e-3, rtol=0)
