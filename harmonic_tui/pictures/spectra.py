"""From a sound to its picture: mel spectrogram in dB and envelope, as the run's profile has them. Runs in threads."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from harmonic_core.errors import DataError
from harmonic_tui.plain import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_core.run.directory import RunDirectory

_MOST_FRAMES = 4096
"""Of a picture; a longer sound gets fewer a second."""
_MOST_SAMPLES = 2**26
"""Of a sound: 50 minutes at 22 050 Hz. What comes after is not looked at."""
_BLOCK = 256
"""Frames that are transformed at a time: memory stays small however long the sound is."""
_PEAKS = 2048
_WINDOW_DB, _LEAST_WINDOW_DB = 70.0, 20.0
"""Levels that a picture has colours for: quieter things are not heard beside the loudest."""
_KEPT = 48


@dataclass(frozen=True)
class Scale:
    """How sound becomes a picture: what `[audio]` of a profile says."""

    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    f_min: float = 20.0
    f_max: float | None = None
    top_db: float = 0.0
    dynamic_range_db: float = 80.0


@dataclass(frozen=True)
class Spectrum:
    """One sound as a picture.

    Attributes
    ----------
    mel_db : (n_mels, frames) float32
        Level of each band in dB relative to a full-scale sine, within the window of the scale; lowest band first.
    low, high : (points,) float32
        Least and greatest sample of each of equally long parts, in [-1, 1].
    centres_hz : (n_mels,) float64
        Middle of each band.
    """

    mel_db: NDArray[np.float32] = field(repr=False)
    low: NDArray[np.float32] = field(repr=False)
    high: NDArray[np.float32] = field(repr=False)
    centres_hz: NDArray[np.float64] = field(repr=False)
    duration_s: float
    sample_rate: int
    level_db: float
    """Root-mean-square level in dB relative to full scale."""
    scale: Scale


class Spectra:
    """Spectra of the files of one run; the last ones looked at are kept, by path and time of change."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._kept: OrderedDict[tuple[Path, int, int, Scale], Spectrum] = OrderedDict()
        self._lock = Lock()
        self._scale: tuple[int, Scale] | None = None

    def of(self, path: Path) -> Spectrum:
        """Spectrum of a file. To be called in a thread.

        Raises
        ------
        DataError
            If there is no sound in the file, or no file.
        """
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(f"{plain(path.name)}: {(error.strerror or str(error)).lower()}") from error
        key = (path, stat.st_mtime_ns, stat.st_size, self.scale())
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = spectrum_of(path, key[-1])
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def scale(self) -> Scale:
        """What the run's profile says of pictures; where it cannot be read, what profiles say by default."""
        try:
            stamp = self._run.profile.stat().st_mtime_ns
        except OSError:
            return Scale()
        if self._scale is None or self._scale[0] != stamp:
            self._scale = (stamp, _scale_of(self._run))
        return self._scale[1]


def _scale_of(run: RunDirectory) -> Scale:
    from harmonic_core.errors import HarmonicError
    from harmonic_core.profile.resolve import load

    try:
        audio = load(run.profile).audio
    except HarmonicError:
        return Scale()
    return Scale(
        audio.n_fft, audio.hop_length, audio.n_mels, audio.f_min, audio.f_max, audio.top_db, audio.dynamic_range_db
    )


def spectrum_of(path: Path, scale: Scale) -> Spectrum:
    """Read a sound and look at it.

    Raises
    ------
    DataError
        If there is no sound in the file.
    """
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            sample_rate = int(file.samplerate)
            heard = file.read(_MOST_SAMPLES, dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        raise DataError(f"{plain(path.name)}: cannot be read as sound ({plain(str(error), 120)})") from error
    if not len(heard):
        raise DataError(f"{plain(path.name)}: holds no sound, it is 0 s long")
    heard = np.nan_to_num(heard, nan=0.0, posinf=1.0, neginf=-1.0).astype(np.float32)
    level = float(np.sqrt(np.mean(np.square(heard, dtype=np.float64))))
    edges_hz = mel_edges(scale, sample_rate)
    edges = np.linspace(0, len(heard), min(_PEAKS, len(heard)) + 1).astype(int)[:-1]
    return Spectrum(
        mel_db=_mel_db(heard, scale, sample_rate, edges_hz),
        low=np.minimum.reduceat(heard, edges),
        high=np.maximum.reduceat(heard, edges),
        centres_hz=edges_hz[1:-1],
        duration_s=len(heard) / sample_rate,
        sample_rate=sample_rate,
        level_db=20 * math.log10(level) if level > 0 else -math.inf,
        scale=scale,
    )


def mel_edges(scale: Scale, sample_rate: int) -> NDArray[np.float64]:
    """Edges and middles of the bands in Hz, ascending: (n_mels + 2,), equally far apart on Slaney's mel scale.

    Slaney, Auditory Toolbox (1998): linear up to 1 kHz, 15 mel; above it 27 mel a factor of 6.4.
    """
    import numpy as np

    def mel(hertz: float) -> float:
        return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)

    highest = min(scale.f_max or sample_rate / 2, sample_rate / 2)
    mels = np.linspace(mel(min(scale.f_min, highest / 2)), mel(highest), scale.n_mels + 2)
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(np.maximum(mels - 15, 0) * math.log(6.4) / 27))


def _mel_db(
    heard: NDArray[np.float32], scale: Scale, sample_rate: int, edges_hz: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Level of each band in each frame, (n_mels, frames): what the model sees, in dB."""
    import numpy as np

    n_fft = scale.n_fft
    window = np.hanning(n_fft + 1)[:-1]
    window = (window * (2 / window.sum())).astype(np.float32)
    bins_hz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    rising = (bins_hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz) / np.diff(edges_hz)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    frames = len(heard) // scale.hop_length + 1
    every = -(-frames // _MOST_FRAMES)
    padded = np.pad(heard, n_fft // 2)
    framed = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: scale.hop_length * every]
    bands = np.empty((scale.n_mels, len(framed)), np.float32)
    for start in range(0, len(framed), _BLOCK):
        spectrum = np.fft.rfft(framed[start : start + _BLOCK] * window)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        bands[:, start : start + _BLOCK] = filters @ power.T
    floor = 10 ** ((scale.top_db - scale.dynamic_range_db) / 10)
    level_db = 10 * np.log10(np.maximum(bands, np.float32(floor)))
    limited: NDArray[np.float32] = np.minimum(level_db, np.float32(scale.top_db)).astype(np.float32)
    return limited


def window_of(spectrum: Spectrum) -> tuple[float, float]:
    """Levels in dB, the highest and the lowest, that a picture of a sound should have colours for.

    The other takes of an item are shown with the same, so that colours can be compared.
    """
    scale = spectrum.scale
    highest = 5 * math.ceil(float(spectrum.mel_db.max()) / 5)
    lowest = scale.top_db - scale.dynamic_range_db
    top = max(min(scale.top_db, highest), lowest + _LEAST_WINDOW_DB)
    return top, max(lowest, top - _WINDOW_DB)


def difference_db(original: Spectrum, reconstruction: Spectrum) -> NDArray[np.float32]:
    """How much louder the original is, band by band and frame by frame in dB, over the time that both last.

    Raises
    ------
    DataError
        If the two have different bands, as after a change of the profile.
    """
    one, other = original.mel_db, reconstruction.mel_db
    if one.shape[0] != other.shape[0]:
        raise DataError("original and reconstruction have different mel bands")
    frames = min(one.shape[1], other.shape[1])
    difference: NDArray[np.float32] = one[:, :frames] - other[:, :frames]
    return difference


def resampled(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """`values`, (bands, frames), as (rows, columns): averaged where there is less room, interpolated where more."""
    import numpy as np

    shrunk = _weights(rows, values.shape[0]) @ values @ _weights(columns, values.shape[1]).T
    return shrunk.astype(np.float32)


def _weights(places: int, values: int) -> NDArray[np.float32]:
    """Weight of each of `values` equally spaced values at each of `places`, (places, values): a triangle a place."""
    import numpy as np

    ratio = values / places
    middles = (np.arange(places) + 0.5) * ratio - 0.5
    distance = np.abs(middles[:, None] - np.arange(values)) / max(1.0, ratio)
    near = np.maximum(0.0, 1.0 - distance)
    # Beyond the outermost values there is nothing to interpolate with.
    total = near.sum(axis=1, keepdims=True)
    weights: NDArray[np.float32] = (near / np.where(total > 0, total, 1.0)).astype(np.float32)
    return weights


def hertz_rows(spectrum: Spectrum, rows: int) -> list[tuple[int, str]]:
    """Rows, from the top, at which round frequencies lie, with their labels; at least two rows apart."""
    import numpy as np

    centres = spectrum.centres_hz
    placed: list[tuple[int, str]] = []
    for hertz in (10_000, 1000, 5000, 100, 2000, 500, 200, 3000, 300, 7000, 50):
        if not centres[0] <= hertz <= centres[-1]:
            continue
        band = float(np.interp(hertz, centres, np.arange(len(centres))))
        row = rows - 1 - min(rows - 1, int((band + 0.5) / len(centres) * rows))
        if all(abs(row - taken) >= 2 for taken, _ in placed):
            placed.append((row, f"{hertz // 1000} kHz" if hertz >= 1000 else f"{hertz} Hz"))
    return sorted(placed)
