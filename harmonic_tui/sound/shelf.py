"""The few sounds that a browser may ask for: those that the player was told to play, under names that tell nothing."""

from __future__ import annotations

import io
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

_KEPT = 8
"""Enough to go to and fro between the takes of an item."""
_LARGEST_BYTES = 100_000_000


@dataclass
class ShelvedSound:
    """A sound as a browser gets it."""

    name: str
    wav: bytes = field(repr=False)
    duration_s: float
    rate: int
    """In Hz."""
    picture: bytes = field(repr=False, default=b"")
    """Its spectrogram as PNG, once somebody has asked for it."""


class Shelf:
    """Keeps the sounds that were played last; older ones are forgotten, and their names with them."""

    def __init__(self) -> None:
        self._by_file: OrderedDict[tuple[Path, int, int], ShelvedSound] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, path: Path) -> ShelvedSound:
        """Read a file, unless it is here already. It is to be called in a thread.

        Raises
        ------
        OSError, RuntimeError
            If the file is missing, is no sound, or is larger than a browser should be made to load.
        """
        place = path.resolve()
        state = place.stat()
        if state.st_size > _LARGEST_BYTES:
            raise OSError("it is too large for a browser")
        key = (place, state.st_mtime_ns, state.st_size)
        sound = self._by_file.get(key) or _read(place)
        with self._lock:
            self._by_file[key] = sound
            self._by_file.move_to_end(key)
            while len(self._by_file) > _KEPT:
                self._by_file.popitem(last=False)
        return sound

    def find(self, name: str) -> ShelvedSound | None:
        """The sound of that name."""
        with self._lock:
            return next((sound for sound in self._by_file.values() if sound.name == name), None)


def _read(path: Path) -> ShelvedSound:
    import soundfile

    content = path.read_bytes()
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        duration_s, rate = file.frames / file.samplerate, int(file.samplerate)
        # Every browser plays these; of other kinds each knows some.
        if (file.format, file.subtype) != ("WAV", "PCM_16"):
            written = io.BytesIO()
            soundfile.write(written, file.read(dtype="float32"), rate, format="WAV", subtype="PCM_16")
            content = written.getvalue()
    return ShelvedSound(secrets.token_urlsafe(12), content, duration_s, rate)


def draw(sound: ShelvedSound) -> bytes:
    """Spectrogram of a sound, drawn when somebody asks for it. It is to be called in a thread."""
    if not sound.picture:
        import soundfile

        from harmonic_tui.sound.spectrogram import spectrogram

        samples, rate = soundfile.read(io.BytesIO(sound.wav), dtype="float32", always_2d=True)
        sound.picture = spectrogram(samples, int(rate))
    return sound.picture
