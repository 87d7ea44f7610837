"""What is heard of a model is as loud as the music, though the model answers with medians."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.evaluation.level import level_offset
from harmonic_core.model.vae import VAE, Posterior
from harmonic_core.profile.sections import Audio

AUDIO = Audio(sample_rate=8000, n_fft=512, hop_length=256, n_mels=32)
FEATURES = LogMel(AUDIO)


class Softer(VAE):
    """Gives back the mel that it was shown last, so many dB softer."""

    def __init__(self, by_db: float) -> None:
        super().__init__(32, 10, 4)
        self.by = by_db / AUDIO.dynamic_range_db
        self.seen = torch.zeros(0)

    def encode(self, mel: Tensor) -> Posterior:
        """Remember it."""
        self.seen = mel
        return Posterior(torch.zeros(len(mel), 4), torch.zeros(len(mel), 4))

    def decode(self, z: Tensor) -> Tensor:
        """Give it back."""
        return self.seen - self.by


def music() -> Tensor:
    return 0.5 + 0.3 * torch.rand((3, 32, 10), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("by_db", [0.0, 2.0, -3.0])
def test_what_is_missing_is_added(by_db: float) -> None:
    offset = level_offset(Softer(by_db), FEATURES, AUDIO, [music()])
    assert offset * AUDIO.dynamic_range_db == pytest.approx(by_db, abs=0.01)


def test_never_more_than_six_decibels() -> None:
    offset = level_offset(Softer(20.0), FEATURES, AUDIO, [music()])
    assert offset * AUDIO.dynamic_range_db == pytest.approx(6.0)


def test_silence_and_nothing_at_all_ask_for_nothing() -> None:
    assert level_offset(Softer(3.0), FEATURES, AUDIO, [torch.zeros(2, 32, 10)]) == 0.0
    assert level_offset(Softer(3.0), FEATURES, AUDIO, []) == 0.0
