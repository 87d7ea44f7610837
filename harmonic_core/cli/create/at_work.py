"""A verb at work: the model opened, progress shown, signals obeyed, and everything that came of it told at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harmonic_core.errors import ExitCode, HarmonicError
from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.audio.decode import Samples
    from harmonic_core.creating.studio import Studio


@dataclass
class Work:
    """What a verb has at hand, and what came of it.

    Attributes
    ----------
    studio
        The model.
    words
        The whole command.
    loudness_lufs
        That music is brought to; None: it stays as it is.
    """

    studio: Studio
    words: Sequence[str]
    loudness_lufs: float | None
    began: float = field(default_factory=time.monotonic)
    made: list[dict[str, Any]] = field(default_factory=list)
    failures: list[HarmonicError] = field(default_factory=list)

    def write(self, path: Path, sound: Samples, title: str, genre: str = "", **facts: Any) -> None:
        """Write music, with what there is to know of it besides."""
        from harmonic_core.audio.music_file import write_music
        from harmonic_core.creating.provenance import tags_of
        from harmonic_core.creating.studio import is_silent

        studio = self.studio
        studio.tell(f"writing {plain(path.name)}")
        tags = tags_of(studio.opened, title, studio.seed, self.words, genre)
        silent = is_silent(sound)
        loudness = None if silent else self.loudness_lufs
        written = write_music(path, sound, studio.sample_rate, tags=tags, loudness_lufs=loudness)
        self.made.append(
            {
                "path": str(path),
                "title": title,
                "duration_s": round(written.duration_s, 3),
                "sample_rate": written.sample_rate,
                "loudness_lufs": _rounded(written.loudness_lufs),
                "true_peak_dbtp": _rounded(written.true_peak_dbtp),
                "gain_db": _rounded(written.gain_db),
                "limited": written.limited,
                "note": "nearly silent: its level stays as it was" if silent else written.note,
                **facts,
            }
        )

    @contextmanager
    def one_of_several(self) -> Iterator[None]:
        """Go on with the next thing where this one fails by a fault of its own."""
        from harmonic_core.errors import DataError

        try:
            yield
        except DataError as error:
            self.failures.append(error)
            typer.echo(f"harmonic: {error}", err=True)

    def tell(self, *, as_json: bool, **more: Any) -> None:
        """Print what was made, and end with the status of what was not."""
        opened = self.studio.opened
        seconds = time.monotonic() - self.began
        if as_json:
            document = {
                "model": opened.name,
                "step": opened.trained.step,
                "epoch": opened.trained.epoch,
                "fingerprint": opened.fingerprint,
                "seed": self.studio.seed,
                **more,
                "files": self.made,
                "failed": [str(each) for each in self.failures],
                "seconds": round(seconds, 3),
            }
            typer.echo(json.dumps(document, indent=2))
        else:
            for each in self.made:
                typer.echo(_line(each))
        music = sum(each.get("duration_s", 0.0) for each in self.made)
        if music:
            typer.echo(
                f"{music:.1f} s of music in {seconds:.1f} s, {music / max(seconds, 1e-3):.1f} × real time", err=True
            )
        if self.failures:
            raise typer.Exit(int(self.failures[0].exit_code))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _line(made: dict[str, Any]) -> str:
    parts = [plain(made["path"], 4096)]
    if "duration_s" in made:
        loudness = made["loudness_lufs"]
        parts.append(f"{made['duration_s']:.1f} s" + (f", {loudness:.1f} LUFS" if loudness is not None else ""))
    if made.get("note"):
        parts.append(made["note"])
    return "  ".join(parts)


def _tell_before_the_end(why: str, work: Work | None) -> None:
    """Say what was finished when the rest could not be."""
    made = work.made if work is not None else []
    typer.echo(f"{why}; finished before: {len(made)} {'file' if len(made) == 1 else 'files'}", err=True)
    for each in made:
        typer.echo(f"  {_line(each)}", err=True)


def _insist_on_device(device: str | None) -> None:
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if (device == "cuda" and not cuda) or (device == "mps" and not mps):
        raise HarmonicError(f"--device {device}: no such device here; `harmonic doctor` says what torch sees")


@contextmanager
def at_work(
    model: str, words: Sequence[str], seed: int = 0, device: str | None = None, loudness_lufs: float | None = None
) -> Iterator[Work]:
    """Open a model and work with it; Ctrl-C ends the block with what is finished, and its exit status.

    Parameters
    ----------
    model
        A run, a checkpoint or an export.
    words
        The whole command.
    seed
        Decides everything random.
    device
        Where to compute. Default: what the run says.
    loudness_lufs
        That music is brought to; None: it stays as it is.

    Raises
    ------
    HarmonicError
        If there is no such model, or it cannot be used.
    """
    from harmonic_core.training.signals import StoppedError, StopSignals

    with StopSignals() as signals:
        from harmonic_core.cli.data.progress import bar
        from harmonic_core.creating.studio import Studio
        from harmonic_core.errors import OutOfMemoryError
        from harmonic_core.sharing.opened import open_model

        def stopped() -> bool:
            return signals.received is not None

        work = None
        try:
            with bar(1.0) as move:
                move(0.0, "opening the model")
                _insist_on_device(device)
                opened = open_model(model, device)
                move(0.0, "the model is open")
                work = Work(Studio(opened, seed, stopped, lambda told: move(0.0, told)), words, loudness_lufs)
                yield work
        except StoppedError:
            _tell_before_the_end("stopped", work)
            raise typer.Exit(int(signals.exit_code)) from None
        except HarmonicError:
            if work is not None and work.made:
                _tell_before_the_end("ended early", work)
            raise
        except KeyboardInterrupt:
            raise typer.Exit(int(ExitCode.INTERRUPTED)) from None
        except MemoryError:
            raise OutOfMemoryError("there is not enough memory for this; make less at a time") from None
        if stopped():
            raise typer.Exit(int(signals.exit_code))
