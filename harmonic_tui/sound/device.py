"""Owns the sound card: a process of its own, `python -m harmonic_tui.sound.device`.

Commands come as JSON lines on standard input, `{"do": "play", "path": …, "keep_position": false}` or `{"do": "stop"}`,
and replies go as JSON lines to standard output: `ready`, `unavailable`, `started`, `finished`, `failed`. Drivers
such as ALSA write to the process's output themselves; here they cannot reach the terminal.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Playback:
    """One sound at a time through the default output."""

    def __init__(self, replies: IO[str]) -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self._stream: Any = None
        self._position_s = 0.0

    def reply(self, event: str, **details: Any) -> None:
        """Tell the console something."""
        with self._lock:
            self._replies.write(json.dumps({"event": event, **details}) + "\n")
            self._replies.flush()

    def play(self, path: str, *, keep_position: bool) -> None:
        """Play a file from its start, or from where the last one is."""
        sounding = self._stream is not None and self._stream.active
        start_s = self._position_s if keep_position and sounding else 0.0
        self.stop()
        try:
            sound, rate = read_sound(Path(path))
            self._start(sound, rate, round(start_s * rate), path)
        except Exception as error:  # noqa: BLE001 - drivers and decoders raise what they like; all of it is one line
            self.reply("failed", path=path, reason=_first_line(error))

    def stop(self) -> None:
        """Fall silent."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()
            stream.close()

    def _start(self, sound: NDArray[np.float32], rate: int, position: int, path: str) -> None:
        import sounddevice

        position = min(position, len(sound))
        stopped = sounddevice.CallbackStop

        def fill(out: NDArray[np.float32], frames: int, _time: object, _status: object) -> None:
            nonlocal position
            block = sound[position : position + frames]
            out[: len(block)] = block
            out[len(block) :] = 0.0
            position += len(block)
            self._position_s = position / rate
            if position >= len(sound):
                raise stopped

        def ended() -> None:
            if self._stream is stream:
                self.reply("finished", path=path)

        stream = sounddevice.OutputStream(
            samplerate=rate, channels=sound.shape[1], dtype="float32", callback=fill, finished_callback=ended
        )
        self._stream = stream
        stream.start()
        self.reply("started", path=path)


def read_sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples as (frames, channels) in [-1, 1], and their rate in Hz.

    Raises
    ------
    OSError, RuntimeError
        If the file is missing or is no sound.
    """
    import soundfile

    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return sound, int(rate)


def describe_output() -> dict[str, Any]:
    """Reply that says whether sound can be played here, and if not why."""
    try:
        import sounddevice
    except OSError:
        return {"event": "unavailable", "missing": "portaudio"}
    try:
        device = sounddevice.query_devices(kind="output")
    except (sounddevice.PortAudioError, ValueError):
        return {"event": "unavailable", "missing": "card"}
    return {"event": "ready", "device": str(device["name"])}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def main() -> None:
    """Obey commands until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    playback = Playback(replies)
    output = describe_output()
    playback.reply(**output)
    if output["event"] != "ready":
        return
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "play":
            playback.play(command["path"], keep_position=bool(command.get("keep_position")))
        else:
            playback.stop()
    playback.stop()


if __name__ == "__main__":
    main()
