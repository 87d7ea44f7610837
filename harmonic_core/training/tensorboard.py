"""Figures, sounds and pictures for TensorBoard, beside the run's own files.

Event files are written here rather than by `SummaryWriter`: that one loads TensorFlow where it is installed, and a
full disk ends its thread, after which every call raises and the file ends in half a record.
"""

from __future__ import annotations

import io
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harmonic_core.errors import HarmonicError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import read_samples
from harmonic_core.text import plain
from harmonic_core.training.event_file import EventFile

_PNG = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR([\x00-\x7f].{3})([\x00-\x7f].{3}).([\x00\x02\x03\x04\x06])", re.DOTALL)
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""Channels of each colour type of PNG, a palette's colours being RGB."""


def _say(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)


class TensorBoardLog:
    """Writes what TensorBoard shows. Nothing but the constructor ever raises: a run does not depend on its pictures.

    Parameters
    ----------
    folder
        Where to; made if it is not there.
    step
        Updates that the run has behind it, as by `rewind`. 0: what earlier files hold stays.
    warn
        Told once when a record cannot be written. Default: a line on stderr.

    Raises
    ------
    HarmonicError
        If the package is not installed.
    """

    def __init__(self, folder: Path, step: int = 0, warn: Callable[[str], None] = _say) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]
            from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

            self._file = EventFile(folder, warn)
        except ImportError as error:
            raise HarmonicError(
                "output.use_tensorboard: the package `tensorboard` is not installed; "
                "`pip install 'harmonic-vae[tensorboard]'` installs it"
            ) from error
        self._event, self._session, self._summary = Event, SessionLog, Summary
        self._add(file_version="brain.Event:2")
        if step:
            self.rewind(step)

    def rewind(self, step: int) -> None:
        """Have nothing shown any more of the steps after `step`, in this file or earlier ones: they will come again."""
        self._add(step=step + 1, session_log=self._session(status=self._session.START))

    def row(self, figures: Mapping[str, Any]) -> None:
        """Add the scalars of a row under `step/…` or `epoch/…`; what is no number is passed over."""
        kind = figures["kind"]
        values = [self._summary.Value(tag=f"{kind}/{name}", simple_value=value) for name, value in _scalars(figures)]
        self._add(step=figures["step"], wall_time=figures.get("time"), summary=self._summary(value=values))

    def sounds(self, folder: Path, step: int) -> None:
        """Add every take of a set of samples, such as `prior 1` and `jazz.00012 at 3 s/original`.

        Parameters
        ----------
        folder
            `samples/step-N` of a run.
        step
            The same N.
        """
        import soundfile

        taken: set[str] = set()
        for item in read_samples(RunDirectory(folder.parent.parent), step):
            title = plain(item.title)
            if title in taken:
                # Two tracks of the same name in different folders.
                title = f"{title} ({item.kind} {item.index + 1})"
            taken.add(title)
            for take, name in item.files.items():
                with suppress(OSError, soundfile.SoundFileError):
                    wav = (folder / Path(name).name).read_bytes()
                    sound = soundfile.info(io.BytesIO(wav))
                    audio = self._summary.Audio(
                        sample_rate=sound.samplerate,
                        num_channels=sound.channels,
                        length_frames=sound.frames,
                        encoded_audio_string=wav,
                        content_type="audio/wav",
                    )
                    self._show(title if item.kind == "prior" else f"{title}/{take}", step, audio=audio)

    def pictures(self, folder: Path, step: int) -> None:
        """Add every PNG of a folder under `visualizations/…` and its name without the ending.

        Parameters
        ----------
        folder
            `visualizations/epoch_NNN` of a run.
        step
            Updates made when they were drawn.
        """
        with suppress(OSError):
            for path in sorted(folder.glob("*.png")):
                png = path.read_bytes()
                if head := _PNG.match(png):
                    width, height = (struct.unpack(">I", head[n])[0] for n in (1, 2))
                    image = self._summary.Image(
                        width=width, height=height, colorspace=_CHANNELS[head[3][0]], encoded_image_string=png
                    )
                    self._show(f"visualizations/{plain(path.stem)}", step, image=image)

    def close(self) -> None:
        """Write out what is left, if it can be."""
        self._file.close()

    def _show(self, tag: str, step: int, **content: Any) -> None:
        self._add(step=step, summary=self._summary(value=[self._summary.Value(tag=tag, **content)]))

    def _add(self, wall_time: float | None = None, **content: Any) -> None:
        self._file.add(self._event(wall_time=wall_time or time.time(), **content).SerializeToString())


def _scalars(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Names and values of all numbers, those of tables under `table/key`."""
    for name, value in figures.items():
        if isinstance(value, (int, float)) and name not in {"step", "time"}:
            yield name, value
        elif isinstance(value, Mapping):
            yield from ((f"{name}/{plain(key)}", figure) for key, figure in _scalars(value))
