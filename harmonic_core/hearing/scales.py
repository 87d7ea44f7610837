"""Frequency scales of hearing: Bark, ERB, and the centres of mel bands."""

from __future__ import annotations

import torch
from torch import Tensor

from harmonic_core.profile.mel_bands import hz_from_mel, mel_from_hz


def bark_from_hz(frequency: Tensor) -> Tensor:
    """Critical-band rate in Bark of frequencies in Hz ≥ 0: 6 asinh(f / 600) (Wang, Sekey & Gersho 1992)."""
    return 6.0 * torch.asinh(frequency / 600.0)


def hz_from_bark(bark: Tensor) -> Tensor:
    """Frequencies in Hz of critical-band rates in Bark ≥ 0; undoes `bark_from_hz`."""
    return 600.0 * torch.sinh(bark / 6.0)


def erb_width(frequency: Tensor) -> Tensor:
    """Width in Hz of the auditory filter at frequencies in Hz: 24.7 (4.37 f / 1000 + 1) (Glasberg & Moore 1990)."""
    return 24.7 * (4.37e-3 * frequency + 1.0)


def erb_rate_from_hz(frequency: Tensor) -> Tensor:
    """Number of ERBs below frequencies in Hz ≥ 0: 21.4 log10(4.37 f / 1000 + 1) (Glasberg & Moore 1990)."""
    return 21.4 * torch.log10(4.37e-3 * frequency + 1.0)


def hz_from_erb_rate(rate: Tensor) -> Tensor:
    """Frequencies in Hz of numbers of ERBs; undoes `erb_rate_from_hz`."""
    return (torch.pow(10.0, rate / 21.4) - 1.0) / 4.37e-3


def mel_band_centres(n_mels: int, f_min: float, f_max: float) -> Tensor:
    """Frequencies in Hz at which mel filters peak, ascending: (n_mels,), on Slaney's scale."""
    low, high = mel_from_hz(f_min), mel_from_hz(f_max)
    return torch.tensor([hz_from_mel(low + (high - low) * step / (n_mels + 1)) for step in range(1, n_mels + 1)])
