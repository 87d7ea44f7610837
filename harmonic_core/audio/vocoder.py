"""From mel spectrograms back to sound: non-negative inversion of the filters, then fast Griffin-Lim for the phase."""

from __future__ import annotations

import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel

_INVERSION_STEPS = 20
_MOMENTUM = 0.99


def invert_mel(mel_power: Tensor, filterbank: Tensor, steps: int = _INVERSION_STEPS) -> Tensor:
    """Power spectrum whose mel-band powers are those given.

    Multiplicative updates for the generalised Kullback-Leibler divergence (Lee & Seung 2001) with the filters as
    fixed dictionary; the result is non-negative by construction.

    Parameters
    ----------
    mel_power : (batch, n_mels, frames)
        Non-negative band powers.
    filterbank : (n_mels, bins)
        Non-negative filters.
    steps
        Number of updates.

    Returns
    -------
    (batch, bins, frames)
        Non-negative power of each frequency bin; zero where no filter reaches.
    """
    tiny = torch.finfo(mel_power.dtype).tiny
    reach = filterbank.sum(dim=0, keepdim=True).T.clamp_min(1e-8)
    spread = filterbank / filterbank.sum(dim=1, keepdim=True).clamp_min(1e-8)
    power = spread.T @ mel_power
    for _ in range(steps):
        ratio = mel_power / (filterbank @ power).clamp_min(tiny)
        power = power * (filterbank.T @ ratio) / reach
    return power


def griffin_lim(magnitude: Tensor, features: LogMel, samples: int, steps: int, generator: torch.Generator) -> Tensor:
    """Sound whose STFT magnitude is near the given one.

    Fast Griffin-Lim (Perraudin, Balazs & Søndergaard 2013) from a random phase, momentum 0.99.

    Parameters
    ----------
    magnitude : (batch, n_fft // 2 + 1, frames)
        Relative to a full-scale sine: the root of `LogMel.power`, transposed.
    features
        The analysis to invert.
    samples
        Length of the result.
    steps
        Iterations.
    generator
        Source of the first phase, on the CPU so that every device starts from the same.

    Returns
    -------
    (batch, samples)
        Float, near the level that the magnitude says.
    """
    window = features.window
    magnitude = magnitude * (window.sum() / 2.0)
    angle = torch.rand(magnitude.shape, generator=generator, dtype=magnitude.dtype) * (2.0 * torch.pi)
    phase = torch.polar(torch.ones_like(angle), angle).to(magnitude.device)

    def synthesise(phase: Tensor) -> Tensor:
        return torch.istft(magnitude * phase, features.n_fft, features.hop_length, window=window, length=samples)

    previous = torch.zeros_like(phase)
    for _ in range(steps):
        rebuilt = torch.stft(
            synthesise(phase),
            features.n_fft,
            features.hop_length,
            window=window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        ahead = rebuilt - previous * (_MOMENTUM / (1.0 + _MOMENTUM))
        phase = ahead / ahead.abs().clamp_min(1e-16)
        previous = rebuilt
    return synthesise(phase)


@torch.no_grad()
def mel_to_sound(mel: Tensor, features: LogMel, samples: int, steps: int, seed: int = 0) -> Tensor:
    """Sound of normalised log-mel spectrograms.

    Parameters
    ----------
    mel : (batch, n_mels, frames)
        Normalised; values outside [0, 1] are clamped.
    features
        The analysis that made such mels.
    samples
        Length of the result.
    steps
        Griffin-Lim iterations.
    seed
        Decides the first phase; the same seed gives the same sound.

    Returns
    -------
    (batch, samples)
        Float, scaled down where it would exceed full scale.
    """
    power = invert_mel(features.mel_power(mel.float()), features.filterbank)
    generator = torch.Generator().manual_seed(seed)
    sound = griffin_lim(power.sqrt(), features, samples, steps, generator)
    peak = sound.abs().amax(dim=-1, keepdim=True)
    return sound / peak.clamp_min(1.0)
