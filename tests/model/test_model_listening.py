"""Terms of the loss that know of ears and of music: what they find worse, and that they can be learnt from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.model.listening import Listening, terms_in_use
from harmonic_core.model.loss import vae_loss
from harmonic_core.model.vae import Posterior
from harmonic_core.profile.sections import Audio, Loss

AUDIO = Audio()
TERMS = ("perceptual", "multi_scale", "harmony")
ALL = Loss(perceptual_weight=0.5, multi_scale_weight=0.25, harmony_weight=0.1, sparsity_weight=0.01)
FEATURES = LogMel(AUDIO)


def chord(*notes: int) -> Tensor:
    """Mel of a second of notes (MIDI) of six partials each: (1, n_mels, frames)."""
    time = np.arange(AUDIO.sample_rate) / AUDIO.sample_rate
    partials = [(440.0 * 2 ** ((note - 69) / 12) * number, 0.6**number) for note in notes for number in range(1, 7)]
    sound = 0.1 * sum(level * np.sin(2 * np.pi * hz * time) for hz, level in partials)
    mel: Tensor = FEATURES(torch.from_numpy(np.asarray(sound)).float().unsqueeze(0))
    return mel


def heard(name: str, mel: Tensor, reconstruction: Tensor) -> float:
    loss = Loss(**{f"{name}_weight": 1.0})
    (term,) = Listening(AUDIO, loss, FEATURES)(mel, reconstruction)
    return float(term)


@pytest.mark.parametrize("name", TERMS)
def test_nothing_is_wrong_with_a_perfect_reconstruction(name: str) -> None:
    mel = chord(69, 73, 76)
    assert heard(name, mel, mel) == pytest.approx(0.0, abs=1e-5)
    assert heard(name, mel, (mel + 0.1 * torch.randn(mel.shape, generator=torch.Generator().manual_seed(1)))) > 1e-3


def test_an_error_where_nothing_is_heard_is_a_small_perceptual_one() -> None:
    mel = chord(69)
    loud, faint = mel.clone(), mel.clone()
    loudest = mel.mean(dim=(0, 2)).argmax()
    loud[:, loudest] -= 0.2
    faint[:, -1] += 0.2
    assert heard("perceptual", mel, faint) < 0.5 * heard("perceptual", mel, loud)


def test_an_error_that_averages_out_is_smaller_at_coarse_scales_than_one_that_does_not() -> None:
    mel = torch.full((1, AUDIO.n_mels, 64), 0.5)
    checkered = mel + 0.1 * (1 - 2 * ((torch.arange(AUDIO.n_mels)[:, None] + torch.arange(64)) % 2))
    assert heard("multi_scale", mel, checkered) < 0.1 * heard("multi_scale", mel, mel + 0.1)


def test_a_wrong_chord_is_worse_harmony_than_a_softer_one() -> None:
    mel = chord(69, 73, 76)
    softer, wrong = (mel - 0.1).clamp(0, 1), chord(70, 75, 78)
    assert heard("harmony", mel, softer) < 0.1 * heard("harmony", mel, wrong)


def test_the_loss_is_the_sum_of_its_weighted_terms_and_each_is_told_without_its_weight() -> None:
    mel, reconstruction = chord(69), chord(71)
    posterior = Posterior(torch.randn((1, 4), generator=torch.Generator().manual_seed(1)), torch.zeros(1, 4))
    listening = Listening(AUDIO, ALL, FEATURES)
    plain = vae_loss(mel, reconstruction, posterior, 0.3, "l1")
    terms = vae_loss(mel, reconstruction, posterior, 0.3, "l1", 0.0, listening, ALL.sparsity_weight)
    assert tuple(listening.weights) == TERMS
    assert terms.heard.tolist() == pytest.approx([heard(name, mel, reconstruction) for name in TERMS])
    recon = plain.recon.item() + sum(
        weight * term for weight, term in zip(listening.weights.values(), terms.heard.tolist(), strict=True)
    )
    assert terms.recon.item() == pytest.approx(recon, rel=1e-5)
    assert terms.loss.item() == pytest.approx(recon + 0.3 * plain.kl.item() + 0.01 * plain.mu_l1.item(), rel=1e-5)
    assert terms.mu_l1.item() == pytest.approx(posterior.mu.abs().mean().item())
    assert len(terms.measured()) == 5 + 3


def test_terms_without_a_weight_are_not_computed() -> None:
    assert terms_in_use(Loss()) == {}
    assert Listening(AUDIO, Loss(), FEATURES)(chord(69), chord(71)).shape == (0,)
    assert not list(Listening(AUDIO, Loss(), FEATURES).children())[1:]


def silence() -> Tensor:
    return torch.zeros(1, AUDIO.n_mels, 44)


@pytest.mark.parametrize("mel", [silence(), chord(69), 1.0 + silence()], ids=["silence", "chord", "full scale"])
@pytest.mark.parametrize("other", [silence(), 0.5 + silence(), 1.5 + silence()], ids=["silence", "grey", "beyond"])
def test_losses_and_gradients_are_numbers_for_extreme_sounds(mel: Tensor, other: Tensor) -> None:
    reconstruction = other.clone().requires_grad_()
    terms = Listening(AUDIO, ALL, FEATURES)(mel, reconstruction)
    terms.sum().backward()
    assert terms.isfinite().all()
    assert reconstruction.grad is not None
    assert reconstruction.grad.isfinite().all()
