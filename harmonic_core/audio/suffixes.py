"""Endings of names that are taken for audio, apart from the decoders, which take long to load."""

from __future__ import annotations

AUDIO_SUFFIXES: frozenset[str] = frozenset(
    {
        *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".mp4"),
        *(".au", ".snd", ".aif", ".aiff", ".aifc", ".caf", ".w64"),
    }
)
"""File name endings taken for audio; whether it is audio the decoder says."""
