"""Pictures of sounds: time to the right, pitch upwards, brightness in dB."""

from __future__ import annotations

import io
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

WIDTH, HEIGHT = 480, 160
"""Pixels."""
RANGE_DB = 80.0
"""From the loudest place of a sample down to the darkest colour."""
_LOWEST_HZ = 40.0
_LEAST_TOP_DB = -60.0
"""Level of a peak in dB re full scale below which a sound stays dark: silence is no picture of its noise."""
_WINDOW_S, _FINE_WINDOW_S = 0.064, 0.016
"""A long window tells low tones apart, a short one the moments of high ones."""
_COARSE_BELOW_HZ, _FINE_ABOVE_HZ = 300.0, 3000.0
_AT_ONCE = 96
_QUALITY = 80
_COLOURS = (
    *((13, 17, 23), (44, 36, 84), (104, 52, 122), (178, 74, 124)),
    *((235, 122, 110), (250, 190, 130), (253, 244, 214)),
)
"""From silence to the loudest, evenly lighter; those of the console's page in the browser."""
_TICKS_HZ = (100, 300, 1000, 3000, 10_000)


class PitchMark(NamedTuple):
    """A pitch written beside a picture, and its height as a share from the bottom."""

    text: str
    height: float


def levels_db(sound: Floats, rate: int) -> NDArray[np.float32]:
    """Level in dB of a sound at every pixel, relative to a full-scale sine: (`HEIGHT`, `WIDTH`), lowest pitch first.

    Pitch is logarithmic from 40 Hz to half the rate.

    Parameters
    ----------
    sound : (samples,)
    rate
        In Hz.
    """
    pitches = np.geomspace(_LOWEST_HZ, rate / 2, HEIGHT)
    coarse, fine = (_levels(sound, rate, window, pitches) for window in (_WINDOW_S, _FINE_WINDOW_S))
    across = math.log(_FINE_ABOVE_HZ / _COARSE_BELOW_HZ)
    share = np.clip(np.log(pitches / _COARSE_BELOW_HZ) / across, 0.0, 1.0)[:, None]
    return ((1 - share) * coarse + share * fine).astype(np.float32)


def top_db(levels: NDArray[np.float32]) -> float:
    """Level that is shown as the brightest."""
    return max(float(levels.max()), _LEAST_TOP_DB)


def picture(levels: NDArray[np.float32], top: float) -> bytes:
    """Levels as a WebP picture, `top` dB the brightest and 80 dB less the darkest."""
    shades = np.clip(1.0 + (levels[::-1] - top) / RANGE_DB, 0.0, 1.0)
    places = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(shades, places, channel) for channel in np.array(_COLOURS).T], axis=-1)
    written = io.BytesIO()
    Image.fromarray(colours.round().astype(np.uint8)).save(written, "WEBP", quality=_QUALITY, method=4)
    return written.getvalue()


def pitch_marks(rate: int) -> list[PitchMark]:
    """What is written beside a picture of a sound of this rate."""
    top = rate / 2
    return [
        PitchMark(
            f"{hertz} Hz" if hertz < 1000 else f"{hertz // 1000} kHz",
            math.log(hertz / _LOWEST_HZ) / math.log(top / _LOWEST_HZ),
        )
        for hertz in _TICKS_HZ
        if hertz < 0.9 * top
    ]


def _levels(sound: Floats, rate: int, window_s: float, pitches: NDArray[np.float64]) -> NDArray[np.float64]:
    size = 1 << max(4, round(math.log2(window_s * rate)))
    # Mirrored at its ends: silence there would be heard as a click and seen as a bright edge.
    padded = np.pad(sound, size // 2, mode="reflect" if len(sound) > 1 else "constant")
    starts = np.linspace(0, max(0, len(padded) - size), WIDTH).astype(int)
    window = np.hanning(size).astype(np.float32)
    bins = np.minimum(pitches * size / rate, size / 2)
    below = np.minimum(bins.astype(int), size // 2 - 1)
    part = bins - below
    levels = np.empty((len(pitches), WIDTH))
    for first in range(0, WIDTH, _AT_ONCE):
        frames = np.stack([padded[start : start + size] for start in starts[first : first + _AT_ONCE]])
        magnitude = np.abs(np.fft.rfft(frames * window, axis=1)) / (size / 4)
        decibels = 20 * np.log10(np.maximum(magnitude, 1e-7))
        levels[:, first : first + _AT_ONCE] = ((1 - part) * decibels[:, below] + part * decibels[:, below + 1]).T
    return levels
