"""Where everything of a run lies, and how runs are found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.status import read_status, seen_state

RUN_ROOTS: tuple[Path, ...] = (Path("runs"), Path("output"))
"""Folders that hold runs, looked through from the working directory: our own, and the usual `--output-dir`."""


@dataclass(frozen=True)
class RunDirectory:
    """Paths inside one run. Nothing is read or written here."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the run: that of its directory."""
        return self.path.resolve().name

    @property
    def profile(self) -> Path:
        """The resolved profile: what ran, not what was asked."""
        return self.path / "profile.toml"

    @property
    def origin(self) -> Path:
        """Command line, versions, host, device, and where each profile value came from."""
        return self.path / "origin.json"

    @property
    def status(self) -> Path:
        """The state of the run now; replaced atomically."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """Locked by the one trainer."""
        return self.path / "run.lock"

    @property
    def music(self) -> Path:
        """What music there is, by side, genre and length; written when it is ready."""
        return self.path / "music.json"

    @property
    def metrics(self) -> Path:
        """One row of figures a line."""
        return self.path / "metrics.jsonl"

    @property
    def evaluations(self) -> Path:
        """What the run measured of itself now and then, an object a line."""
        return self.path / "evaluations.jsonl"

    @property
    def events(self) -> Path:
        """What happened, an object a line."""
        return self.path / "events.jsonl"

    @property
    def console_log(self) -> Path:
        """What the trainer printed."""
        return self.path / "console.log"

    @property
    def control(self) -> Path:
        """Commands for the trainer, a file each."""
        return self.path / "control"

    @property
    def checkpoints(self) -> Path:
        """Complete states to continue from."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """Sounds by step."""
        return self.path / "samples"

    @property
    def stars(self) -> Path:
        """Which samples the listener starred, and notes on them; written by the console alone."""
        return self.path / "stars.json"

    @property
    def visualizations(self) -> Path:
        """Pictures by epoch."""
        return self.path / "visualizations"

    @property
    def logs(self) -> Path:
        """TensorBoard's files."""
        return self.path / "logs"

    @property
    def vocoder(self) -> Path:
        """The vocoder's network that makes what is heard sound better."""
        return self.path / "vocoder.safetensors"

    def export(self, label: str) -> Path:
        """Path of a small export: `harmonic_vae_best.pt`, `harmonic_vae_epoch_30.pt`."""
        return self.path / f"harmonic_vae_{label}.pt"

    def exists(self) -> bool:
        """Tell whether a run was ever started here."""
        return self.status.is_file() or self.profile.is_file()

    def create(self) -> None:
        """Make the directory and its folders.

        Raises
        ------
        RunError
            If a run is there already, unless it ended before it had a checkpoint or anything else to keep.
        DiskError
            If the place cannot be written.
        """
        if self.exists() and not self._ended_with_nothing():
            raise RunError(
                f"{self.path}: a run is already here; continue it with `--resume-from {self.path}` "
                "or choose another `--name` or `--output-dir`"
            )
        try:
            for rows in (self.metrics, self.evaluations):
                rows.unlink(missing_ok=True)
            for left_over in (self.logs, *self.checkpoints.glob("*step-*")):
                shutil.rmtree(left_over, ignore_errors=True)
            for folder in (self.control, self.checkpoints, self.samples):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(f"{self.path}: the run directory cannot be made: {error.strerror or error}") from error

    def sweep(self) -> None:
        """Remove what a killed trainer left half-written; only for whoever holds the lock."""
        for left_over in (*self.path.glob(".*.tmp"), *self.samples.glob(".*.tmp")):
            if left_over.is_dir():
                shutil.rmtree(left_over, ignore_errors=True)
            else:
                with suppress(OSError):
                    left_over.unlink()

    def _ended_with_nothing(self) -> bool:
        """Tell whether the run here came to its end before it had anything to lose."""
        status = read_status(self.status)
        # The checkpoint before the first update holds nothing that a seed does not give again.
        kept = [path for path in self.checkpoints.glob("step-*") if path.name.strip("step-0")]
        kept += [*self.samples.glob("step-*"), *self.path.glob("*.pt")]
        return status is not None and seen_state(status) in {"failed", "stopped", "diverged", "lost"} and not kept


def default_directory(name: str, now: datetime, root: Path = RUN_ROOTS[0]) -> RunDirectory:
    """Free directory for a new run of the profile `name`: `runs/<name>-<date>-<time>`, numbered if taken."""
    stem = f"{name}-{now:%Y%m%d-%H%M%S}"
    candidates = (root / (stem if n == 1 else f"{stem}-{n}") for n in range(1, 10_000))
    return RunDirectory(next(path for path in candidates if not path.exists()))


def open_run(name_or_path: str | os.PathLike[str]) -> RunDirectory:
    """Find an existing run by its path, or by its name under `runs/` and `output/`.

    Raises
    ------
    RunError
        If there is none; the message names the newest runs there are.
    """
    given = Path(name_or_path)
    candidates = [given, *(root / given for root in RUN_ROOTS if not given.is_absolute())]
    for candidate in candidates:
        run = RunDirectory(candidate)
        if run.exists():
            return run
    known = [run.name for run in list_runs()][:5]
    hint = f"there are: {', '.join(known)}" if known else "there are no runs yet; start one with `harmonic train demo`"
    reason = "not a run (no status.json in it)" if given.is_dir() else "no such run"
    raise RunError(f"{str(name_or_path)!r}: {reason}; {hint}")


def list_runs(roots: Sequence[Path] = RUN_ROOTS) -> list[RunDirectory]:
    """All runs under `roots`, the most recently touched first."""
    return sorted(_runs_in(roots), key=_last_touched, reverse=True)


def _runs_in(roots: Sequence[Path]) -> Iterator[RunDirectory]:
    # One root may be a link to another.
    for root in {root.resolve(): root for root in reversed(roots)}.values():
        try:
            entries = [entry.path for entry in os.scandir(root) if entry.is_dir()]
        except OSError:
            continue
        yield from (run for run in map(RunDirectory, map(Path, entries)) if run.exists())


def _last_touched(run: RunDirectory) -> float:
    for path in (run.status, run.profile):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0
