"""The few sounds that a browser may ask for: those that the player was told to play, under names that tell nothing."""

from __future__ import annotations

import io
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundfile import SoundFile

_KEPT = 8
"""Enough to go to and fro between the takes of an item."""
LARGEST_BYTES = 64_000_000
"""What all of them may take together, and so one of them: six minutes of stereo."""
_TOO_LARGE = "it is too large for a browser"


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
        self._cleared = 0

    def clear(self) -> None:
        """Forget them all, and those that are still being read."""
        with self._lock:
            self._cleared += 1
            self._by_file.clear()

    def put(self, path: Path) -> ShelvedSound:
        """Read a file, unless it is here already. It is to be called in a thread.

        Raises
        ------
        OSError, RuntimeError
            If the file is missing, is no sound, or is larger than a browser should be made to load.
        """
        cleared = self._cleared
        place = within(path)
        state = place.stat()
        if state.st_size > LARGEST_BYTES:
            raise OSError(_TOO_LARGE)
        key = (place, state.st_mtime_ns, state.st_size)
        sound = self._by_file.get(key) or _read(place)
        with self._lock:
            if cleared != self._cleared:
                raise OSError("another run was opened")
            self._by_file[key] = sound
            self._by_file.move_to_end(key)
            while len(self._by_file) > _KEPT or self.size > LARGEST_BYTES:
                self._by_file.popitem(last=False)
        return sound

    @property
    def size(self) -> int:
        """What they take, in bytes."""
        return sum(len(sound.wav) for sound in self._by_file.values())

    def find(self, name: str) -> ShelvedSound | None:
        """The sound of that name."""
        with self._lock:
            return next((sound for sound in self._by_file.values() if sound.name == name), None)


def within(path: Path) -> Path:
    """Where a file really lies, which for a sample is among the samples of its run, and else in its own folder.

    It is to be called in a thread.

    Raises
    ------
    OSError
        If it is a link that leads elsewhere.
    """
    place, shown = path.resolve(), path.absolute().parent
    folder = shown.resolve()
    if folder.name == shown.name and folder.parent.name == "samples":
        # Those of a replay are links to the same step of the run that it replays.
        root = folder.parent
    else:
        root = shown.parent.resolve() if shown.parent.name == "samples" else folder
    if not place.is_relative_to(root):
        raise OSError("it is a link that leads out of its run")
    return place


def _read(path: Path) -> ShelvedSound:
    import soundfile

    content = path.read_bytes()
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        duration_s, rate = file.frames / file.samplerate, int(file.samplerate)
        # Every browser plays these; of other kinds each knows some.
        if (file.format, file.subtype) != ("WAV", "PCM_16"):
            if file.frames * file.channels * 2 > LARGEST_BYTES - 100:
                raise OSError(_TOO_LARGE)
            content = _as_wav(file)
    return ShelvedSound(secrets.token_urlsafe(12), content, duration_s, rate)


def _as_wav(file: SoundFile) -> bytes:
    import soundfile

    written = io.BytesIO()
    with soundfile.SoundFile(written, "w", file.samplerate, file.channels, "PCM_16", format="WAV") as wav:
        for block in file.blocks(1 << 16, dtype="float32", always_2d=True):
            wav.write(block)
    return written.getvalue()


def draw(sound: ShelvedSound) -> bytes:
    """Spectrogram of a sound, drawn when somebody asks for it. It is to be called in a thread."""
    if not sound.picture:
        import soundfile

        from harmonic_tui.sound.spectrogram import spectrogram

        samples, rate = soundfile.read(io.BytesIO(sound.wav), dtype="float32", always_2d=True)
        sound.picture = spectrogram(samples, int(rate))
    return sound.picture
