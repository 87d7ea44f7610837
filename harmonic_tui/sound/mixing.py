"""What comes out of the loudspeaker, sample by sample: voices that come and go without a click, and the volume."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FADE_S = 0.005
"""Long enough that nothing clicks, short enough that nobody hears it as a fade."""


def gain_of(volume: float) -> float:
    """Factor on the amplitude for a volume from 0 to 1: its square, so that half sounds about half as loud (−12 dB)."""
    return volume * volume


class Voice:
    """One sound on its way through the loudspeaker.

    From its first sample to its last it is heard as it is. Begun in the middle, left early or played round and round,
    it is faded at the seam.

    Parameters
    ----------
    sound
        Samples, as (frames, channels).
    position
        Frame at which to begin.
    fade
        Frames that a fade takes.
    """

    def __init__(self, sound: NDArray[np.float32], position: int, fade: int) -> None:
        self.sound = sound
        self.position = min(max(0, position), len(sound))
        self.loop = False
        self._fade = max(1, fade)
        self._risen = 0 if self.position else self._fade
        self._left: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self._left == 0 or self.is_finished

    @property
    def is_finished(self) -> bool:
        """Whether it was heard to its end."""
        return self._left is None and self.position >= len(self.sound)

    def leave(self) -> None:
        """Fade out."""
        if self._left is None:
            self._left = self._fade

    def add_to(self, out: NDArray[np.float32]) -> None:
        """Add what comes next to `out`, as (frames, channels)."""
        done = 0
        while done < len(out) and not self.is_over:
            count = min(len(out) - done, len(self.sound) - self.position, self._left or len(out))
            block = self.sound[self.position : self.position + count]
            gain = self._envelope(count)
            out[done : done + count] += block if gain is None else block * gain[:, None]
            done += count
            self._go_on(count)

    def _go_on(self, count: int) -> None:
        self.position += count
        self._risen = min(self._fade, self._risen + count)
        if self._left is not None:
            self._left -= count
        if self.position >= len(self.sound) > 0:
            if self._left is not None:
                self._left = 0
            elif self.loop:
                self.position = self._risen = 0

    def _envelope(self, count: int) -> NDArray[np.float32] | None:
        """Factor for each of the next frames; None where the sound is heard as it is."""
        ahead = np.arange(count, dtype=np.float32)
        gains = []
        if self._risen < self._fade:
            gains.append((self._risen + ahead) / self._fade)
        if self._left is not None:
            gains.append((self._left - 1 - ahead) / self._fade)
        elif self.loop and self.position + count > len(self.sound) - self._fade:
            gains.append((len(self.sound) - 1 - self.position - ahead) / self._fade)
        if not gains:
            return None
        whole = np.ones(count, np.float32)
        for gain in gains:
            whole *= np.clip(gain, 0.0, 1.0)
        return whole


class Mixer:
    """The voices of one stream: the one that is heard, and those that fade out.

    A driver's thread calls `fill`, another one the rest.
    """

    def __init__(self, rate: int, volume: float) -> None:
        self.rate = rate
        self.is_over = False
        """Whether the driver was told that nothing more comes; then a new stream is needed."""
        self._voices: list[Voice] = []
        self._gain = self._wanted_gain = gain_of(volume)
        self._lock = threading.Lock()

    def begin(self, sound: NDArray[np.float32], position: int | None, *, loop: bool) -> int | None:
        """Go over to a sound, in place of what is heard now.

        Parameters
        ----------
        sound
            Samples, as (frames, channels).
        position
            Frame at which to begin; None for the one at which the present voice is.
        loop
            Whether to begin again at the end.

        Returns
        -------
        int or None
            Frame at which it begins; None if it is too late for this stream.
        """
        with self._lock:
            if self.is_over:
                return None
            if position is None:
                position = self._voices[-1].position if self._voices else 0
            voice = Voice(sound, position, round(FADE_S * self.rate))
            voice.loop = loop
            for each in self._voices:
                each.leave()
            self._voices.append(voice)
            return voice.position

    def leave(self) -> int:
        """Fade out. Gives the frame at which that begins."""
        with self._lock:
            position = self.position
            for each in self._voices:
                each.leave()
            return position

    def set_volume(self, volume: float) -> None:
        """Go over to a volume from 0 to 1."""
        self._wanted_gain = gain_of(volume)

    def set_loop(self, loop: bool) -> None:
        """Begin again at the end, or not."""
        with self._lock:
            for each in self._voices[-1:]:
                each.loop = loop

    @property
    def position(self) -> int:
        """Frame at which the present voice is."""
        return self._voices[-1].position if self._voices else 0

    @property
    def is_finished(self) -> bool:
        """Whether the present voice was heard to its end."""
        return bool(self._voices) and self._voices[-1].is_finished

    def fill(self, out: NDArray[np.float32]) -> bool:
        """Write the next frames, as (frames, channels). Gives whether more will come."""
        out[:] = 0.0
        with self._lock:
            for each in self._voices:
                each.add_to(out)
            self._voices = [each for each in self._voices[:-1] if not each.is_over] + self._voices[-1:]
            self.is_over = all(each.is_over for each in self._voices)
        wanted = self._wanted_gain
        if wanted != self._gain:
            out *= np.linspace(self._gain, wanted, len(out), dtype=np.float32)[:, None]
            self._gain = wanted
        elif wanted != 1.0:
            out *= np.float32(wanted)
        return not self.is_over
