"""Sounds that a run made: which there are, and what is known of each.

samples/step-00000500/prior-0.wav                   drawn from the prior
                      prior-0.json
                      recon-0.original.wav          a validation segment
                      recon-0.decoded.wav           the same through mel and vocoder only
                      recon-0.reconstruction.wav    the same through the model
                      recon-0.json
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harmonic_core.run.directory import RunDirectory

Take = Literal["prior", "original", "decoded", "reconstruction"]

Kind = Literal["prior", "reconstruction"]

_STEP_FOLDER = re.compile(r"step-(\d{8,})$")
_RECORD = re.compile(r"(prior|recon)-(\d{1,9})\.json$")
_STEM: dict[Kind, str] = {"prior": "prior", "reconstruction": "recon"}


class Item(NamedTuple):
    """What a set of samples has one of; the next set has it too, made by weights that learned longer."""

    kind: Kind
    index: int  # type: ignore[assignment]

    @property
    def record(self) -> str:
        """File name of what is known of it."""
        return f"{_STEM[self.kind]}-{self.index}.json"


class Sample(BaseModel):
    """One item of a set of samples: the content of `prior-0.json` or `recon-0.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind
    index: int
    step: int
    epoch: int
    title: str
    """`prior 1`, or the track and place that the segment comes from."""
    source: str = ""
    """Kind of data set that the segment comes from; empty for one drawn from the prior."""
    files: dict[Take, Annotated[str, Field(pattern=r"\.wav$")]]
    """File name of each take, in the same folder."""
    duration_s: float
    level_db: dict[Take, float]
    """Root-mean-square level in dB relative to full scale."""
    envelope: list[float]
    """Loudness over time of the newest take, some dozen values from 0 to 1, for a thumbnail."""
    recon_db: float | None = None
    """Mean absolute log-mel error of the reconstruction in dB."""
    decoded_db: float | None = None
    """The same error of the vocoder alone."""

    @property
    def item(self) -> Item:
        """Which of its set it is."""
        return Item(self.kind, self.index)


def step_folder(run: RunDirectory, step: int) -> Path:
    """Folder of the samples made at `step`."""
    return run.samples / f"step-{step:08d}"


def sample_steps(run: RunDirectory) -> list[int]:
    """Steps at which samples were made, ascending."""
    try:
        names = os.listdir(run.samples)
    except OSError:
        return []
    return sorted(int(match[1]) for name in names if (match := _STEP_FOLDER.match(name)))


def sample_items(run: RunDirectory, step: int) -> list[Item]:
    """What was made at `step`, going by the names of files alone: priors first, each kind by index."""
    try:
        names = os.listdir(step_folder(run, step))
    except OSError:
        return []
    return sorted(
        Item("prior" if match[1] == "prior" else "reconstruction", int(match[2]))
        for name in names
        if (match := _RECORD.match(name))
    )


def read_sample(run: RunDirectory, step: int, item: Item) -> Sample | None:
    """One sample, under the step and item by which it was found; None where there is no whole record of it."""
    sample = _read(step_folder(run, step) / item.record)
    return sample and sample.model_copy(update={"step": step, "kind": item.kind, "index": item.index})


def read_samples(run: RunDirectory, step: int, most: int | None = None) -> list[Sample]:
    """Samples made at `step`: priors first, each kind by index. Files that do not hold a sample are passed over.

    Parameters
    ----------
    run, step
        Where.
    most
        Records to read at most; a set may be very large. Default: all.
    """
    samples = (read_sample(run, step, item) for item in sample_items(run, step)[:most])
    return [sample for sample in samples if sample]


def sample_path(run: RunDirectory, sample: Sample, take: Take) -> Path:
    """Path of one take. Only the last part of the recorded name counts, so that no record leads out of its folder."""
    return step_folder(run, sample.step) / Path(sample.files[take]).name


def _read(path: Path) -> Sample | None:
    try:
        return Sample.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
