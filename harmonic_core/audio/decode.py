"""Any audio file to mono 16-bit samples at one rate, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import av
import av.error
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from harmonic_core.errors import DataError

Samples: TypeAlias = NDArray[np.float32]
Pcm: TypeAlias = NDArray[np.int16]

AUDIO_SUFFIXES: frozenset[str] = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".mp4"})
"""File name endings taken for audio; whether it is audio the decoder says."""

SOURCE_RATES = (1_000, 1_000_000)
"""Range in Hz in which a file's own sample rate must lie; a damaged header says anything."""

_BLOCK_FRAMES = 1 << 18


class DecodeError(DataError):
    """A file that no decoder reads to its end. The message is the reason alone; the caller knows the file."""


def decode(path: Path, sample_rate: int) -> Iterator[Pcm]:
    """Decode a file to mono at `sample_rate`.

    libsndfile reads what it knows; ffmpeg (through PyAV) reads M4A and AAC, and what libsndfile refuses. Channels
    are averaged, then resampled by soxr at high quality.

    Parameters
    ----------
    path
        A WAV, FLAC, OGG, MP3 or M4A file.
    sample_rate
        Rate of the result in Hz.

    Yields
    ------
    (samples,) int16
        Blocks in order; ±32767 is full scale.

    Raises
    ------
    DecodeError
        If the file cannot be decoded, holds no audio, or holds samples that are not numbers.
    OSError
        If it is gone or may not be read.
    """
    source_rate, blocks = _open(path)
    if not SOURCE_RATES[0] <= source_rate <= SOURCE_RATES[1]:
        raise DecodeError(f"has a sample rate of {source_rate} Hz")
    resampler = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32", quality="HQ")
    for block in blocks:
        if not np.isfinite(block).all():
            raise DecodeError("holds samples that are not finite numbers")
        yield _to_pcm(resampler.resample_chunk(block))
    yield _to_pcm(resampler.resample_chunk(np.zeros(0, np.float32), last=True))


def _to_pcm(samples: Samples) -> Pcm:
    pcm: Pcm = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    return pcm


def _open(path: Path) -> tuple[int, Iterator[Samples]]:
    if path.suffix.lower() in {".m4a", ".aac", ".mp4"}:
        return _open_with_ffmpeg(path)
    try:
        return _open_with_sndfile(path)
    except soundfile.LibsndfileError as sndfile_error:
        try:
            return _open_with_ffmpeg(path)
        except DecodeError as ffmpeg_error:
            raise DecodeError(f"libsndfile: {sndfile_error.error_string.rstrip('.')}; {ffmpeg_error}") from None


def _open_with_sndfile(path: Path) -> tuple[int, Iterator[Samples]]:
    # A descriptor instead of a name: libsndfile cannot take names that are not UTF-8.
    file = soundfile.SoundFile(path.open("rb"))

    def blocks() -> Iterator[Samples]:
        with file:
            try:
                while len(block := file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                    yield block.mean(axis=1)
            except soundfile.LibsndfileError as error:
                raise DecodeError(f"libsndfile: {error.error_string.rstrip('.')}") from None

    return file.samplerate, blocks()


def _open_with_ffmpeg(path: Path) -> tuple[int, Iterator[Samples]]:
    try:
        # As a file whatever it is called: ffmpeg takes `pipe:0.m4a` or `http:x.m4a` for an address.
        container = av.open(f"file:{path}", metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise DecodeError(f"ffmpeg: {_reason(error)}") from None
    if not container.streams.audio:
        container.close()
        raise DecodeError("ffmpeg: no audio stream")
    stream = container.streams.audio[0]
    to_float = av.AudioResampler(format="fltp")

    def blocks() -> Iterator[Samples]:
        with container:
            try:
                for frame in container.decode(stream):
                    for converted in to_float.resample(frame):
                        yield converted.to_ndarray().mean(axis=0, dtype=np.float32)
            except (av.error.FFmpegError, ValueError) as error:
                raise DecodeError(f"ffmpeg: {_reason(error)}") from None

    return int(stream.rate or stream.codec_context.sample_rate or 0), blocks()


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()
