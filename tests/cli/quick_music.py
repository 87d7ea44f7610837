"""Folders of short sounds, made fast: uncompressed, of low rate, each of another content."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def write_wav(path: Path, seconds: float, rate: int = 8_000, seed: int = 0) -> None:
    """A WAV file of soft noise: mono, 16 bit."""
    samples = np.random.default_rng(seed).integers(-8_000, 8_000, round(seconds * rate)).astype("<i2").tobytes()
    path.write_bytes(_header(len(samples), rate) + samples)


def write_hours(path: Path, hours: float, rate: int = 16_000) -> None:
    """A WAV file with a second of noise and then hours of nothing, which take no room on the disk."""
    write_wav(path, 1.0, rate)
    size = round(hours * 3600 * rate) * 2
    with path.open("r+b") as file:
        file.write(_header(size, rate))
        file.truncate(44 + size)


def _header(size: int, rate: int) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: content by relative path; None for a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
