"""Times and amounts as people say them, for both programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harmonic_core.run.status import Preparation

THIN_SPACE = "\N{THIN SPACE}"
UNKNOWN = "n/a"


def count(number: float) -> str:
    """Whole number with thin spaces between thousands: `12 480`."""
    return f"{number:,.0f}".replace(",", THIN_SPACE)


def files(number: int) -> str:
    """`1 file`, `1 000 files`."""
    return f"{count(number)} {'file' if number == 1 else 'files'}"


def size(byte_count: float) -> str:
    """Size with three figures: `812 kB`, `48.1 MB`, `3.20 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if byte_count < 999.5:
            return f"{byte_count:.0f} {unit}" if unit == "bytes" or byte_count >= 99.95 else f"{byte_count:.3g} {unit}"
        byte_count /= 1000
    return f"{byte_count:.3g} TB"


def duration(seconds: float | None) -> str:
    """Time as people say it: `25 s`, `42 min`, `3 h 10`, `2 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d}"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def music_length(seconds: float) -> str:
    """Amount of music: as `duration`, but in hours and tenths from an hour and a half: `3.4 h`, `1 276 h`."""
    if not math.isfinite(seconds) or seconds < 90 * 60:
        return duration(seconds)
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 999.95 else f"{count(hours)} h"


def preparation(told: Preparation, *, going_on: bool = True) -> str:
    """How far the music is, on one line: `412 of 1 000 files, 3.4 h ready, 3 refused, 2 min left`.

    Of a run that is not `going_on` any more, the time left is not said.
    """
    parts = [f"{count(told.done)} of {files(told.total)}", f"{music_length(told.audio_s)} ready"]
    if told.refused:
        parts.append(f"{count(told.refused)} refused")
    if going_on and told.eta_s is not None and told.done < told.total:
        parts.append(f"{duration(told.eta_s)} left")
    return ", ".join(parts)
