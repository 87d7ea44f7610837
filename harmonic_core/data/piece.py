"""One piece of music that somebody names: read whole, or refused in a line that says why and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harmonic_core.audio.decode import DecodeError, Pcm, Samples, decode
from harmonic_core.audio.reasons import IS_FOLDER
from harmonic_core.data.inspect import Fault, Kind, fault_of_reason, faults
from harmonic_core.errors import DataError
from harmonic_core.text import plain

_FULL_SCALE = 32767.0
_BEFORE: dict[Kind, str] = {"undecodable": "cannot be decoded: "}
_WAY_OUT: dict[Kind, str] = {
    "not_audio": "name a WAV, FLAC, OGG, MP3 or M4A file",
    "undecodable": "make or fetch the file again",
    "truncated": "make or fetch the file again",
    "not_finite": "write it again from the program that made it",
}


def music_blocks(path: Path, sample_rate: int) -> Iterator[Pcm]:
    """Read a music file of any length and format to mono, a second or two at a time.

    Parameters
    ----------
    path
        A WAV, FLAC, OGG Vorbis or Opus, MP3, M4A, AAC, AU or AIFF file; the content decides, not the name.
    sample_rate
        Of the result in Hz.

    Yields
    ------
    (samples,)
        ±32767 is full scale. In all one sample at least; silence is music too.

    Raises
    ------
    DataError
        If it is missing, a folder, empty, no audio, or damaged. That it is truncated is known only at its end.
    """
    count = 0
    try:
        decoding = decode(path, sample_rate)
        for block in decoding:
            count += len(block)
            yield block
    except DecodeError as error:
        raise _refusal(path, fault_of_reason(str(error))) from None
    except OSError as error:
        raise _refusal(path, fault_of_reason((error.strerror or str(error)).lower())) from None
    if truncated := next((fault for fault in faults(decoding.facts, 0.0) if fault.kind == "truncated"), None):
        raise _refusal(path, truncated)
    if not count:
        message = f"too short: {decoding.facts.seconds:.2g} s are no sample at {sample_rate} Hz"
        raise _refusal(path, Fault("too_short", message, refuses=True))


def read_music(path: Path, sample_rate: int) -> Samples:
    """Read a music file whole; see `music_blocks`, of which it raises the errors.

    An hour at 22.05 kHz takes 320 MB, and half of that again while it is read.

    Returns
    -------
    (samples,)
        Full scale is 1.
    """
    blocks = list(music_blocks(path, sample_rate))
    sound = np.empty(sum(map(len, blocks)), np.float32)
    place = 0
    for block in blocks:
        np.divide(block, np.float32(_FULL_SCALE), out=sound[place : place + len(block)])
        place += len(block)
    return sound


def _refusal(path: Path, fault: Fault) -> DataError:
    way_out = _WAY_OUT.get(fault.kind, "name another file")
    if fault.message == IS_FOLDER:
        way_out = "name a file in it"
    return DataError(f"{plain(str(path))}: {_BEFORE.get(fault.kind, '')}{plain(fault.message)}; {way_out}")
