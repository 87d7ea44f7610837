"""Audio as Python programs have it: files and arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harmonic_core.data.piece import read_music
from harmonic_core.errors import DataError
from harmonic_core.text import plain

Values = NDArray[np.float32]
Audio = str | os.PathLike[str] | ArrayLike
"""A music file, of any rate and length; or samples at the model's `sample_rate`, (samples,) or (batch, samples), mono:
floats in [−1, 1], or int16."""

_CHANNELS = 8


def array_of(given: ArrayLike, what: str) -> NDArray[Any]:
    """What somebody gave, as an array of whatever type and shape.

    Raises
    ------
    DataError
        If it cannot be one, such as lists of different lengths.
    """
    try:
        return np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = plain((str(error) or type(error).__name__).splitlines()[0], 160)
        raise DataError(f"{what} that makes no array: {reason}") from error


def rows_of(audio: Audio, sample_rate: int) -> Values:
    """Rows of sound, (batch, samples), full scale being 1; a file or (samples,) is a batch of one.

    Raises
    ------
    DataError
        If it is no audio; the message says what to give.
    """
    if isinstance(audio, str | os.PathLike):
        path = os.fspath(audio)
        if "\0" in path:
            raise DataError(f"{plain(path)}: no file can be called so")
        return read_music(Path(path), sample_rate)[None]
    given = array_of(audio, "audio")
    if given.ndim not in {1, 2} or not given.size:
        raise DataError(f"audio of shape {given.shape}: give a path, or samples, (samples,) or (batch, samples)")
    if given.dtype.kind != "f" and given.dtype != np.int16:
        raise DataError(f"audio of type {given.dtype}: give floats in [-1, 1], or int16")
    if given.ndim == 2 and given.shape[1] <= _CHANNELS < given.shape[0]:
        raise DataError(f"audio of shape {given.shape}: that is (samples, channels); give mono, (samples,)")
    rows = np.array(given, np.float32, ndmin=2) / np.float32(1.0 if given.dtype.kind == "f" else 32768.0)
    if not np.isfinite(rows).all():
        raise DataError("audio that holds what is no number")
    return rows
