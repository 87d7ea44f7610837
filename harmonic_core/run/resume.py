"""What `--resume-from` names: a run, one of its checkpoints, or an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harmonic_core.errors import RunError
from harmonic_core.run.directory import RunDirectory, open_run
from harmonic_core.text import plain


@dataclass(frozen=True)
class ResumePoint:
    """Where to continue from.

    Attributes
    ----------
    run
        The run that it belongs to; None for an export that lies elsewhere.
    checkpoint
        A folder in `checkpoints/`; None for the newest.
    export
        A `.pt` file; None where a checkpoint is meant.
    allow_partial
        Whether weights of another shape, listed, may begin anew.
    changes
        What the profile says otherwise than the run's so far, a line each, for the record.
    """

    run: RunDirectory | None
    checkpoint: Path | None = None
    export: Path | None = None
    allow_partial: bool = False
    changes: tuple[str, ...] = ()

    def continues(self, run: RunDirectory) -> bool:
        """Tell whether `run` is the very run that this point belongs to, rather than a new one that starts from it."""
        return self.run is not None and self.run.path.resolve() == run.path.resolve()


def find_resume_point(path: Path) -> ResumePoint:
    """Find out what `path` is.

    Raises
    ------
    RunError
        If it is none of the three.
    """
    if path.is_file():
        if path.suffix != ".pt":
            raise RunError(
                f"{plain(str(path))}: to continue, name a run, a folder in its checkpoints/, or a .pt export"
            )
        beside = RunDirectory(path.parent)
        belongs = beside.exists() and not _holds_checkpoint(beside.path)
        return ResumePoint(beside if belongs else None, export=path)
    if point := _checkpoint(path):
        return point
    run = open_run(path)
    # Found by its name below runs/, it may still be a checkpoint: one has a profile.toml, too.
    return _checkpoint(run.path) or ResumePoint(run)


def _checkpoint(path: Path) -> ResumePoint | None:
    """The checkpoint that `path` is, with its run; None where it is something else."""
    if not path.is_dir():
        return None
    # A bare name, `.` or a link says only in full where it lies.
    place = path if path.parent.name == "checkpoints" and path.name != ".." else path.resolve()
    if place.parent.name == "checkpoints" and (_holds_checkpoint(place) or not (place / "status.json").is_file()):
        return ResumePoint(RunDirectory(place.parent.parent), checkpoint=place)
    if _holds_checkpoint(place):
        raise RunError(
            f"{plain(str(path), 4096)}: a checkpoint outside the checkpoints/ of a run; put it back there, or name an "
            "export (.pt) to begin with weights alone"
        )
    return None


def _holds_checkpoint(folder: Path) -> bool:
    return (folder / "MANIFEST.json").is_file()
