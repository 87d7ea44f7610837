"""Owns the sound card: a process of its own, `python -m harmonic_tui.sound.device [--pulse]`.

Commands come as JSON lines on standard input, `{"do": "play", "cue": 1, "path": …, "position": 0.0, …}`, `pause`,
`resume`, `seek`, `volume`, `loop` and `stop`. Replies go as JSON lines to standard output: `ready` or `unavailable`
first, then `started`, `position` a few times a second, `paused`, `finished` and `failed`, each with the cue that it
is about. Drivers such as ALSA write to the process's output themselves; here they cannot reach the terminal.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harmonic_tui.sound.mixing import Mixer

_TICK_S = 0.25
"""Time from one report of the position to the next."""

_PATIENCE_S = 0.3
"""How long a card may take to play what it has in store, before it is taken from it."""

_PULSE_DEVICE = "pulse"
"""What ALSA calls its way to PulseAudio."""


@dataclass
class Cue:
    """What is to be heard."""

    number: int
    sound: NDArray[np.float32]
    rate: int
    loop: bool


class OutputLostError(Exception):
    """The card or the server went away while something was played."""


class Playback:
    """One sound at a time through one output.

    Parameters
    ----------
    replies
        Where replies go.
    device
        Name of the output; None for the default one.
    """

    def __init__(self, replies: IO[str], device: str | None) -> None:
        self.commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._replies = replies
        self._device = device
        self._stream: Any = None
        self._mixer: Mixer | None = None
        self._cue: Cue | None = None
        self._volume = 1.0
        self._leaving = False
        self._rest = 0
        """Frame at which it stands while nothing sounds."""

    def reply(self, event: str, **details: Any) -> None:
        """Tell the console something."""
        self._replies.write(json.dumps({"event": event, **details}) + "\n")
        self._replies.flush()

    def obey(self) -> None:  # noqa: PLR0912 - a line a command
        """Obey commands until one says that it was the last.

        Raises
        ------
        OutputLostError
            If the card or the server went away.
        """
        while True:
            try:
                command = self.commands.get(timeout=_TICK_S if self._sounds else None)
            except queue.Empty:
                self._tell("position", position=self._heard_s())
                continue
            match command["do"]:
                case "play":
                    self._play(command)
                case "pause":
                    self._pause()
                case "resume" if self._cue is not None and not self._sounds:
                    self._sound(self._rest)
                case "seek" if self._cue is not None:
                    self._seek(self._cue, command["position"])
                case "volume":
                    self._volume = float(command["volume"])
                    if self._mixer is not None:
                        self._mixer.set_volume(self._volume)
                case "loop" if self._cue is not None:
                    self._cue.loop = bool(command["loop"])
                    if self._mixer is not None and self._sounds:
                        self._mixer.set_loop(self._cue.loop)
                case "stop":
                    self._leave()
                    self._cue = None
                case "ended":
                    self._end(command["stream"])
                case "close":
                    self._leave()
                    self._close_stream()
                    return

    def _play(self, command: dict[str, Any]) -> None:
        number, path = command["cue"], command["path"]
        try:
            sound, rate = read_sound(Path(path))
            # Read before the old sound is left, which until then goes on: takes are compared without a gap.
            position = command["position"]
            if command["keep_position"] and self._cue is not None:
                over = self._mixer is not None and self._mixer.is_finished
                position = 0.0 if over else self._place() / self._cue.rate
            self._volume = float(command["volume"])
            self._cue = Cue(number, sound, rate, bool(command["loop"]))
            self._sound(round(position * rate))
        except Exception as error:  # noqa: BLE001 - drivers and decoders raise what they like; all of it is one line
            self._leave()
            self._cue = None
            self.reply("failed", cue=number, reason=_first_line(error))
        else:
            self._tell("started", position=self._place() / rate, duration=len(sound) / rate)

    def _pause(self) -> None:
        if self._cue is not None and self._sounds:
            self._leave()
            self._tell("paused", position=self._rest / self._cue.rate)

    def _seek(self, cue: Cue, position_s: float) -> None:
        frame = min(max(0, round(position_s * cue.rate)), len(cue.sound))
        if self._sounds:
            self._sound(frame)
        else:
            self._rest = frame
        self._tell("position", position=frame / cue.rate)

    @property
    def _sounds(self) -> bool:
        """Whether something is heard that is not about to fade out."""
        return self._mixer is not None and not self._leaving and not self._mixer.is_over

    def _place(self) -> int:
        """Frame at which the sound is."""
        return self._mixer.position if self._mixer is not None and self._sounds else self._rest

    def _heard_s(self) -> float:
        """Time in the sound that is heard now: what the card has in store is not heard yet."""
        if self._cue is None or self._stream is None:
            return 0.0
        return max(0.0, self._place() / self._cue.rate - float(self._stream.latency))

    def _leave(self) -> None:
        """Fade out, and remember where."""
        if self._mixer is not None and not self._leaving:
            self._rest = self._mixer.leave()
            self._leaving = True

    def _sound(self, position: int) -> None:
        """Let the sound be heard from a frame on, in the running stream if it fits."""
        cue, mixer, stream = self._cue, self._mixer, self._stream
        assert cue is not None
        if mixer is not None and (stream.channels, mixer.rate) == (cue.sound.shape[1], cue.rate):
            mixer.set_volume(self._volume)
            if mixer.begin(cue.sound, position, loop=cue.loop) is not None:
                self._leaving = False
                return
        self._leave()
        self._close_stream()
        self._open_stream(cue, position)

    def _open_stream(self, cue: Cue, position: int) -> None:
        import sounddevice

        from harmonic_tui.sound.mixing import Mixer

        mixer = Mixer(cue.rate, self._volume)
        mixer.begin(cue.sound, position, loop=cue.loop)
        stopped = sounddevice.CallbackStop

        def fill(out: NDArray[np.float32], _frames: int, _time: object, _status: object) -> None:
            if not mixer.fill(out):
                raise stopped

        stream: Any = sounddevice.OutputStream(
            device=self._device,
            samplerate=cue.rate,
            channels=cue.sound.shape[1],
            dtype="float32",
            callback=fill,
            # It comes in the driver's thread, in which a stream cannot be closed.
            finished_callback=lambda: self.commands.put({"do": "ended", "stream": stream}),
        )
        self._stream, self._mixer, self._leaving = stream, mixer, False
        stream.start()

    def _close_stream(self) -> None:
        """Let the card play what it has in store, but not for long, and give it back."""
        stream, self._stream, self._mixer = self._stream, None, None
        if stream is None:
            return
        patience = time.monotonic() + _PATIENCE_S
        while stream.active and time.monotonic() < patience:
            time.sleep(0.005)
        stream.abort()
        stream.close()

    def _end(self, stream: object) -> None:
        mixer = self._mixer
        if stream is not self._stream or mixer is None:
            return
        heard_out, leaving = mixer.is_finished, self._leaving
        lost = not mixer.is_over
        if heard_out and not leaving:
            self._rest = 0
            self._tell("finished")
            self._cue = None
        self._close_stream()
        if lost:
            self._tell("failed", reason="the output went away", lost=True)
            raise OutputLostError

    def _tell(self, event: str, **details: Any) -> None:
        if self._cue is not None:
            self.reply(event, cue=self._cue.number, **details)


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


def describe_output(pulse: str | None = None) -> dict[str, Any]:
    """Reply that says whether sound can be played here, and if not why.

    Parameters
    ----------
    pulse
        Servers to play on, as in `PULSE_SERVER`; None for the default output.
    """
    if pulse is not None:
        from harmonic_tui.sound.pulse import silent_because

        if reason := silent_because(pulse):
            return {"event": "unavailable", "missing": "server", "reason": reason}
    try:
        import sounddevice
    except OSError:
        return {"event": "unavailable", "missing": "portaudio"}
    try:
        which = {} if pulse is None else {"device": _PULSE_DEVICE}
        device = sounddevice.query_devices(kind="output", **which)
    except (sounddevice.PortAudioError, ValueError):
        # The server answered, so what lies between is missing, or is not let in.
        return {"event": "unavailable", "missing": "card" if pulse is None else "plugin"}
    return {"event": "ready", "device": str(device["name"])}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _read_commands(playback: Playback) -> None:
    for line in sys.stdin:
        playback.commands.put(json.loads(line))
    playback.commands.put({"do": "close"})


def main() -> None:
    """Obey commands until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    pulse = os.environ.get("PULSE_SERVER", "") if "--pulse" in sys.argv else None
    playback = Playback(replies, None if pulse is None else _PULSE_DEVICE)
    output = describe_output(pulse)
    playback.reply(**output)
    if output["event"] != "ready":
        return
    threading.Thread(target=_read_commands, args=(playback,), daemon=True).start()
    try:
        playback.obey()
    except OutputLostError:
        # The next one to be started looks for what is there now.
        os._exit(1)


if __name__ == "__main__":
    main()
