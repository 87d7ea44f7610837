"""A picture of a sound for the browser: time to the right, pitch upwards, brightness in dB. Numbers to PNG, no more."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 900, 220
LOWEST_HZ = 40.0
_RANGE_DB = 80.0
_WINDOW_S = 0.064
_FINE_WINDOW_S = 0.016
"""A long window tells low tones apart, a short one the moments of high ones."""
_COLOURS = (
    *((13, 17, 23), (44, 36, 84), (104, 52, 122), (178, 74, 124)),
    *((235, 122, 110), (250, 190, 130), (253, 244, 214)),
)
"""From silence to the loudest, evenly lighter."""


def spectrogram(sound: NDArray[np.float32], rate: int) -> bytes:
    """Picture of a sound as PNG, `WIDTH` × `HEIGHT`, pitch logarithmic from `LOWEST_HZ` to half the rate.

    Parameters
    ----------
    sound
        Samples, as (frames, channels).
    rate
        In Hz.
    """
    mono = sound.mean(axis=1) if len(sound) else np.zeros(1, np.float32)
    pitches = np.geomspace(LOWEST_HZ, rate / 2, HEIGHT)
    coarse, fine = (_levels(mono, rate, window, pitches) for window in (_WINDOW_S, _FINE_WINDOW_S))
    # From the long window below 300 Hz over to the short one above 3 kHz.
    share = np.clip(np.log10(pitches / 300.0), 0.0, 1.0)[:, None]
    levels = (1 - share) * coarse + share * fine
    levels -= max(float(levels.max()), -60.0)
    shades = np.clip(1.0 + levels / _RANGE_DB, 0.0, 1.0)
    return _png(np.round(255 * shades[::-1]).astype(np.uint8))


def _levels(mono: NDArray[np.float32], rate: int, window_s: float, pitches: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level in dB as (pitches, `WIDTH`)."""
    size = 1 << round(np.log2(window_s * rate))
    padded = np.pad(mono, size // 2)
    starts = np.linspace(0, max(0, len(padded) - size), WIDTH).astype(int)
    window = np.hanning(size).astype(np.float32)
    levels = np.empty((len(pitches), WIDTH))
    bins = pitches * size / rate
    for first in range(0, WIDTH, 100):
        frames = np.stack([padded[start : start + size] for start in starts[first : first + 100]])
        power = np.abs(np.fft.rfft(frames * window, axis=1)) / size
        decibels = 20 * np.log10(np.maximum(power, 1e-7))
        below = np.minimum(bins.astype(int), decibels.shape[1] - 2)
        part = (bins - below)[None, :]
        levels[:, first : first + 100] = ((1 - part) * decibels[:, below] + part * decibels[:, below + 1]).T
    return levels


def _png(shades: NDArray[np.uint8]) -> bytes:
    """Shades as (height, width) through the palette."""
    places = np.linspace(0, 1, len(_COLOURS))
    palette = np.stack([np.interp(np.linspace(0, 1, 256), places, channel) for channel in np.array(_COLOURS).T], axis=1)
    height, width = shades.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), shades], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", header),
            (b"PLTE", palette.round().astype(np.uint8).tobytes()),
            (b"IDAT", zlib.compress(rows.tobytes(), 6)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
