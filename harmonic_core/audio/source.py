"""One audio file, read by ffmpeg: its samples as they are, block by block, and what was noticed on the way.

ffmpeg, through PyAV, reads all formats: it is the quickest for most of them, and the only one that names damage. Times
to decode a second of 44.1 kHz stereo, in ms of one core (libsndfile 1.2.2, ffmpeg 8 as it is driven here):

    ========== ============ ======
    format      libsndfile  ffmpeg
    ========== ============ ======
    WAV 16 bit         0.04   0.08
    WAV 24 bit         0.35   0.19
    WAV float          0.06   0.14
    AU                 0.35   0.14
    AIFF               0.39   0.34
    FLAC               1.36   1.15
    OGG Vorbis         2.20   1.15
    Opus               9.40   3.09
    MP3                1.02   1.21
    M4A (AAC)             –   0.87
    ========== ============ ======

To resample that second takes 0.2 ms more.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
import av.container
import av.error
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from harmonic_core.audio import headers
from harmonic_core.audio.block import Block
from harmonic_core.audio.reasons import IS_FOLDER, NOT_AUDIO, NOT_REGULAR, DecodeError

MOST_CHANNELS = 64
LONGEST_S = 48 * 3600.0
"""Longest file in seconds: a few bytes can promise years."""

_BLOCK_SAMPLES = 1 << 16
_WAV_PACKET_BYTES = 1 << 15  # 4096 otherwise, which takes eight times as long
_SMALLEST_HOLE_S = 0.02
_TAGS = ("title", "artist", "album", "genre")
_TAG_LENGTH = 200

# Of ffmpeg's formats only those that hold sound themselves: a playlist could name any other file.
_FORMATS = "aac,aiff,au,caf,flac,matroska,mov,mp3,ogg,w64,wav"
_SELF_FRAMED = {"mp3", "aac"}
_CONTAINERS = {"mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "matroska"}


class Source:
    """A file that was opened, and found to be audio.

    Parameters
    ----------
    path
        Any file; its name does not matter.

    Attributes
    ----------
    container, codec, tags, declared_seconds
        As in `SoundFacts`; known at once.
    seconds, missing_seconds, ended
        As in `SoundFacts`; true once `blocks` has come to its end.

    Raises
    ------
    DecodeError
        If it is no file, no audio, or damaged at its beginning.
    OSError
        If it is gone or may not be read.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as open_files:
            self._file = open_files.enter_context(_open_regular(path))
            head = headers.read_head(self._file.fileno())
            self._container = open_files.enter_context(self._open(head))
            self.container = _CONTAINERS.get(self._container.format.name, self._container.format.name)
            self._stream = self._choose_stream()
            self.tags = _tags(self._container.metadata | self._stream.metadata)
            self.declared_seconds = self._declared(head)
            self.ended = self.container != "ogg" or headers.ogg_ended(self._file.fileno())
            self._open_files = open_files.pop_all()
        name = self._stream.codec_context.name
        self.codec = "mp3" if name == "mp3float" else name
        self.missing_seconds = 0.0
        self._drift: float | None = None
        self._before = 0.0
        self._fifo = AudioFifo()

    def blocks(self) -> Iterator[Block]:
        """Samples in order, in blocks of a second or two. May be called once. Raises DecodeError."""
        fifo = self._fifo
        with self._open_files:
            for frame in self._frames():
                time, frame.pts = frame.time, None
                try:
                    fifo.write(frame)
                except ValueError:
                    # From here on there are other channels, or another rate.
                    yield from self._take()
                    self._before, self._fifo = self.seconds, AudioFifo()
                    fifo = self._fifo
                    fifo.write(frame)
                if self._drift is None:
                    self._note_drift(frame, time)
                if fifo.samples >= _BLOCK_SAMPLES:
                    self._note_drift(frame, time)
                    yield from self._take()
            yield from self._take()
            if not self.seconds:
                raise DecodeError(f"{self._decoder}: no samples in it")
            self._note_drift(frame, time)

    @property
    def seconds(self) -> float:
        """Length that has been decoded so far."""
        return self._before + (self._fifo.samples_written / self._fifo.sample_rate if self._fifo.samples_written else 0)

    def _take(self) -> Iterator[Block]:
        if self.seconds > LONGEST_S:
            raise DecodeError(f"is longer than {LONGEST_S / 3600:g} hours")
        if (frame := self._fifo.read()) is not None:
            yield Block(frame)

    def _note_drift(self, frame: AudioFrame, time: float | None) -> None:
        # The first time stamp may be anything, and a jump back, as where streams were joined, is no hole.
        drift = self._drift or 0.0 if time is None else time + frame.samples / frame.sample_rate - self.seconds
        if self._drift is None:
            self._drift = drift
        elif abs(drift - self._drift) > _SMALLEST_HOLE_S:
            self.missing_seconds += max(0.0, drift - self._drift)
            self._drift = drift

    def _frames(self) -> Iterator[AudioFrame]:
        failure: DecodeError | None = None
        ended = self.ended
        decode = self._stream.decode
        for packet in self._packets():
            try:
                frames = decode(packet)
            except (av.error.FFmpegError, ValueError) as error:
                # Behind the last frame of a stream without a container come tags of all kinds, and before the first
                # one the rest of what it was cut from; only half a frame at the end is a sign of damage.
                if failure is None and (self.seconds or self.container not in _SELF_FRAMED):
                    failure = self._damage(error)
                if self.container not in _SELF_FRAMED or _has_sync(packet):
                    ended = False
                continue
            if failure and frames:
                raise failure
            yield from frames
        self.ended = ended
        if failure and not self.seconds:
            raise failure

    def _packets(self) -> Iterator[Packet[Any] | None]:
        try:
            for packet in self._container.demux(self._stream):
                # An empty packet, which Ogg allows, would be an error to the decoder.
                if packet.size:
                    yield packet
        except (av.error.FFmpegError, ValueError) as error:
            raise self._damage(error) from None
        # Makes the decoder give what it holds back.
        yield None

    def _declared(self, head: bytes) -> float | None:
        if self.container == "wav":
            # ffmpeg believes the size of the file more than the header.
            return headers.wav_seconds(self._file.fileno())
        duration, unit = self._stream.duration, self._stream.time_base
        if not duration or not unit or self.container in {"ogg", "aac"}:
            return None
        if self.container in {"au", "mp3"} and not headers.has_exact_length(head):
            return None
        return float(duration * unit)

    def _open(self, head: bytes) -> av.container.InputContainer:
        kind = headers.audio_kind(head)
        if kind is None and (other := headers.what_else(head)):
            raise DecodeError(f"{NOT_AUDIO}: {other}")
        options = {
            "fd": str(self._file.fileno()),
            "protocol_whitelist": "fd",
            "format_whitelist": _FORMATS,
        }
        if kind == "wav":
            options |= {"max_size": str(_WAV_PACKET_BYTES), "max_probe_packets": "1"}
        try:
            return av.open("fd:", metadata_errors="replace", options=options)
        except (av.error.FFmpegError, ValueError) as error:
            if kind is None:
                raise DecodeError(f"{NOT_AUDIO}, or none of a kind that is read here") from None
            missing = " (its index, which often stands at the end, is missing)" if kind == "mp4" else ""
            raise DecodeError(f"ffmpeg ({kind}): {_reason(error)}{missing}") from None

    def _choose_stream(self) -> AudioStream:
        if not self._container.streams.audio:
            # A film is one thing, a container that lost its index another.
            begins = f"{NOT_AUDIO}:" if self._container.streams else "ffmpeg:"
            raise DecodeError(f"{begins} no audio stream in it ({self.container})")
        stream = self._container.streams.audio[0]
        context = stream.codec_context
        if context is None:
            raise DecodeError(f"ffmpeg ({self.container}): no decoder for what is in it")
        if context.channels > MOST_CHANNELS or (context.channels == 0 and context.name.startswith("pcm_")):
            raise DecodeError(f"has {context.channels} channels")
        context.thread_count = 1
        if context.name == "flac":
            context.options = {"err_detect": "crccheck+explode"}
        return stream

    @property
    def _decoder(self) -> str:
        return f"ffmpeg ({self.codec})"

    def _damage(self, error: Exception) -> DecodeError:
        return DecodeError(f"{self._decoder}: {_reason(error)} after {self.seconds:.1f} s")


def _open_regular(path: Path) -> BinaryIO:
    try:
        # Without O_NONBLOCK a pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise DecodeError(NOT_REGULAR) from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise DecodeError(IS_FOLDER if stat.S_ISDIR(mode) else NOT_REGULAR)
    return cast(BinaryIO, os.fdopen(descriptor, "rb", buffering=0))


def _has_sync(packet: Packet[Any] | None) -> bool:
    return packet is not None and packet.size > 1 and int.from_bytes(bytes(packet)[:2], "big") & 0xFFE0 == 0xFFE0


def _tags(metadata: dict[str, str]) -> dict[str, str]:
    found = {key.lower(): text.replace("\0", "")[:_TAG_LENGTH] for key, text in metadata.items()}
    return {key: found[key] for key in _TAGS if found.get(key)}


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.EOFError):
        return "it ends before the sound begins"
    text = str(getattr(error, "strerror", None) or error).rstrip(".").lower()
    return text.replace("invalid data found when processing input", "invalid data")
