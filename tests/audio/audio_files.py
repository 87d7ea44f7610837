"""Audio files of every format, made on the spot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]


def sine(frequency: float, seconds: float, rate: int, amplitude: float = 0.5) -> Sound:
    """A sine: (samples,) float32."""
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def chord(seconds: float, rate: int) -> Sound:
    """A major chord of decaying partials, struck every half second: (samples,) float32."""
    time = np.arange(round(seconds * rate)) / rate
    decay = np.exp(-3.0 * (time % 0.5))
    partials = [np.sin(2 * np.pi * k * f * time) / k for f in (220.0, 277.18, 329.63) for k in range(1, 5)]
    sound: Sound = (0.1 * decay * np.sum(partials, axis=0)).astype(np.float32)
    return sound


def write(path: Path, sound: Sound, rate: int, subtype: str | None = None) -> Path:
    """Write (samples,) or (samples, channels) in the format that the file's ending names."""
    if path.suffix in {".m4a", ".mp4", ".aac"}:
        _write_aac(path, sound, rate)
    else:
        kind = "OGG" if path.suffix in {".oga", ".opus"} else None
        soundfile.write(path, sound, rate, subtype=subtype, format=kind)
    return path


def write_picture(path: Path) -> Path:
    """An MP4 with a film of one colour and no sound."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _write_aac(path: Path, sound: Sound, rate: int) -> None:
    layout = "mono" if sound.ndim == 1 else "stereo"
    planes = np.ascontiguousarray(np.atleast_2d(sound.T))
    with av.open(str(path), "w", format="adts" if path.suffix == ".aac" else "ipod") as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
