"""Every mel band hears its harmonics."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harmonic_core.hearing.harmony import HARMONICS, harmonic_places, stack_harmonics


class HarmonicLayer(nn.Module):
    """Adds to every mel band what lies at ½, 1, 2, 3, 4 and 5 times its frequency, weighted anew in every band.

    Harmonic stacking (Bittner et al. 2017) followed by a sum over the harmonics is linear, so look-up and weights are
    put together to one matrix over bands before it meets the data: 3 % of an update instead of the half that stacked
    channels cost. It begins as the identity.

    Parameters
    ----------
    centres
        Band centres in Hz, ascending.
    """

    lookup: Tensor

    def __init__(self, centres: Sequence[float]) -> None:
        super().__init__()
        # The look-up of every unit vector, seen from the band that looks.
        lookup = stack_harmonics(torch.eye(len(centres)), harmonic_places(centres))
        self.register_buffer("lookup", lookup, persistent=False)
        self.weight = nn.Parameter(torch.zeros(len(HARMONICS), len(centres)))

    def forward(self, x: Tensor) -> Tensor:
        """(…, n_mels) to (…, n_mels); zero should stand for what is usual."""
        mixed = (self.lookup * self.weight.unsqueeze(2)).sum(dim=0)
        return x + x @ mixed.T
