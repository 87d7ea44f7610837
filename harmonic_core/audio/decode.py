"""Any audio file to mono 16-bit samples at one rate, a block at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soxr
from numpy.typing import NDArray

from harmonic_core.audio.block import Block
from harmonic_core.audio.facts import SoundFacts
from harmonic_core.audio.reasons import NOT_FINITE, DecodeError
from harmonic_core.audio.source import MOST_CHANNELS, Source

__all__ = ["DecodeError", "Decoding", "Pcm", "Samples", "decode"]

Samples: TypeAlias = NDArray[np.float32]
Pcm: TypeAlias = NDArray[np.int16]

SOURCE_RATES = (1_000, 1_000_000)
"""Range in Hz in which a file's own sample rate must lie; a damaged header says anything."""


def decode(path: Path, sample_rate: int) -> Decoding:
    """Decode a file to mono at `sample_rate`.

    The content alone decides what it is; only this one file is ever opened, whatever it says of others. Channels are
    averaged, then resampled by soxr at high quality: flat up to 0.9 of the lower Nyquist frequency, more than 100 dB
    down beyond it.

    Parameters
    ----------
    path
        A WAV, FLAC, OGG Vorbis or Opus, MP3, M4A, AAC, AU or AIFF file.
    sample_rate
        Rate of the result in Hz.

    Returns
    -------
    decoding
        Yields the samples; its iteration raises `DecodeError` too.

    Raises
    ------
    DecodeError
        If it is not a regular file, cannot be decoded, or holds no audio. The message is the reason alone.
    OSError
        If it is gone or may not be read.
    """
    return Decoding(Source(path), sample_rate)


class Decoding(Iterator[Pcm]):
    """The samples of a file, (samples,) int16 in blocks, ±32767 being full scale; once they have come, its facts."""

    def __init__(self, source: Source, sample_rate: int) -> None:
        self._facts: list[SoundFacts] = []
        # Without `self`, so that a decoding that is left half-way closes its file at once.
        self._blocks = _decode(source, sample_rate, self._facts)

    def __next__(self) -> Pcm:
        return next(self._blocks)

    @property
    def facts(self) -> SoundFacts:
        """What was noticed on the way. Raises RuntimeError before the last block has come."""
        if not self._facts:
            raise RuntimeError("the sound is not decoded to its end")
        return self._facts[0]


def _decode(source: Source, sample_rate: int, found: list[SoundFacts]) -> Iterator[Pcm]:
    level = _Level()
    first: Block | None = None
    resampler: soxr.ResampleStream | None = None
    rate = 0
    for block in source.blocks():
        level.add_source(block, source)
        if resampler is None or block.rate != rate:
            if resampler is not None:
                yield level.add_mono(resampler.resample_chunk(_NOTHING, last=True))
            resampler, rate = _resampler(block, sample_rate), block.rate
        first = first or block
        yield level.add_mono(resampler.resample_chunk(block.mono()))
    if resampler is None or first is None:
        raise DecodeError("no samples in it")
    yield level.add_mono(resampler.resample_chunk(_NOTHING, last=True))
    facts = SoundFacts(
        container=source.container,
        codec=source.codec,
        decoder="ffmpeg",
        sample_rate=first.rate,
        channels=first.channels,
        seconds=source.seconds,
        declared_seconds=source.declared_seconds,
        missing_seconds=source.missing_seconds,
        ended=source.ended,
        peak=level.peak,
        clipped=level.clipped,
        mono_peak=level.mono_peak,
        rms=math.sqrt(level.square_sum / max(1, level.count)),
        dc_offset=level.sum / max(1, level.count),
        tags=source.tags,
    )
    found.append(facts)


_NOTHING: Samples = np.zeros(0, np.float32)
_LARGEST = float(np.finfo(np.float32).max)


def _resampler(block: Block, sample_rate: int) -> soxr.ResampleStream:
    if not SOURCE_RATES[0] <= block.rate <= SOURCE_RATES[1]:
        raise DecodeError(f"has a sample rate of {block.rate} Hz")
    return soxr.ResampleStream(block.rate, sample_rate, 1, dtype="float32", quality="HQ")


class _Level:
    """How loud it is, added up block by block."""

    def __init__(self) -> None:
        self.peak = self.mono_peak = self.sum = self.square_sum = 0.0
        self.clipped = self.count = 0

    def add_source(self, block: Block, source: Source) -> None:
        if block.channels > MOST_CHANNELS:
            raise DecodeError(f"has {block.channels} channels")
        peak, clipped = block.peak()
        # A double may be finite and still too large for what follows.
        if not peak <= _LARGEST:
            raise DecodeError(f"{NOT_FINITE}, before {source.seconds:.1f} s")
        self.peak = max(self.peak, peak)
        self.clipped += clipped

    def add_mono(self, samples: Samples) -> Pcm:
        """Note the level, and turn into 16-bit samples; `samples` is changed."""
        peak = max(float(samples.max()), -float(samples.min())) if len(samples) else 0.0
        self.mono_peak = max(self.mono_peak, peak)
        self.sum += float(samples.sum())
        self.square_sum += float(np.dot(samples, samples))
        self.count += len(samples)
        samples *= 32767.0
        if peak > 1.0:
            np.clip(samples, -32767.0, 32767.0, out=samples)
        np.rint(samples, out=samples)
        return samples.astype(np.int16)
