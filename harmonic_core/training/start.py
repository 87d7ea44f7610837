"""Opening a run, training in it, and closing it with the truth about how it went."""

from __future__ import annotations

import errno
import os

import psutil
import torch

from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import DiskError, DivergedError, ExitCode, HarmonicError, OutOfMemoryError, RunError
from harmonic_core.profile.resolve import Resolved
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml
from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.lock import hold_lock
from harmonic_core.run.origin import record_start
from harmonic_core.run.resume import ResumePoint
from harmonic_core.run.status import State
from harmonic_core.training.checkpoint import checkpoint_steps
from harmonic_core.training.device import choose_device, describe_device, measure_device
from harmonic_core.training.journal import Journal
from harmonic_core.training.loop import Ending, Loop
from harmonic_core.training.material import prepare_material
from harmonic_core.training.signals import StopSignals

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


def train(resolved: Resolved, run: RunDirectory, point: ResumePoint | None = None) -> ExitCode:
    """Train in `run` until the last epoch, a signal or a command ends it.

    Parameters
    ----------
    resolved
        The profile in force.
    run
        Where to; a new directory unless `point` continues it.
    point
        What to start from.

    Returns
    -------
    ExitCode
        OK when finished or stopped by command, else that of the signal.

    Raises
    ------
    HarmonicError
        For whatever a user can mend; `status.json` then says `failed` or `diverged`, and why.
    """
    profile = resolved.profile
    device, reason = choose_device(profile.run.device)
    if point is None or not point.continues(run):
        run.create()
    with hold_lock(run):
        if point and point.continues(run) and not (point.export or point.checkpoint or checkpoint_steps(run)):
            raise RunError(
                f"{run.path}: no checkpoint was written yet, so there is nothing to continue; "
                f"start it anew with its profile and `--output-dir {run.path}`"
            )
        return _train(resolved, run, point, device, reason)


def _train(
    resolved: Resolved, run: RunDirectory, point: ResumePoint | None, device: torch.device, reason: str
) -> ExitCode:
    profile = resolved.profile
    description, process = describe_device(device, reason), psutil.Process()
    process.cpu_percent()  # the first call only starts the clock
    with (
        StopSignals() as signals,
        Journal(
            run,
            lambda: measure_device(device, description, process),
            tensorboard=profile.output.use_tensorboard,
            profile=resolved.name,
            epochs=profile.train.epochs,
        ) as journal,
    ):
        try:
            write_atomically(run.profile, to_toml(_without_place(profile)))
            record_start(run, resolved.origins, device=description.model_dump(), resumed_from=_named(point))
            journal.log(f"run {run.path}")
            journal.log(f"device {device.type} ({description.name}): {reason}")
            material = prepare_material(profile, journal, lambda: signals.received is not None)
            ending = Ending("stopped", signals.exit_code, "before training began")
            if material is not None:
                with BatchLoader(material.training, profile.train.batch_size, device) as loader:
                    ending = Loop(profile, run, journal, signals, device, material, loader, point).run()
        except BaseException as error:
            failure = _translate(error, run)
            state: State = "diverged" if isinstance(failure, DivergedError) else "failed"
            code = failure.exit_code if isinstance(failure, HarmonicError) else ExitCode.FAILURE
            message = str(failure) or type(failure).__name__
            if isinstance(failure, KeyboardInterrupt):
                state, code, message = "stopped", ExitCode.INTERRUPTED, "interrupted at once"
            journal.close_with(state, code, message)
            if failure is error:
                raise
            raise failure from error
        journal.close_with(ending.state, ending.exit_code, ending.message)
        journal.log(f"{ending.state}: {ending.message}")
    return ending.exit_code


def _without_place(profile: Profile) -> Profile:
    """Where a run lies and what it began from is no part of what it is: a run may be moved and continued."""
    output = profile.output.model_copy(update={"output_dir": None})
    train = profile.train.model_copy(update={"resume_from": None})
    return profile.model_copy(update={"output": output, "train": train})


def _named(point: ResumePoint | None) -> str | None:
    if point is None:
        return None
    return str(point.export or point.checkpoint or (point.run and point.run.path))


def _translate(error: BaseException, run: RunDirectory) -> BaseException:
    """Give an error of the machine the words that help."""
    if isinstance(error, torch.OutOfMemoryError):
        return OutOfMemoryError(
            f"out of memory on the device ({str(error).splitlines()[0][:160]}); halve `--batch-size`, "
            "double `--grad-accum-steps`, or use smaller `--hidden-dims`"
        )
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        wanted = "free some room" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "make it writable"
        resume = f"{wanted} and continue with `harmonic train --resume-from {run.path}`"
        return DiskError(f"{error.filename or run.path}: {os.strerror(error.errno).lower()}; {resume}")
    return error
