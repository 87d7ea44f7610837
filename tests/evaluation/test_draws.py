"""Draws from the prior against music."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from harmonic_core.evaluation.draws import frechet_distance, judge_draws

RANGE_DB = 80.0


def music(seed: int, items: int = 40) -> Tensor:
    """Mels whose bands move together, (items, 12, 20), every seed another piece of the same kind."""
    made = torch.Generator().manual_seed(seed)
    shape = torch.linspace(0.8, 0.2, 12).view(1, 12, 1)
    loud = 0.15 * torch.randn((items, 1, 20), generator=made)
    return (shape + loud + 0.02 * torch.randn((items, 12, 20), generator=made)).clamp(0.0, 1.0)


def test_the_distance_of_gaussians_is_the_known_one() -> None:
    one, other = (np.array([0.0]), np.array([[4.0]])), (np.array([3.0]), np.array([[1.0]]))
    assert frechet_distance(one, other) == pytest.approx(3.0**2 + (2.0 - 1.0) ** 2)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-9)


def test_music_of_the_same_kind_is_nearer_than_its_mean_and_than_noise() -> None:
    told = judge_draws(music(1), music(2), music(3), RANGE_DB, seed=0)
    assert told.mel_fd < 0.1 * told.mel_fd_mean
    assert told.mel_fd < 0.1 * told.mel_fd_noise
    assert told.diversity == pytest.approx(1.0, abs=0.1)
    assert told.nearest_training == pytest.approx(1.0, abs=0.1)


def test_copies_of_the_training_music_are_found_out() -> None:
    training = music(3)
    assert judge_draws(training[:10], music(2), training, RANGE_DB, seed=0).nearest_training < 0.01


def test_samples_that_all_sound_alike_have_no_diversity() -> None:
    alike = music(1)[:1].expand(16, -1, -1)
    assert judge_draws(alike, music(2), music(3), RANGE_DB, seed=0).diversity == pytest.approx(0.0, abs=1e-6)


def test_values_beyond_the_window_and_silence_give_numbers() -> None:
    silent = torch.zeros(4, 12, 20)
    for samples, held_out in ((silent, music(2)), (5.0 * music(1), silent), (silent, silent)):
        found = judge_draws(samples, held_out, music(3), RANGE_DB, seed=0)
        assert np.isfinite([figure for _, figure in found]).all()
