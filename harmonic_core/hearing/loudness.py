"""How loud a level sounds at a frequency: equal-loudness contours, A-weighting, the threshold in quiet."""

from __future__ import annotations

import torch
from torch import Tensor

PHON_RANGE = (20.0, 90.0)
"""Loudness levels for which ISO 226:2003 gives contours."""

_ISO_HZ = (
    20, 25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150,
    4000, 5000, 6300, 8000, 10000, 12500,
)  # fmt: skip
_ISO_ALPHA = (
    0.532, 0.506, 0.480, 0.455, 0.432, 0.409, 0.387, 0.367, 0.349, 0.330, 0.315, 0.301, 0.288, 0.276, 0.267, 0.259,
    0.253, 0.250, 0.246, 0.244, 0.243, 0.243, 0.243, 0.242, 0.242, 0.245, 0.254, 0.271, 0.301,
)  # fmt: skip
_ISO_L_U = (
    -31.6, -27.2, -23.0, -19.1, -15.9, -13.0, -10.3, -8.1, -6.2, -4.5, -3.1, -2.0, -1.1, -0.4, 0.0, 0.3, 0.5, 0.0, -2.7,
    -4.1, -1.0, 1.7, 2.5, 1.2, -2.1, -7.1, -11.2, -10.7, -3.1,
)  # fmt: skip
_ISO_T_F = (
    78.5, 68.7, 59.5, 51.1, 44.0, 37.5, 31.5, 26.5, 22.1, 17.9, 14.4, 11.4, 8.6, 6.2, 4.4, 3.0, 2.2, 2.4, 3.5, 1.7,
    -1.3, -4.2, -6.0, -5.4, -1.5, 6.0, 12.6, 13.9, 12.3,
)  # fmt: skip

_A_POLES_HZ = (20.598997, 107.65265, 737.86223, 12194.217)


def sound_pressure_level(phon: Tensor, frequency: Tensor) -> Tensor:
    """Sound pressure level at which pure tones are as loud as `phon` says: the equal-loudness contours.

    ISO 226:2003, equation 1. Its table's parameters are interpolated along the logarithm of frequency, and held beyond
    its ends at 20 Hz and 12.5 kHz.

    Parameters
    ----------
    phon
        Loudness levels; held to 20 … 90. Any shape that broadcasts with `frequency`.
    frequency
        Hz, above 0.

    Returns
    -------
    Tensor
        dB SPL, differentiable in `phon`.
    """
    alpha, l_u, t_f = _iso_parameters(frequency)
    phon = phon.clamp(*PHON_RANGE)
    loudness = 4.47e-3 * (torch.pow(10.0, 0.025 * phon) - 1.15)
    return 10.0 / alpha * torch.log10(loudness + _at_threshold(alpha, l_u, t_f)) - l_u + 94.0


def loudness_level(level_db: Tensor, frequency: Tensor) -> Tensor:
    """Loudness level in phon of pure tones of `level_db` dB SPL at `frequency` Hz; undoes `sound_pressure_level`.

    Held to 20 … 90 phon, beyond which the standard says nothing: what is quieter counts as 20.
    """
    alpha, l_u, t_f = _iso_parameters(frequency)
    heard = torch.pow(10.0, alpha * (level_db + l_u - 94.0) / 10.0) - _at_threshold(alpha, l_u, t_f)
    lowest = 10.0 ** (0.025 * PHON_RANGE[0])
    return (40.0 * torch.log10((heard / 4.47e-3 + 1.15).clamp_min(lowest))).clamp_max(PHON_RANGE[1])


def a_weighting_db(frequency: Tensor) -> Tensor:
    """A-weighting in dB at frequencies in Hz above 0; 0 dB at 1 kHz (IEC 61672-1, annex E)."""
    reference = _a_response(torch.tensor(1000.0, dtype=torch.float64))
    return (20.0 * torch.log10(_a_response(frequency.double()) / reference)).to(frequency.dtype)


def threshold_in_quiet_db(frequency: Tensor) -> Tensor:
    """Level in dB SPL below which tones at frequencies in Hz above 0 are not heard (Terhardt 1979).

    Held to 20 Hz … 20 kHz, beyond which the formula leaves all bounds.
    """
    khz = frequency.clamp(20.0, 20_000.0) / 1000.0
    return 3.64 * khz.pow(-0.8) - 6.5 * torch.exp(-0.6 * (khz - 3.3).square()) + 1e-3 * khz.pow(4.0)


def _a_response(frequency: Tensor) -> Tensor:
    square = frequency.square()
    low, second, third, high = (pole**2 for pole in _A_POLES_HZ)
    return high * square.square() / ((square + low) * ((square + second) * (square + third)).sqrt() * (square + high))


def _at_threshold(alpha: Tensor, l_u: Tensor, t_f: Tensor) -> Tensor:
    return torch.pow(0.4 * torch.pow(10.0, (t_f + l_u) / 10.0 - 9.0), alpha)


def _iso_parameters(frequency: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Exponent, magnitude of the transfer function and threshold of hearing at each frequency."""
    # On the CPU: some devices have no numbers of 64 bits, and these are few.
    table = torch.tensor((_ISO_HZ, _ISO_ALPHA, _ISO_L_U, _ISO_T_F), dtype=torch.float64, device="cpu")
    knots = table[0].log()
    place = frequency.cpu().double().clamp(_ISO_HZ[0], _ISO_HZ[-1]).log().contiguous()
    above = torch.searchsorted(knots, place).clamp(1, len(_ISO_HZ) - 1)
    share = (place - knots[above - 1]) / (knots[above] - knots[above - 1])
    alpha, l_u, t_f = (torch.lerp(row[above - 1], row[above], share).to(frequency) for row in table[1:])
    return alpha, l_u, t_f
