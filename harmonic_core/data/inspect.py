"""What is wrong with a sound: judgements on the facts that decoding found, cheap enough for every run."""

from __future__ import annotations

import errno
import math
import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.audio.reasons import IS_FOLDER, NOT_AUDIO, NOT_FINITE, NOT_REGULAR

Kind = Literal[
    "undecodable",
    "not_audio",
    "unreadable",
    "not_finite",
    "truncated",
    "too_short",
    "silent",
    "clipped",
    "dc_offset",
    "odd_rate",
    "odd_channels",
    "duplicate",
    "wrong_ending",
    "known_fault",
]


@dataclass(frozen=True)
class Fault:
    """Something wrong with a track.

    Attributes
    ----------
    kind
        What, in one word.
    message
        What, in a sentence with its figures.
    refuses
        Whether the track cannot be trained on; else this is a warning.
    """

    kind: Kind
    message: str
    refuses: bool


SILENT_DB = -60.0
"""Peak below which there is nothing to hear: twenty decibels above the noise of 16 bits."""

CLIPPED_SHARE = 1e-3
"""Share of samples at full scale from which clipping can be heard as distortion; a loud master has a few."""

DC_OFFSET = 0.01
"""Mean, full scale being 1, that good equipment stays below. It fills the lowest mel band."""

USUAL_RATES = frozenset(
    {8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 176_400, 192_000}
)
"""Sample rates in Hz that equipment makes; another one is mostly a damaged header, and the music out of tune."""

LOSSLESS_MISSING_S = 0.01
"""Seconds by which a lossless sound may fall short of its header."""

LOSSY_MISSING_SAMPLES = 2304
"""The same for others, in samples: some encoders count their own delay in, two frames of MP3, and some do not."""

_CONTAINERS: dict[str, frozenset[str]] = {
    ".wav": frozenset({"wav", "w64"}),
    ".flac": frozenset({"flac", "ogg"}),
    ".ogg": frozenset({"ogg"}),
    ".oga": frozenset({"ogg"}),
    ".opus": frozenset({"ogg"}),
    ".mp3": frozenset({"mp3"}),
    ".m4a": frozenset({"mp4"}),
    ".mp4": frozenset({"mp4"}),
    ".aac": frozenset({"aac"}),
    ".au": frozenset({"au"}),
    ".aif": frozenset({"aiff"}),
    ".aiff": frozenset({"aiff"}),
}
_SYSTEM_REASONS = frozenset(os.strerror(number).lower() for number in errno.errorcode)


def faults(facts: SoundFacts, min_seconds: float) -> list[Fault]:
    """Everything that is wrong with a sound that was decoded to its end.

    Parameters
    ----------
    facts
        What decoding it found.
    min_seconds
        Shorter ones are refused.

    Returns
    -------
    faults
        Those that refuse first; empty for a sound that is simply fine.
    """
    found = [_truncated(facts), _too_short(facts, min_seconds), _silent(facts)]
    found += [_clipped(facts), _dc_offset(facts), _odd_rate(facts), _odd_channels(facts)]
    return [fault for fault in found if fault]


def fault_of_reason(reason: str) -> Fault:
    """Judge the words in which decoding said why it failed, for a track that has no facts."""
    lower = reason.lower()
    kind: Kind = "undecodable"
    if lower.startswith(NOT_AUDIO):
        kind = "not_audio"
    elif NOT_FINITE in lower:
        kind = "not_finite"
    elif lower in {IS_FOLDER, NOT_REGULAR} or any(lower.startswith(words) for words in _SYSTEM_REASONS):
        kind = "unreadable"
    return Fault(kind, reason, refuses=True)


def wrong_ending(name: str, facts: SoundFacts) -> Fault | None:
    """Warn of a file name whose ending promises another format than there is; it is read all the same."""
    suffix = PurePath(name).suffix.lower()
    if facts.container in _CONTAINERS.get(suffix, {facts.container}):
        return None
    return Fault("wrong_ending", f"is called {suffix} and is {facts.container} ({facts.codec})", refuses=False)


def _truncated(facts: SoundFacts) -> Fault | None:
    is_lossless = facts.codec.startswith("pcm_") or facts.codec in {"flac", "alac"}
    allowed = LOSSLESS_MISSING_S if is_lossless else LOSSY_MISSING_SAMPLES / facts.sample_rate
    reason = None
    if facts.declared_seconds is not None and facts.declared_seconds - facts.seconds > allowed:
        reason = f"{facts.seconds:.2f} s of the {facts.declared_seconds:.2f} s that its header promises are there"
    elif facts.missing_seconds > allowed:
        reason = f"{facts.missing_seconds:.2f} s are missing in the middle"
    elif not facts.ended:
        reason = f"stops after {facts.seconds:.2f} s without the mark of its end"
    return Fault("truncated", f"truncated: {reason}", refuses=True) if reason else None


def _too_short(facts: SoundFacts, min_seconds: float) -> Fault | None:
    if facts.seconds >= min_seconds:
        return None
    message = f"{facts.seconds:.2f} s long, shorter than data.min_clip_length ({min_seconds:g} s)"
    return Fault("too_short", message, refuses=True)


def _silent(facts: SoundFacts) -> Fault | None:
    limit = 10.0 ** (SILENT_DB / 20.0)
    if facts.mono_peak >= limit:
        return None
    if facts.peak >= limit:
        return Fault("silent", "the channels are opposite: mixed to mono they cancel out", refuses=True)
    peak = f"its peak is {20.0 * math.log10(facts.peak):.0f} dB" if facts.peak else "every sample is zero"
    return Fault("silent", f"silent: {peak}", refuses=True)


def _clipped(facts: SoundFacts) -> Fault | None:
    samples = facts.seconds * facts.sample_rate * facts.channels
    share = facts.clipped / samples if samples else 0.0
    if share <= CLIPPED_SHARE:
        return None
    return Fault("clipped", f"clipped: {100.0 * share:.1f} % of the samples are at full scale", refuses=False)


def _dc_offset(facts: SoundFacts) -> Fault | None:
    if abs(facts.dc_offset) <= DC_OFFSET:
        return None
    return Fault("dc_offset", f"DC offset of {100.0 * facts.dc_offset:+.1f} % of full scale", refuses=False)


def _odd_rate(facts: SoundFacts) -> Fault | None:
    if facts.sample_rate in USUAL_RATES:
        return None
    return Fault("odd_rate", f"unusual sample rate of {facts.sample_rate} Hz", refuses=False)


def _odd_channels(facts: SoundFacts) -> Fault | None:
    if facts.channels <= 2:
        return None
    return Fault("odd_channels", f"{facts.channels} channels, which are averaged", refuses=False)
