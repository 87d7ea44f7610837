"""A stretch of decoded sound in whatever type the decoder gave it, and what it comes to as one channel of floats."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

_LAYOUTS: dict[str, tuple[type[np.generic], float, float, float]] = {
    # Type, zero, largest magnitude + 1, first value that counts as full scale.
    "u8": (np.uint8, 128.0, 128.0, 127.0),
    "s16": (np.int16, 0.0, 2.0**15, 2.0**15 - 1),
    "s32": (np.int32, 0.0, 2.0**31, 2.0**31 - 2.0**8),
    "s64": (np.int64, 0.0, 2.0**63, 2.0**63 - 2.0**40),
    "flt": (np.float32, 0.0, 1.0, 1.0),
    "dbl": (np.float64, 0.0, 1.0, 1.0),
}


class Block:
    """Samples of all channels as the decoder gave them, in whatever type."""

    def __init__(self, frame: AudioFrame) -> None:
        kind, self._zero, self._scale, self._full = _LAYOUTS[frame.format.name.removesuffix("p")]
        count = frame.layout.nb_channels
        self.samples = frame.samples
        self.rate = frame.sample_rate
        self._planes: list[NDArray[Any]]
        if frame.format.is_planar:
            self._planes = [np.frombuffer(cast(Any, plane), kind, frame.samples) for plane in frame.planes]
            self._channels = self._planes
        else:
            self._planes = [np.frombuffer(cast(Any, frame.planes[0]), kind, frame.samples * count)]
            self._channels = list(self._planes[0].reshape(-1, count).T)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self._channels)

    def peak(self) -> tuple[float, int]:
        """Largest magnitude, full scale being 1 (NaN or infinite if a sample is), and how many reach full scale."""
        bounds = [(float(plane.max()) - self._zero, self._zero - float(plane.min())) for plane in self._planes]
        highest = float(np.max(bounds))
        clipped = 0
        if highest >= self._full:
            clipped = sum(int(np.count_nonzero(np.abs(plane - self._zero) >= self._full)) for plane in self._planes)
        return highest / self._scale, clipped

    def mono(self) -> NDArray[np.float32]:
        """Mean of the channels: (samples,) float32, full scale 1."""
        mixed = self._channels[0].astype(np.float32)
        for channel in self._channels[1:]:
            np.add(mixed, channel, out=mixed, casting="unsafe")
        if self._zero:
            mixed -= np.float32(self._zero * self.channels)
        if (scale := self._scale * self.channels) != 1.0:
            mixed *= np.float32(1.0 / scale)
        return mixed
