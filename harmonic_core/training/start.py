"""Opening a run, training in it, and closing it with the truth about how it went."""

from __future__ import annotations

import errno
import math
import signal
from contextlib import nullcontext, suppress

import psutil
import torch
import torch.distributed as dist

from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import (
    DataError,
    DiskError,
    DivergedError,
    ExitCode,
    HarmonicError,
    OutOfMemoryError,
    ProfileError,
    RunError,
)
from harmonic_core.profile.resolve import Resolved
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml, without_place
from harmonic_core.run.atomic import lacks_room, write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.lock import hold_lock
from harmonic_core.run.music import write_music
from harmonic_core.run.origin import record_start
from harmonic_core.run.resume import ResumePoint
from harmonic_core.run.status import Device, State
from harmonic_core.training.checkpoint import bring_back_replaced, checkpoint_steps
from harmonic_core.training.device import choose_device, describe_device, keep_freed_memory, measure_device
from harmonic_core.training.distributed import Team, join_team
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.journal import Journal, SilentJournal
from harmonic_core.training.loop import Ending, Loop
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.signals import StopSignals

_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_CANNOT_GO_ON = (ProfileError, DataError, RunError)
"""What a start that asks for the impossible fails with."""
_GONE = frozenset({errno.ENOENT, errno.ESTALE, errno.EIO, errno.ENXIO, errno.ENOTDIR})


def train(
    resolved: Resolved, run: RunDirectory, point: ResumePoint | None = None, signals: StopSignals | None = None
) -> ExitCode:
    """Train in `run` until the last epoch, a signal or a command ends it.

    Started as one of several ranks by `torchrun`, it does this rank's part of the work; the first rank alone writes.

    Parameters
    ----------
    resolved
        The profile in force.
    run
        Where to; a new directory unless `point` continues it.
    point
        What to start from.
    signals
        In force already; None to catch them from now on.

    Returns
    -------
    ExitCode
        OK when finished or stopped by command, else that of the signal.

    Raises
    ------
    HarmonicError
        For whatever a user can mend; `status.json` then says `failed` or `diverged`, and why. That of a run that was to
        go on stays as it was where the start asked for what cannot be done.
    """
    wanted = resolved.profile.run.device
    with nullcontext(signals) if signals else StopSignals() as caught, join_team(wanted) as team:
        device, reason = choose_device(wanted, team.local_rank)
        if device.type == "cpu":
            keep_freed_memory()
        if not team.is_first:
            return _train(resolved, run, point, caught, team, device, reason)
        if point is None or not point.continues(run):
            run.create()
        with hold_lock(run):
            run.sweep()
            bring_back_replaced(run)
            if point and point.continues(run) and not (point.export or point.checkpoint or checkpoint_steps(run)):
                raise RunError(
                    f"{run.path}: no checkpoint was written yet, so there is nothing to continue; "
                    f"start it anew with its profile and `--output-dir {run.path}`"
                )
            return _train(resolved, run, point, caught, team, device, reason)


def _train(
    resolved: Resolved,
    run: RunDirectory,
    point: ResumePoint | None,
    signals: StopSignals,
    team: Team,
    device: torch.device,
    reason: str,
) -> ExitCode:
    last_word = _last_word(run, point)
    with _journal(resolved, run, team, device, reason) as journal:
        try:
            if team.is_first:
                # That of a run that goes on stays until it is clear that it can.
                if point is None or not point.continues(run):
                    write_atomically(run.profile, to_toml(without_place(resolved.profile)))
                record_start(run, resolved.origins, device=journal.measure().model_dump(), resumed_from=_named(point))
            journal.log(f"run {run.path}")
            journal.log(f"device {device.type} ({journal.measure().name}): {reason}")
            ending = _prepare_and_train(resolved.profile, run, point, journal, signals, team, device)
        except BaseException as error:
            if _is_of_another_rank(error) and not team.is_first:
                # That other one says what became of it, or the launcher does.
                raise SystemExit(ExitCode.FAILURE) from error
            failure = _translate(error, run)
            state: State = "diverged" if isinstance(failure, DivergedError) else "failed"
            code = failure.exit_code if isinstance(failure, HarmonicError) else ExitCode.FAILURE
            message = str(failure) or type(failure).__name__
            if isinstance(failure, KeyboardInterrupt):
                state, code, message = "stopped", ExitCode.INTERRUPTED, "interrupted at once"
            is_untouched = team.is_first and journal.status.state == "preparing"
            journal.close_with(state, code, message)
            if last_word and is_untouched and isinstance(error, _CANNOT_GO_ON):
                # The event and the terminal say why this start came to nothing; what was trained stays what it was.
                with suppress(OSError):
                    write_atomically(run.status, last_word)
            if failure is error:
                raise
            raise failure from error
        journal.close_with(ending.state, ending.exit_code, ending.message)
        journal.log(f"{ending.state}: {ending.message}")
    return ending.exit_code


def _last_word(run: RunDirectory, point: ResumePoint | None) -> bytes | None:
    """The status of a run that is to go on, as it was; None where there is none."""
    if point is None or not point.continues(run):
        return None
    try:
        return run.status.read_bytes()
    except OSError:
        return None


def _journal(resolved: Resolved, run: RunDirectory, team: Team, device: torch.device, reason: str) -> Journal:
    description, process = describe_device(device, reason), psutil.Process()
    process.cpu_percent()  # the first call only starts the clock

    def measure() -> Device:
        return measure_device(device, description, process)

    if not team.is_first:
        return SilentJournal(run, measure)
    profile = resolved.profile
    return Journal(
        run,
        measure,
        tensorboard=profile.output.use_tensorboard,
        profile=resolved.name,
        epochs=profile.train.epochs,
        grad_accum_steps=profile.train.grad_accum_steps,
    )


def _prepare_and_train(
    profile: Profile,
    run: RunDirectory,
    point: ResumePoint | None,
    journal: Journal,
    signals: StopSignals,
    team: Team,
    device: torch.device,
) -> Ending:
    def stopped() -> bool:
        return signals.received is not None

    material = team.first_of_node_first(lambda: prepare_material(profile, journal, stopped), stopped)
    # One that was stopped leaves; the others must not go on to wait for it.
    is_over, number = team.most([material is None, int(signals.received or 0)])
    if is_over or material is None:
        code = StopSignals.exit_code_of(signal.Signals(number)) if number else ExitCode.OK
        return Ending("stopped", code, "before training began")
    _insist_on_agreement(team, profile, material)
    if team.is_first:
        # Only for whoever looks: without it a run is whole.
        with suppress(OSError):
            write_music(run, material.music)
    with BatchLoader(material.training, profile.train.batch_size, device, team.part) as loader:
        profile = _within_steps(profile, loader.steps_per_epoch)
        loop = Loop(profile, run, journal, signals, team, device, material, loader, point)
        if team.is_first:
            write_atomically(run.profile, to_toml(without_place(profile)))
        return loop.run()


def _within_steps(profile: Profile, steps_per_epoch: int) -> Profile:
    """The profile with as many epochs as `max_steps` takes, where those are fewer."""
    train = profile.train
    if train.max_steps is None:
        return profile
    epochs = min(train.epochs, math.ceil(train.max_steps / steps_per_epoch))
    return profile.model_copy(update={"train": train.model_copy(update={"epochs": epochs})})


def _insist_on_agreement(team: Team, profile: Profile, material: Material) -> None:
    """All ranks must have cut the same music, and each must get a part of every batch."""
    if profile.train.batch_size < team.world_size:
        raise ProfileError(
            f"train.batch_size: {profile.train.batch_size} segments cannot be divided over {team.world_size} ranks; "
            f"take a batch_size of at least {team.world_size}, or fewer ranks"
        )
    if len(material.training) < team.world_size:
        raise DataError(
            f"{len(material.training)} segments to train on cannot be divided over {team.world_size} ranks; take fewer "
            "ranks, or more music"
        )
    everyone = team.collect(material.fingerprint)
    for rank, fingerprint in enumerate(everyone):
        if fingerprint != everyone[0]:
            raise DataError(
                f"rank {rank} has other music than rank 0: all ranks need the same files under the same paths; "
                "compare what `harmonic data validate` says on each machine"
            )


def _named(point: ResumePoint | None) -> str | None:
    if point is None:
        return None
    return str(point.export or point.checkpoint or (point.run and point.run.path))


def _translate(error: BaseException, run: RunDirectory) -> BaseException:
    """Give an error of the machine the words that help."""
    if is_out_of_memory(error):
        reason = (str(error).strip() or "no memory left").splitlines()[0][:160]
        return OutOfMemoryError(
            f"out of memory ({reason}); halve `--batch-size`, double `--grad-accum-steps`, "
            "or use smaller `--hidden-dims`"
        )
    if _is_of_another_rank(error):
        return RunError(
            f"another rank is gone, and with it the training; `harmonic train --resume-from {run.path}` continues it"
        )
    if not isinstance(error, OSError):
        return error
    what = f"{error.filename or run.path}: {(error.strerror or str(error)).lower()}"
    if lacks_room(error):
        remedy = "free some room"
    elif error.errno in _NOT_WRITABLE:
        remedy = "make it writable"
    elif error.errno in _GONE and not run.path.is_dir():
        what, remedy = f"{run.path}: the run directory is gone ({what})", "bring it back"
    elif error.errno in _GONE:
        remedy = "it was there before: bring it back"
    else:
        return error
    return DiskError(f"{what}; {remedy} and continue with `harmonic train --resume-from {run.path}`")


def _is_of_another_rank(error: BaseException) -> bool:
    """Tell whether a connection to another rank broke; gloo says so in words only."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo/" in str(error))
