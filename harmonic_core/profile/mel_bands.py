"""Whether an STFT is fine enough for the mel bands asked of it, in plain arithmetic.

The scale is Slaney's (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above. A band is a triangle over two
steps of that scale, and empty when no STFT bin lies inside it.
"""

from __future__ import annotations

import math

_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27
# A bin this near to an edge, in Hz, is on it but for rounding, and weighs nothing.
_ON_THE_EDGE = 1e-6


def mel_from_hz(frequency: float) -> float:
    """Slaney mels of a frequency in Hz."""
    if frequency < _BREAK_HZ:
        return frequency / _HZ_PER_MEL
    return _BREAK_MEL + math.log(frequency / _BREAK_HZ) / _LOG_STEP


def hz_from_mel(mel: float) -> float:
    """Frequency in Hz of a number of Slaney mels."""
    if mel < _BREAK_MEL:
        return mel * _HZ_PER_MEL
    return _BREAK_HZ * math.exp((mel - _BREAK_MEL) * _LOG_STEP)


def empty_bands(sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float) -> int:
    """How many of `n_mels` bands between `f_min` and `f_max` Hz hold no bin of an STFT of `n_fft` samples."""
    low, high = mel_from_hz(f_min), mel_from_hz(f_max)
    edges = [hz_from_mel(low + (high - low) * step / (n_mels + 1)) for step in range(n_mels + 2)]
    bin_width = sample_rate / n_fft

    def is_empty(lower: float, upper: float) -> bool:
        first_inside = math.floor((lower + _ON_THE_EDGE) / bin_width) + 1
        return first_inside * bin_width >= upper - _ON_THE_EDGE or first_inside > n_fft // 2

    return sum(map(is_empty, edges, edges[2:]))


def most_bands(sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float) -> int | None:
    """Largest number of bands, at most `n_mels`, of which none is empty; None when there is none."""
    fitting = (n for n in range(n_mels, 0, -1) if not empty_bands(sample_rate, n_fft, n, f_min, f_max))
    return next(fitting, None)


def shortest_window(sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float) -> int | None:
    """Smallest power of two from `n_fft` to 16384 whose STFT leaves no band empty; None when there is none."""
    powers = (1 << exponent for exponent in range((n_fft - 1).bit_length(), 15))
    return next((n for n in powers if not empty_bands(sample_rate, n, n_mels, f_min, f_max)), None)
