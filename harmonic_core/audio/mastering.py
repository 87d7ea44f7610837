"""How loud music is to ears, and bringing it to a loudness without clipping: gain, then a limiter for what is over.

An hour at 22.05 kHz takes seconds, and a few copies of its samples in memory at most.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pyloudnorm
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from harmonic_core.audio.decode import Samples

SHORTEST_S = 0.4
"""Seconds below which there is no loudness: the length of its one gating block."""
MOST_REDUCTION_DB = 24.0
"""How far peaks are turned down at most: beyond it nothing is left of a drum but its room."""
NEAR_LU = 0.05
"""Difference in loudness that nobody hears, and that ends the search for the gain."""

_ROUNDS = 8
_LEAST_SLOPE = 0.25
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0
_STRETCH_S, _WARM_UP_S = 60, 1
_BLOCK_S = 1.0 / 700
"""Length over which the limiter looks for a peak."""
_RADIUS = 7
"""Blocks before and after a peak over which the gain falls and rises: 10 ms, within which a tone of 50 Hz has another
peak, so that its gain is steady."""
_OVERSAMPLING = 4
_MARGIN = 256
_AT_ONCE = 1 << 20


def integrated_loudness(sound: Samples, sample_rate: int) -> float | None:
    """Loudness of a whole piece by ITU-R BS.1770-4, in LUFS; None if it is shorter than `SHORTEST_S`, or silent.

    Measured by pyloudnorm a minute at a time, each begun early enough for the filters to have forgotten the start, so
    that it is the same as that of the whole at once and an hour needs no more memory than a minute.

    Parameters
    ----------
    sound : (samples,)
        Full scale is 1.
    sample_rate
        In Hz.
    """
    meter = pyloudnorm.Meter(sample_rate)
    blocks: list[float] = []
    for start in range(0, len(sound), _STRETCH_S * sample_rate):
        before = _WARM_UP_S * sample_rate if start else 0
        # Three of four parts of a block lie in the next stretch where it begins at the end of this one.
        stretch = sound[start - before : start + _STRETCH_S * sample_rate + round(0.3 * sample_rate)]
        if len(stretch) - before < SHORTEST_S * sample_rate:
            break
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            meter.integrated_loudness(stretch.astype(np.float64))
        blocks += meter.blockwise_loudness[10 * _WARM_UP_S if start else 0 :]
    return _gated(np.array(blocks))


def _gated(blocks: NDArray[np.float64]) -> float | None:
    """Mean of the blocks' loudness after both gates, in power."""
    heard = blocks[blocks >= _ABSOLUTE_GATE]
    if not len(heard):
        return None
    threshold = _mean_level(heard) + _RELATIVE_GATE
    return _mean_level(heard[heard > threshold])


def _mean_level(levels: NDArray[np.float64]) -> float:
    return 10.0 * math.log10(float(np.mean(10.0 ** (levels / 10.0))))


def true_peak_db(sound: Samples, sample_rate: int) -> float:
    """Largest magnitude of the sound between its samples too, in dB relative to full scale (dBTP); −inf for silence.

    By fourfold oversampling, as BS.1770-4 (annex 2) has it.
    """
    return _decibels(float(_peaks(sound, sample_rate).max(initial=0.0)))


def _decibels(magnitude: float) -> float:
    return 20.0 * math.log10(magnitude) if magnitude > 0.0 else -math.inf


def _block(sample_rate: int) -> int:
    return max(1, round(_BLOCK_S * sample_rate))


def _peaks(sound: Samples, sample_rate: int) -> Samples:
    """Largest magnitude in each block, between samples too: (blocks,)."""
    block = _block(sample_rate)
    peaks = np.zeros(-(-len(sound) // block), np.float32)
    step = _AT_ONCE // block * block
    for start in range(0, len(sound), step):
        before = min(start, _MARGIN)
        part = sound[start - before : start + step + _MARGIN]
        dense = soxr.resample(part, sample_rate, _OVERSAMPLING * sample_rate, quality="VHQ")
        count = min(step, len(sound) - start)
        between = _largest(dense[_OVERSAMPLING * before :][: _OVERSAMPLING * count], _OVERSAMPLING * block)
        at_samples = _largest(part[before : before + count], block)
        peaks[start // block :][: len(at_samples)] = np.maximum(between, at_samples)
    return peaks


def _largest(samples: Samples, block: int) -> Samples:
    magnitude = np.abs(samples)
    largest: Samples = np.maximum.reduceat(magnitude, np.arange(0, len(magnitude), block))
    return largest


@dataclass(frozen=True)
class Mastered:
    """A sound brought to a loudness.

    Attributes
    ----------
    sound : (samples,)
    gain_db
        What was added to all of it.
    reduction_db
        What was taken from its highest peak after that; 0 where none was over the ceiling.
    loudness_lufs
        Reached; None if it has none.
    """

    sound: Samples
    gain_db: float
    reduction_db: float
    loudness_lufs: float | None


def master(sound: Samples, sample_rate: int, loudness_lufs: float | None, ceiling_dbtp: float) -> Mastered:
    """Bring a sound to a loudness, its peaks to a ceiling at most.

    Where the gain lifts peaks over the ceiling the limiter turns them down, which takes some loudness too, so more gain
    is given until the loudness is met, or peaks are turned down by `MOST_REDUCTION_DB`.

    Parameters
    ----------
    sound : (samples,)
        Finite; not changed.
    sample_rate
        In Hz.
    loudness_lufs
        Wanted. None: it stays as loud as it is, as one does that is silent or too short to have a loudness, and only
        peaks over the ceiling are turned down.
    ceiling_dbtp
        Highest true peak.
    """
    peaks = _peaks(sound, sample_rate)
    highest = _decibels(float(peaks.max(initial=0.0)))
    before = integrated_loudness(sound, sample_rate)
    wanted = before if loudness_lufs is None else loudness_lufs
    gain = 0.0
    most = max(0.0, ceiling_dbtp - highest + MOST_REDUCTION_DB)
    tried: list[tuple[float, float]] = []
    if before is not None and wanted is not None and loudness_lufs is not None:
        gain = min(wanted - before, most)
    while True:
        louder = limited(sound, peaks, gain, sample_rate, ceiling_dbtp)
        reached = before if louder is sound else integrated_loudness(louder, sample_rate)
        reduction = max(0.0, highest + gain - ceiling_dbtp)
        if loudness_lufs is None or reached is None or not reduction or len(tried) == _ROUNDS:
            break
        missing = loudness_lufs - reached
        if abs(missing) < NEAR_LU or (missing > 0.0 and gain >= most):
            break
        tried.append((gain, reached))
        # Of an hour there is not to be another one beside it.
        del louder
        gain = min(gain + missing / _slope(tried), most)
    return Mastered(louder, gain, reduction, reached)


def _slope(tried: list[tuple[float, float]]) -> float:
    """LU that another dB of gain brings, going by the last two; less and less once all is against the ceiling."""
    if len(tried) < 2:
        return 1.0
    (gain_before, reached_before), (gain, reached) = tried[-2:]
    if abs(gain - gain_before) < 1e-6:
        return 1.0
    return min(1.0, max(_LEAST_SLOPE, (reached - reached_before) / (gain - gain_before)))


def limited(sound: Samples, peaks: Samples, gain_db: float, sample_rate: int, ceiling_dbtp: float) -> Samples:
    """The sound with a gain, turned down smoothly around the peaks that are over the ceiling and nowhere else.

    Parameters
    ----------
    sound : (samples,)
        Given back itself where there is nothing to do.
    peaks : (blocks,)
        Its largest magnitude in each block, before the gain.
    gain_db
        For all of it.
    sample_rate
        In Hz.
    ceiling_dbtp
        Highest true peak.
    """
    gain = 10.0 ** (gain_db / 20.0)
    needed = np.minimum(1.0, 10.0 ** (ceiling_dbtp / 20.0) / np.maximum(peaks.astype(np.float64) * gain, 1e-12))
    if needed.min(initial=1.0) == 1.0:
        return sound if gain_db == 0.0 else sound * np.float32(gain)
    # The mean over a window of what is least in a window is never above what is needed in the middle. One block more,
    # because between the middles of two blocks the gain goes from one to the other.
    least = _windows(needed, _RADIUS + 1).min(axis=-1)
    smooth = _windows(least, _RADIUS).mean(axis=-1)
    block = _block(sample_rate)
    louder = np.empty_like(sound)
    for start in range(0, len(sound), _AT_ONCE):
        place = np.arange(start, min(start + _AT_ONCE, len(sound))) / block - 0.5
        louder[start : start + _AT_ONCE] = sound[start : start + _AT_ONCE] * (
            gain * np.interp(place, np.arange(len(smooth)), smooth)
        )
    return louder


def _windows(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    windows: NDArray[np.float64] = sliding_window_view(np.pad(values, radius, mode="edge"), 2 * radius + 1)
    return windows
