"""What is inaudible beside what is louder: simultaneous masking on the Bark scale.

After MPEG-1's psychoacoustic model 1 and Johnston (1988): power is gathered in bands of a third of a Bark, spread to
its neighbours, lowered by an offset that depends on whether it is tone or noise, and added up where maskers meet.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harmonic_core.hearing.loudness import threshold_in_quiet_db
from harmonic_core.hearing.scales import bark_from_hz

FULL_SCALE_DB_SPL = 96.0
"""Level at which a full-scale sine is taken to be heard: the usual assumption for 16 bits."""

_BANDS_PER_BARK = 3
_SLOPE_BELOW_DB = 27.0
_SLOPE_ABOVE_DB = 18.0
"""dB per Bark above the masker: between 24 for faint maskers and 12 for loud ones."""
_ADDED_WITH = 0.7
"""Exponent with which the powers of several maskers add up; one that is less than 1 makes two mask more than each."""
_TONE_OFFSET_DB, _NOISE_OFFSET_DB = 14.5, 5.5
_TONAL_FLATNESS_DB, _NOISY_FLATNESS_DB = -20.0, -4.0
"""Flatness of a pure tone in a window, and that of noise: the geometric mean of a chi-squared spectrum lies 2.5 dB
below its arithmetic mean, give or take what a few bins spread."""
_FLATNESS_OVER_BARK = 1.0
_TINY = 1e-20


class Masking(nn.Module):
    """Global masking threshold of power spectra, on whatever device it is moved to.

    Parameters
    ----------
    frequency : (bins,)
        Hz at which the spectrum is sampled, ascending, above 0 but for the first: STFT bins or mel bands.
    full_scale_db
        dB SPL of a power of one.
    """

    gather: Tensor
    around: Tensor
    spread: Tensor
    tone_offset: Tensor
    quiet: Tensor
    band_of: Tensor

    def __init__(self, frequency: Tensor, full_scale_db: float = FULL_SCALE_DB_SPL) -> None:
        super().__init__()
        bark = bark_from_hz(frequency.double())
        band = ((bark - bark[0]) * _BANDS_PER_BARK).floor().long()
        # Bands that no bin falls into, as low ones of a coarse spectrum, are left out.
        band = torch.unique(band, return_inverse=True)[1]
        count = int(band[-1]) + 1
        gather = torch.zeros((count, len(frequency)), dtype=torch.float64)
        gather[band, torch.arange(len(frequency))] = 1.0
        centre = (gather @ bark) / gather.sum(dim=1)
        distance = centre.unsqueeze(1) - centre.unsqueeze(0)  # from the masker, upwards
        spread_db = torch.where(distance < 0.0, _SLOPE_BELOW_DB * distance, -_SLOPE_ABOVE_DB * distance)
        near = ((centre.unsqueeze(1) - bark.unsqueeze(0)).abs() <= _FLATNESS_OVER_BARK / 2.0).double() + gather
        near = near.clamp_max(1.0)
        quiet_db = threshold_in_quiet_db(frequency.double()) - full_scale_db
        buffers = {
            "gather": gather,
            "around": near / near.sum(dim=1, keepdim=True),
            "spread": torch.pow(10.0, spread_db * (_ADDED_WITH / 10.0)),
            "tone_offset": _TONE_OFFSET_DB + centre,
            "quiet": torch.pow(10.0, quiet_db / 10.0),
        }
        for name, values in buffers.items():
            self.register_buffer(name, values.float(), persistent=False)
        self.register_buffer("band_of", band, persistent=False)

    def tonality(self, power: Tensor) -> Tensor:
        """How much each band is a tone, from 0 for noise to 1, by the flatness of the spectrum around it.

        Parameters
        ----------
        power : (…, bins)
            Non-negative.

        Returns
        -------
        (…, bands)
        """
        power = power + _TINY
        flatness_db = 10.0 * (power.log10() @ self.around.T - (power @ self.around.T).log10())
        return ((_NOISY_FLATNESS_DB - flatness_db) / (_NOISY_FLATNESS_DB - _TONAL_FLATNESS_DB)).clamp(0.0, 1.0)

    def forward(self, power: Tensor) -> Tensor:
        """Power below which a tone beside this spectrum is not heard.

        Parameters
        ----------
        power : (…, bins)
            Non-negative; a full-scale sine peaks at one, as `LogMel.power` has it.

        Returns
        -------
        (…, bins)
            At least the threshold in quiet; differentiable.
        """
        tonality = self.tonality(power)
        offset_db = tonality * self.tone_offset + (1.0 - tonality) * _NOISE_OFFSET_DB
        masker = (power @ self.gather.T + _TINY) * torch.pow(10.0, -offset_db / 10.0)
        threshold = (masker.pow(_ADDED_WITH) @ self.spread.T).pow(1.0 / _ADDED_WITH)
        return torch.maximum(threshold[..., self.band_of], self.quiet)
