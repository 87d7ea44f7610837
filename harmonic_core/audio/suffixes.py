"""Endings of names that are taken for audio, apart from the decoders, which take long to load."""

from __future__ import annotations

AUDIO_SUFFIXES: frozenset[str] = frozenset(
    {
        *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".mp4"),
        *(".au", ".snd", ".aif", ".aiff", ".aifc", ".caf", ".w64", ".mka", ".weba", ".m4b", ".mp2"),
        # Not read here, and so refused by name instead of passed over.
        *(".wma", ".ape", ".wv", ".mpc", ".tta", ".dsf", ".dff", ".ac3", ".dts", ".ra", ".amr"),
    }
)
"""File name endings taken for audio; whether it is audio that can be read the decoder says."""
