"""Ears at the other end of a real sound driver, and what they can tell of the sound they heard."""

import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

CARD_INTO_A_FILE = """
pcm.!default {{ type plug slave.pcm "ear" }}
pcm.ear {{ type file slave.pcm "void" file "{path}" format "raw" }}
pcm.void {{ type null }}
"""
"""A card of ALSA's that has no loudspeaker: what it is to play goes into a file."""

RATE = 22_050

Ear = Callable[[], NDArray[np.float32]]


def heard_exactly(heard: NDArray[np.float32], sound: NDArray[np.float32]) -> bool:
    """Whether `sound` came out of the loudspeaker sample by sample, with silence around it."""
    first = np.flatnonzero(heard)
    start = int(first[0]) - int(np.flatnonzero(sound)[0]) if len(first) else 0
    part = heard[start : start + len(sound)]
    return len(part) == len(sound) and np.allclose(part, sound, atol=1e-4) and not heard[start + len(sound) :].any()


def place_of(part: NDArray[np.float32], sound: NDArray[np.float32]) -> int:
    """Sample of `sound` at which `part` begins; -1 where it is not in there."""
    wide = sound.astype(np.float64)
    energy = fftconvolve(wide**2, np.ones(len(part)), "valid")
    place = int(np.argmin(energy - 2 * fftconvolve(wide, part[::-1].astype(np.float64), "valid")))
    return place if np.allclose(sound[place : place + len(part)], part, atol=1e-4) else -1


class PatientEar:
    """A card that takes no more than it is allowed to: time stands still until the test lets it go on."""

    REAL_CARD_S = 0.02
    """Pace at which it is no more than twice as quick as a real card."""

    def __init__(self, pipe: Path, allowed: int) -> None:
        self.heard = bytearray()
        self.go_on = threading.Event()
        self.pace_s = 0.0
        """Pause after every 1024 samples."""
        self._allowed = 4 * allowed
        self._closing = threading.Event()
        os.mkfifo(pipe)
        # Opened for both, so that it never ends between two players.
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def __len__(self) -> int:
        return len(self.heard) // 4

    def samples(self) -> NDArray[np.float32]:
        """What was heard, as (samples,)."""
        return np.frombuffer(bytes(self.heard[: 4 * len(self)]), np.float32)

    def close(self) -> None:
        """Unplug the card."""
        self._closing.set()
        self._thread.join()
        os.close(self._pipe)

    def _listen(self) -> None:
        while not self._closing.is_set():
            if not self.go_on.is_set() and len(self.heard) >= self._allowed:
                self.go_on.wait(0.02)
            elif select.select([self._pipe], [], [], 0.02)[0]:
                self.heard += os.read(self._pipe, 4096)
                self._closing.wait(self.pace_s)
