"""Every mel band hears its harmonics."""

from __future__ import annotations

import torch

from harmonic_core.hearing.harmony import HARMONICS, harmonic_places, stack_harmonics
from harmonic_core.hearing.scales import mel_band_centres
from harmonic_core.model.build import build_model
from harmonic_core.model.harmonic_layer import HarmonicLayer
from harmonic_core.profile.sections import Audio, Model

CENTRES = mel_band_centres(64, 20.0, 8000.0).tolist()


def test_it_begins_as_the_identity() -> None:
    x = torch.randn(2, 5, 64)
    assert torch.equal(HarmonicLayer(CENTRES)(x), x)


def test_one_matrix_does_what_stacking_and_a_weighted_sum_do() -> None:
    layer = HarmonicLayer(CENTRES)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    mel = torch.randn((3, 64, 7), generator=generator)
    stacked = stack_harmonics(mel, harmonic_places(CENTRES))
    expected = mel + (stacked * layer.weight.unsqueeze(2)).sum(dim=1)
    torch.testing.assert_close(layer(mel.transpose(1, 2)).transpose(1, 2), expected, atol=1e-5, rtol=1e-5)


def test_a_band_hears_the_one_at_twice_its_frequency_and_no_other() -> None:
    layer = HarmonicLayer(CENTRES)
    with torch.no_grad():
        layer.weight[HARMONICS.index(2.0)] = 1.0
    heard = layer(torch.eye(64)[40].reshape(1, 1, 64))[0, 0]
    loudest = heard.clone()
    loudest[40] = 0.0
    ratio = CENTRES[40] / CENTRES[int(loudest.argmax())]
    assert 1.8 < ratio < 2.2
    assert (loudest > 0.01).sum() <= 3


def test_the_model_has_one_in_its_stem_and_one_in_its_head_and_learns_both() -> None:
    torch.manual_seed(0)
    model = build_model(Model(latent_dim=8, hidden_dims=(16, 16), harmonic_stacking=True), Audio(n_mels=32), 40)
    mel = torch.rand(4, 32, 40)
    reconstruction, posterior = model(mel, torch.randn(4, 8))
    (reconstruction.square().mean() + posterior.mu.square().mean()).backward()  # type: ignore[no-untyped-call]
    layers = [module for module in model.modules() if isinstance(module, HarmonicLayer)]
    assert len(layers) == 2
    assert all(layer.weight.grad is not None and layer.weight.grad.any() for layer in layers)


def test_a_model_with_it_can_be_made_where_there_is_no_memory_for_one() -> None:
    with torch.device("meta"):
        model = build_model(Model(harmonic_stacking=True, hidden_dims=(16, 16)), Audio(), 130)
    assert all(parameter.is_meta for parameter in model.parameters())
