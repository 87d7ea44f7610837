"""How much an error in each mel band of each frame would be heard."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harmonic_core.hearing.loudness import loudness_level
from harmonic_core.hearing.masking import FULL_SCALE_DB_SPL, Masking

FLOOR = 0.1
"""Weight that even what is masked keeps: what is inaudible to a model of ears may be heard by ears."""

_USUAL_PHON = 40.0
_TINY = 1e-12


class Audibility(nn.Module):
    """Weights of mel errors by loudness and by how far a band stands out above what masks it.

    Parameters
    ----------
    centres : (n_mels,)
        Frequencies of the bands in Hz, ascending, above 0.
    """

    centres: Tensor

    def __init__(self, centres: Tensor) -> None:
        super().__init__()
        self.masking = Masking(centres)
        self.register_buffer("centres", centres, persistent=False)

    @torch.no_grad()
    def forward(self, mel_power: Tensor) -> Tensor:
        """Weights for the errors of a reconstruction.

        Noise-to-mask weight log10(p / m + 1) (Zhen et al. 2020, arXiv 2101.00054) times the band's loudness level
        relative to 40 phon, scaled to a mean of one over each item and floored.

        Parameters
        ----------
        mel_power : (batch, n_mels, frames)
            Band powers of the original relative to a full-scale sine, ≥ 0.

        Returns
        -------
        (batch, n_mels, frames)
            At least `FLOOR`; the mean of each item is one. All ones for silence.
        """
        power = mel_power.transpose(1, 2)
        stands_out = torch.log10(power / self.masking(power) + 1.0)
        level_db = 10.0 * torch.log10(power.clamp_min(_TINY)) + FULL_SCALE_DB_SPL
        weight = stands_out * loudness_level(level_db, self.centres) / _USUAL_PHON
        mean = weight.mean(dim=(1, 2), keepdim=True)
        weight = torch.where(mean > _TINY, weight / mean.clamp_min(_TINY), torch.ones_like(weight))
        return (FLOOR + (1.0 - FLOOR) * weight).transpose(1, 2)
