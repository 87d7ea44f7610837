"""Samples of a run on a page: which are chosen, and each with its sound, its picture and its figures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonic_core.run.samples import Sample, Take, read_sample, sample_items, sample_path, sample_steps
from harmonic_core.run.stars import Spot
from harmonic_core.sharing.report.record import Record
from harmonic_core.sharing.report.shareable import Shareable
from harmonic_core.sharing.report.spectrogram import PitchMark, levels_db, picture, pitch_marks, top_db
from harmonic_core.sharing.report.words import hundredths

Steps = Literal["all", "newest", "starred"]
"""Which samples are on a page."""

LONGEST_S = 600.0
"""Seconds of one sound that are taken along."""

_TAKES: dict[Take, tuple[str, str]] = {
    "prior": ("Drawn from the prior", "Prior"),
    "original": ("Original", "Original"),
    "decoded": ("Decoded original", "Decoded"),
    "reconstruction": ("Reconstruction", "Reconstruction"),
}
"""In the order in which they are compared."""


@dataclass(frozen=True)
class TakeShown:
    """One sound of a sample.

    Attributes
    ----------
    take, name, short
        Which, and what it is called, also where there is little room.
    error
        Its mean absolute log-mel error, in words; empty where it has none.
    audio, image
        FLAC and WebP as base64; empty where the sound cannot be read.
    seconds, pitches
        Length, and marks beside the picture.
    missing
        Why there is no sound.
    """

    take: Take
    name: str
    short: str
    error: str
    audio: str = ""
    image: str = ""
    seconds: float = 0.0
    pitches: list[PitchMark] = field(default_factory=list)
    missing: str = ""


@dataclass(frozen=True)
class SampleShown:
    """One sample, its takes side by side."""

    title: str
    kind: str
    step: int
    epoch: int | None
    starred: bool
    note: str
    takes: list[TakeShown]

    @property
    def seconds(self) -> float:
        """Length of its longest take."""
        return max((take.seconds for take in self.takes), default=0.0)


def choose(record: Record, steps: Steps | None) -> list[Spot]:
    """Samples to show, in order.

    By default those that a listener starred or wrote a note on, newest first, and after them the set of the best step,
    or where that has none, the newest set.
    """
    known = sample_steps(record.run)
    marked = sorted((spot for spot, star in record.stars.items() if star.starred or star.note), key=_newest_first)
    if steps == "starred":
        return marked
    if steps == "all":
        shown = known[::-1]
    else:
        best = record.status.best.step if record.status and record.status.best else None
        shown = [best] if best in known and steps is None else known[-1:]
    sets = [Spot(step, *item) for step in shown if step is not None for item in sample_items(record.run, step)]
    if steps is not None:
        return sets
    return [*marked, *(spot for spot in sets if spot not in set(marked))]


def show(
    record: Record,
    spots: list[Spot],
    shareable: Shareable,
    tell: Callable[[int, str], None] = lambda done, words: None,
) -> Iterator[SampleShown]:
    """Read and encode samples, one after the other.

    Parameters
    ----------
    record
        Of the run.
    spots
        Which.
    shareable
        Makes titles and notes fit to be given away.
    tell
        Gets to know how many are done, and what comes next.
    """
    for number, spot in enumerate(spots):
        star = record.stars.get(spot)
        sample = read_sample(record.run, spot.step, spot.item)
        title = shareable(sample.title if sample else (star and star.title) or _name(spot), 300)
        tell(number, title)
        yield SampleShown(
            title=title,
            kind=spot.kind,
            step=spot.step,
            epoch=sample.epoch if sample else None,
            starred=bool(star and star.starred),
            note=shareable(star.note) if star else "",
            takes=_takes(record, sample, shareable) if sample else [_gone(spot)],
        )


def _newest_first(spot: Spot) -> tuple[int, str, int]:
    return -spot.step, spot.kind, spot.index


def _name(spot: Spot) -> str:
    return f"{'prior' if spot.kind == 'prior' else 'reconstruction'} {spot.index + 1}"


def _gone(spot: Spot) -> TakeShown:
    take: Take = "prior" if spot.kind == "prior" else "reconstruction"
    return TakeShown(take, *_TAKES[take], "", missing="This sample is not in the run any more.")


def _takes(record: Record, sample: Sample, shareable: Shareable) -> list[TakeShown]:
    """Takes that are recorded, the pictures of all with the same brightest level."""
    heard: dict[Take, tuple[NDArray[np.float32], int] | str] = {
        take: _read(sample_path(record.run, sample, take)) for take in _TAKES if take in sample.files
    }
    levels = {take: levels_db(*sound) for take, sound in heard.items() if not isinstance(sound, str)}
    top = max(map(top_db, levels.values()), default=0.0)
    errors = {"decoded": sample.decoded_db, "reconstruction": sample.recon_db}
    shown = []
    for take, names in _TAKES.items():
        if take not in heard:
            continue
        error = errors.get(take)
        words = "" if error is None else f"{hundredths(error)} dB"
        sound = heard[take]
        if isinstance(sound, str):
            shown.append(TakeShown(take, *names, words, missing=shareable(sound)))
            continue
        samples, rate = sound
        image = base64.b64encode(picture(levels[take], top)).decode()
        audio = base64.b64encode(_flac(samples, rate)).decode()
        shown.append(TakeShown(take, *names, words, audio, image, len(samples) / rate, pitch_marks(rate)))
    return shown


def _read(path: Path) -> tuple[NDArray[np.float32], int] | str:
    """Sound, (samples,), and its rate; or why there is none."""
    if not path.is_file():
        return "The sound file is missing."
    try:
        with soundfile.SoundFile(path) as file:
            samples = file.read(round(LONGEST_S * file.samplerate), dtype="float32", always_2d=True).mean(axis=1)
            rate = int(file.samplerate)
    except (OSError, soundfile.LibsndfileError):
        return "The sound file cannot be read."
    if not len(samples):
        return "The sound file is empty."
    return np.nan_to_num(samples, posinf=1.0, neginf=-1.0).clip(-1.0, 1.0), rate


def _flac(samples: NDArray[np.float32], rate: int) -> bytes:
    """The sound without loss of what a 16-bit file holds."""
    written = io.BytesIO()
    soundfile.write(written, samples, rate, format="FLAC", subtype="PCM_16")
    return written.getvalue()
