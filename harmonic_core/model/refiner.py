"""The trained part of the vocoder: what a power spectrum is likely to be, given its mels and their inversion."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonic_core.audio.vocoder import AGREEING_STEPS, Refine, invert_mel

_WIDTH = 384
_BLOCKS = 2
_LARGEST = 3.0
"""Largest correction, in nepers of power: 13 dB up or down. Without a bound it diverged."""
_FLOOR = 1e-8
_FAINTEST = 1e-9
"""Power, relative to a full-scale sine, below which a difference is none."""
_SCALE = 4.0


class PointwiseBlock(nn.Module):
    """Normalisation, two layers and what came in: a ConvNeXt block that sees one frame.

    Parameters
    ----------
    width
        Channels in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 2 * width)
        self.contract = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(…, width) to the same."""
        change: Tensor = self.contract(functional.gelu(self.expand(self.norm(x))))
        return x + change


class Refiner(nn.Module):
    """Corrects the inversion of mels, frame by frame and whatever the frame's level; before training by nothing.

    Frames are independent: with neighbours in view it learnt no more in the same time, and without it can be trained on
    frames from everywhere, of which a few say more than as many that follow each other.

    Parameters
    ----------
    n_mels, bins
        Mel bands, and frequency bins of the spectrum.
    """

    def __init__(self, n_mels: int, bins: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_mels + bins, _WIDTH)
        self.blocks = nn.Sequential(*(PointwiseBlock(_WIDTH) for _ in range(_BLOCKS)))
        self.norm = nn.LayerNorm(_WIDTH)
        self.last = nn.Linear(_WIDTH, bins)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, mel_power: Tensor, power: Tensor) -> Tensor:
        """Better a power spectrum.

        Parameters
        ----------
        mel_power : (batch, frames, n_mels)
            Band powers relative to a full-scale sine.
        power : (batch, frames, bins)
            Their inversion.

        Returns
        -------
        (batch, frames, bins)
            Power, at most 13 dB from what it was; zero where it was zero.
        """
        bands, bins = mel_power.clamp_min(_FLOOR).log(), power.clamp_min(_FLOOR).log()
        level = bands.mean(dim=-1, keepdim=True)
        x = self.first(torch.cat(((bands - level) / _SCALE, (bins - level) / _SCALE), dim=-1))
        change = self.last(self.norm(self.blocks(x)))
        return power * torch.exp(_LARGEST * torch.tanh(change / _LARGEST))


def refiner_losses(
    refiner: Refine, mel_power: Tensor, power: Tensor, true_power: Tensor, filterbank: Tensor
) -> tuple[Tensor, Tensor]:
    """How far refined spectra are from the true ones, once they agree with the mels again; both differentiable.

    Parameters
    ----------
    refiner
        The network.
    mel_power : (batch, frames, n_mels)
    power, true_power : (batch, frames, bins)
        The inversion, and what it should have been.
    filterbank : (n_mels, bins)
        Of the mels.

    Returns
    -------
    level : ()
        Mean absolute difference of log powers, in nepers; below −90 dB of a full-scale sine there is none.
    convergence : ()
        Spectral convergence: norm of the difference of magnitudes over that of the true ones, mean over the batch.
    """
    agreed = invert_mel(mel_power, filterbank, AGREEING_STEPS, refiner(mel_power, power))
    level = (agreed.clamp_min(_FAINTEST).log() - true_power.clamp_min(_FAINTEST).log()).abs().mean()
    difference = (agreed.clamp_min(1e-12).sqrt() - true_power.sqrt()).square().sum(dim=(1, 2))
    # The root of nothing has no slope.
    convergence = ((difference + _FAINTEST) / (true_power.sum(dim=(1, 2)) + _FAINTEST)).sqrt().mean()
    return level, convergence
