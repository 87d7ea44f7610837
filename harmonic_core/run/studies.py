"""A study and its trials: `study.json`, written by `harmonic tune` after every change, beside the trials' runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Status, is_alive, read_status

STUDY_ROOTS: tuple[Path, ...] = (Path("output/tuning"),)
"""Folders that hold studies, from the working directory: the default of `harmonic tune --output-dir`."""

TrialState = Literal["running", "complete", "pruned", "failed", "interrupted"]
SeenStudy = Literal["searching", "finished", "stopped", "failed", "lost"]

_FILE = "study.json"
_DATABASE = "study.db"
_TRIAL = re.compile(r"trial-(\d{1,9})")


class _Record(BaseModel):
    # Readers meet files of newer versions: what they do not know they ignore.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Objective(_Record):
    """One of the figures that trials are judged by."""

    name: str
    unit: str = ""
    direction: Literal["minimize", "maximize"] = "minimize"

    def is_better(self, one: float, other: float) -> bool:
        """Whether the first of two values is the better one."""
        return one < other if self.direction == "minimize" else one > other


class Process(_Record):
    """A process that can be known again; see `process_identity`."""

    pid: int
    process_start: float
    boot: str = ""
    host: str


class Trial(_Record):
    """One trial: an ordinary run below the study's directory. Times are seconds since 1970 (UTC)."""

    number: int
    state: TrialState
    run: str = ""
    """Name of its directory; empty before it has one."""
    params: dict[str, bool | int | float | str] = {}
    """What was chosen for it, by key path."""
    values: dict[str, float | None] = {}
    """What it came to at its end, by objective; None where that was no number, or was not measured."""
    kl_nats: float | None = None
    """KL divergence on the held-out tracks after its last epoch, in nats a segment."""
    epoch: int = 0
    """Its last epoch that was validated."""
    reason: str = ""
    """Why it was not completed, or what ended it where that was not its last epoch."""
    stage: str = ""
    """Stage of the search that it belongs to, in words; empty where the search has none."""
    retry_of: int | None = None
    """Number of the trial that it takes up again, because that one's supervisor was gone before its end."""
    host: str = ""
    """Where it ran, and where its run therefore lies."""
    worker: Process | None = None
    """Whoever supervises it, while it runs: one of the study's workers."""
    started_at: float | None = None
    ended_at: float | None = None


class Study(_Record):
    """All trials so far, and how the search goes."""

    version: int = 1
    name: str
    state: Literal["searching", "finished", "stopped", "failed"]
    message: str = ""
    """Why it stopped or failed."""
    profile: str = ""
    wanted: int = 0
    """Trials asked for, in all."""
    epochs: int = 0
    """Epochs of a trial that is not pruned."""
    budget: str = ""
    """What each trial is given, in words, such as "30 epochs" or "10 minutes"."""
    strategy: str = ""
    """How what is tried next is chosen: "stages", "tpe", "grid" or "random"."""
    objective_asked: str = ""
    """What is searched for: "pareto", the name of one objective, or a weighted sum such as "recon_db + 0.01*mel_fd"."""
    pruner: str = ""
    """What ends hopeless trials early: "median", "hyperband" or "none"."""
    storage: str = ""
    """Where the trials are kept, in words; never with a password."""
    objectives: tuple[Objective, ...] = ()
    """What is measured of each trial. Where one is asked for it is the first, which trials are ranked by."""
    space: dict[str, str] = {}
    """What is searched, by key path, in words."""
    trials: tuple[Trial, ...] = ()
    """In the order of their numbers; one that was begun again stands once, under its newest."""
    importance: dict[str, dict[str, float]] = {}
    """By objective: how much of its variance each setting explains, all together 1. Empty where that cannot be told."""
    importance_trials: int = 0
    """Completed trials that the importance rests on."""
    front: tuple[int, ...] = ()
    """Numbers of the trials that no other one betters in every objective, by the first objective."""
    best: int | None = None
    """Number of the best completed trial; of a front, the one nearest to the best of every objective."""
    best_command: str = ""
    """What trains with the best settings, in full."""
    again_command: str = ""
    """What continues the study."""
    supervisor: Process | None = None
    """Whoever searches; of several the first."""
    workers: tuple[Process, ...] = ()
    """All that search just now, those on other machines included."""
    updated_at: float = 0.0

    @property
    def objective(self) -> Objective:
        """What trials are ranked by, the first of the objectives."""
        return self.objectives[0] if self.objectives else Objective(name="recon_db", unit="dB")


class Found(_Record):
    """A study as it lies on the disk."""

    path: Path
    study: Study | None
    """None where an older version made it, or where the file cannot be read."""

    @property
    def name(self) -> str:
        """Name of the study: that of its directory."""
        return self.path.resolve().name


def study_file(directory: Path) -> Path:
    """Where the study of a directory is written down."""
    return directory / _FILE


def write_study(directory: Path, study: Study) -> None:
    """Replace a study's `study.json`. Raises OSError."""
    write_atomically(study_file(directory), study.model_dump_json(indent=1) + "\n", durable=False)


def read_study(directory: Path) -> Study | None:
    """The study of a directory; None where none was written down, or none that can be read."""
    try:
        return Study.model_validate_json(study_file(directory).read_bytes())
    except (OSError, ValidationError):
        return None


def list_studies(roots: Iterable[Path] = STUDY_ROOTS, beside: RunDirectory | None = None) -> list[Path]:
    """Directories of studies below `roots`, the most recently changed first.

    Parameters
    ----------
    roots
        Folders of studies.
    beside
        A run. Where it is a trial, its study is found wherever it lies.
    """
    candidates = [path for root in roots for path in _folders(root)]
    if beside is not None:
        candidates.append(beside.path.resolve().parent)
    found = {path.resolve(): path for path in reversed(candidates) if _is_study(path)}
    return sorted(found.values(), key=_last_changed, reverse=True)


def seen_study(study: Study) -> SeenStudy:
    """State as a reader should show it: a search whose process is gone is `lost`."""
    if study.state != "searching" or study.supervisor is None:
        return study.state
    process = Status(state="training", started_at=0.0, heartbeat=0.0, **study.supervisor.model_dump())
    return "lost" if is_alive(process) is False else study.state


def trial_run(directory: Path, trial: Trial) -> RunDirectory | None:
    """The run of a trial; None where it has none yet."""
    # A name from the file is no way out of the study.
    return RunDirectory(directory / Path(trial.run).name) if Path(trial.run).name else None


def trials_from_runs(directory: Path) -> list[Trial]:
    """Trials of a study that nobody wrote down, as far as their runs tell."""
    return [trial for path in sorted(_folders(directory)) if (trial := _trial_of(path)) is not None]


def _trial_of(path: Path) -> Trial | None:
    matched, status = _TRIAL.fullmatch(path.name), read_status(path / "status.json")
    if matched is None or status is None:
        return None
    state: TrialState = "interrupted"
    if status.state == "finished":
        state = "complete"
    elif status.state in {"failed", "diverged"}:
        state = "failed"
    elif status.state == "stopped":
        # A study ends a trial that it gives up by the same signal as one that it leaves for later.
        state = "pruned"
    elif is_alive(status):
        state = "running"
    return Trial(
        number=int(matched[1]),
        state=state,
        run=path.name,
        values={"recon_db": status.best.val_recon_db} if status.best else {},
        epoch=status.epoch,
        reason=status.message if state in {"failed", "pruned"} else "",
        started_at=status.started_at,
    )


def _folders(root: Path) -> Iterator[Path]:
    try:
        with os.scandir(root) as entries:
            found = [root / entry.name for entry in entries if entry.is_dir()]
    except OSError:
        return
    yield from found


def _is_study(path: Path) -> bool:
    return study_file(path).is_file() or (path / _DATABASE).is_file()


def _last_changed(path: Path) -> float:
    for file in (study_file(path), path / _DATABASE):
        try:
            return file.stat().st_mtime
        except OSError:
            continue
    return 0.0
