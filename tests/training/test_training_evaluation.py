"""Figures on held-out music: right by their definitions, the same every time, and leaving the model as it was."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import TrainingSegments, ValidationSegments, spread_evenly
from harmonic_core.data.tracks import AudioFile, Track
from harmonic_core.evaluation.validation import active_units, mean_spectrum_db, sparsity, typical_mels, validate
from harmonic_core.model.build import build_model
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Audio, Loss, Model

SEGMENT = 4_000
AUDIO = Audio(sample_rate=8_000, n_fft=512, hop_length=256, n_mels=32)


@pytest.fixture
def features() -> LogMel:
    return LogMel(AUDIO)


@pytest.fixture
def tracks(tmp_path: Path) -> list[CachedTrack]:
    """Noise, louder from track to track."""
    made = []
    for number in range(3):
        path = tmp_path / f"{number}.s16"
        noise = np.random.default_rng(number).standard_normal(5 * SEGMENT) * 300 * 3**number
        path.write_bytes(noise.astype(np.int16).tobytes())
        made.append(CachedTrack(Track(str(number), AudioFile(path), str(number)), path, 5 * SEGMENT))
    return made


@pytest.fixture
def segments(tracks: list[CachedTrack]) -> ValidationSegments:
    return ValidationSegments(tracks, SEGMENT, 100)


@pytest.fixture
def model() -> VAE:
    torch.manual_seed(0)
    return build_model(Model(hidden_dims=(16, 16), latent_dim=8), AUDIO, 16)


def test_measuring_twice_gives_the_same_figures_and_changes_nothing(
    model: VAE, features: LogMel, segments: ValidationSegments
) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    first, second = (validate(model, features, segments, Loss(), 0.5, 4) for _ in range(2))
    assert first == second
    assert model.training
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_figures_add_up(model: VAE, features: LogMel, segments: ValidationSegments) -> None:
    figures = validate(model, features, segments, Loss(), 0.5, 4)
    assert figures.loss == pytest.approx(figures.recon + 0.5 * figures.kl, rel=1e-5)
    assert figures.recon_db == pytest.approx(figures.recon * 80.0, rel=1e-5)
    assert len(figures.kl_per_dim) == 8
    assert figures.kl_nats == pytest.approx(figures.kl * 8)
    assert math.isfinite(figures.loss)


def test_the_batch_size_does_not_change_what_is_measured_of_the_posterior(
    model: VAE, features: LogMel, segments: ValidationSegments
) -> None:
    one, many = (validate(model, features, segments, Loss(), 0.5, size) for size in (1, 15))
    assert one.kl_per_dim == pytest.approx(many.kl_per_dim, rel=1e-4)
    assert (one.sparsity, one.active_units) == (many.sparsity, many.active_units)


def test_nothing_to_measure_is_an_error(model: VAE, features: LogMel) -> None:
    with pytest.raises(ValueError, match="nothing to validate"):
        validate(model, features, ValidationSegments([], SEGMENT, 9), Loss(), 0.5, 4)


def test_sparsity_is_the_share_of_small_means() -> None:
    assert sparsity(torch.tensor([[0.05, -0.05], [0.5, -0.5]])) == 0.5


def test_active_units_are_those_that_vary() -> None:
    mu = torch.tensor([[1.0, 0.0, 5.0], [-1.0, 0.1, 5.0]])
    assert active_units(mu) == 1
    assert active_units(mu[:1]) == 0


def test_typical_mels_are_those_of_training_segments(features: LogMel, tracks: list[CachedTrack]) -> None:
    training = TrainingSegments(tracks, SEGMENT, 0)
    found = torch.cat(typical_mels(training, features, 4))
    mel = features(torch.from_numpy(training.batch(np.arange(len(training)), training.epoch_starts(0))))
    order = spread_evenly(len(training))
    assert sorted(order) == list(range(len(training)))
    torch.testing.assert_close(found, mel[order])


def test_every_beginning_of_an_even_order_is_spread_over_all() -> None:
    order = spread_evenly(100)
    for count in (5, 10, 37):
        gaps = np.diff(np.sort(order[:count]), prepend=-1, append=100)
        assert gaps.max() <= 3 * 100 / count


def test_the_mean_spectrum_is_an_answer_with_a_known_error(features: LogMel, segments: ValidationSegments) -> None:
    mel = features(torch.from_numpy(segments.batch(0, 15)))
    error = mean_spectrum_db(segments, features, torch.full((32, 1), 0.25), 4)
    assert error == pytest.approx((mel - 0.25).abs().mean().item() * 80.0, rel=1e-4)
