"""Why a file is refused, in words that others recognise; without the decoders, which are slow to load."""

from __future__ import annotations

from harmonic_core.errors import DataError

NOT_AUDIO = "is not audio"
"""Begins the reason for which a file is refused that no damage can explain."""

NOT_FINITE = "holds samples that are not finite numbers"
IS_FOLDER = "is a folder"
NOT_REGULAR = "is not a regular file"


class DecodeError(DataError):
    """A file that cannot be decoded to its end. The message is the reason alone; the caller knows the file."""
