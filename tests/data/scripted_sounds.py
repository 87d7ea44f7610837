"""Sounds that worker processes play as told: a ramp whose samples say where they come from, with a fault or a wait.

They are not in the test's process, so what they do is written to a file.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harmonic_core.audio.facts import SoundFacts
from harmonic_core.data.tracks import Track

Deed = Literal["refuse", "crash", "hang", "break", "exit", "wait", ""]
RATE = 8_000


@dataclass
class Playing:
    """A ramp on its way."""

    sound: Ramp
    sample_rate: int

    @property
    def facts(self) -> SoundFacts:
        """As of any sound that is fine."""
        seconds = self.sound.length / self.sample_rate
        return SoundFacts(
            container="ramp",
            codec="none",
            decoder="none",
            sample_rate=self.sample_rate,
            channels=1,
            seconds=seconds,
            peak=0.5,
            mono_peak=0.5,
            rms=0.25,
            tags={},
        )

    def __iter__(self) -> Iterator[NDArray[np.int16]]:
        """Half of the ramp, then the deed, then the other half."""
        with self.sound.log.open("a") as log:
            log.write(f"{self.sound.name} {os.getpid()}\n")
        ramp = (np.arange(self.sound.length) + 1).astype(np.int16)
        yield ramp[: self.sound.length // 2]
        match self.sound.deed:
            case "refuse":
                # The decoders are loaded by nobody who only looks at what is in the cache.
                from harmonic_core.audio.decode import DecodeError

                raise DecodeError("ramp: torn")
            case "break":
                raise RuntimeError("never thought of")
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(7)
            case "hang":
                time.sleep(600)
            case "wait":
                while not self.sound.log.with_suffix(".go").exists():
                    time.sleep(0.01)
                    yield ramp[:0]
        yield ramp[self.sound.length // 2 :]


@dataclass(frozen=True)
class Ramp:
    """Sample i is i + 1."""

    log: Path
    name: str
    length: int = 2 * RATE
    deed: Deed = ""
    version: int = field(default=1)

    def identity(self) -> str:
        """All that it is."""
        return f"ramp {self!r}"

    def content(self) -> str:
        """Hash of all that it is."""
        return hashlib.sha256(self.identity().encode()).hexdigest()

    def samples(self, sample_rate: int) -> Playing:
        """The ramp in two blocks."""
        return Playing(self, sample_rate)


def played(log: Path) -> list[str]:
    """Names of the ramps that were begun, in order."""
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def ramps(log: Path, *names: str, deed: Deed = "", length: int = 2 * RATE) -> list[Track]:
    """A track of a ramp for every name."""
    return [Track(name, Ramp(log, name, length, deed)) for name in names]
