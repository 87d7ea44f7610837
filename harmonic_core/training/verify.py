"""Proof that a run can go on as if it had never stopped: whole files, and replays that come out the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import DiskError, HarmonicError, RunError
from harmonic_core.profile.resolve import load
from harmonic_core.run.atomic import lacks_room
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import ACTIVE_STATES, read_status, seen_state
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import Checkpoint, checkpoint_steps
from harmonic_core.training.device import choose_device
from harmonic_core.training.integrity import checkpoint_faults, export_fault
from harmonic_core.training.material import prepare_material
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.proof import Check, Proof, threads_of
from harmonic_core.training.replay import Replay, Watch, unwatched
from harmonic_core.training.signals import StoppedError


def verify(
    run: RunDirectory,
    *,
    steps: int = 8,
    full: bool = False,
    device: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[str], None] = lambda line: None,
    watch: Watch = unwatched,
) -> Iterator[Check]:
    """Check the files of a run, and replay parts of it. Nothing is written into its directory.

    Files are compared with the manifests of their checkpoints, exports are loaded. From the last whole checkpoint
    updates are made in one go, and once more with a checkpoint in the middle that a state made from scratch goes on
    from. From the checkpoint before it all updates are replayed up to what is on the disk. All must be equal byte for
    byte: weights, their average, optimiser, generators, running means and position.

    Parameters
    ----------
    run
        One that nobody trains now.
    steps
        Updates to replay from the last checkpoint, at least 2.
    full
        Replay from the checkpoint before the last also where it is more than `FEW_STEPS` updates away.
    device
        Where to compute: `cpu`, `cuda` or `mps`. Default: what the run's profile says.
    stopped
        Asked often whether to give up.
    tell, watch
        Get to know what goes on: lines, and how much of a replay is done.

    Yields
    ------
    Check
        As soon as it is done.

    Raises
    ------
    RunError
        If a trainer is at work on the run.
    StoppedError
        If `stopped` says so.
    """
    status = read_status(run.status)
    if status and (state := seen_state(status)) in ACTIVE_STATES:
        raise RunError(f"{plain(str(run.path))} is {state}: verify it when no trainer is at work on it")
    whole = yield from _check_checkpoints(run, stopped)
    yield from _check_exports(run)
    if not whole:
        return
    try:
        yield from _replays(run, whole, steps, full, device, Narrator(run, tell, watch), stopped)
    except HarmonicError as error:
        yield Check("replay", False, f"nothing could be replayed: {error}")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if lacks_room(error):
            where = plain(str(error.filename or tempfile.gettempdir()))
            raise DiskError(
                f"{where}: {reason}; replays write checkpoints there; set TMPDIR to a folder with room"
            ) from error
        what = f"{plain(str(error.filename or run.path))}: {reason}"
        yield Check("replay", False, f"replaying broke off: {what}; does a trainer work on the run again?")


def _check_checkpoints(run: RunDirectory, stopped: Callable[[], bool]) -> Generator[Check, None, list[Checkpoint]]:
    """Give the checkpoints that are whole, the oldest first."""
    steps, whole = checkpoint_steps(run), []
    for step in steps:
        if stopped():
            raise StoppedError
        folder = run.checkpoints / f"step-{step:08d}"
        faults = checkpoint_faults(folder)
        for name, fault in faults.items():
            yield Check("checkpoints", False, f"checkpoints/{folder.name}/{name}: {fault}")
        if not faults:
            whole.append(Checkpoint(folder))
    if not whole:
        reason = "no checkpoint is whole" if steps else "no checkpoint was written yet"
        yield Check("checkpoints", False, f"{reason}, so there is nothing to continue from")
    else:
        those = (
            _counted(len(steps), "checkpoint")
            if len(whole) == len(steps)
            else f"{len(whole)} of {len(steps)} checkpoints"
        )
        yield Check("checkpoints", True, f"{those}: every file is what was written")
    return whole


def _check_exports(run: RunDirectory) -> Iterator[Check]:
    paths = sorted(run.path.glob("harmonic_vae_*.pt"))
    faults = {path: fault for path in paths if (fault := export_fault(path))}
    for path, fault in faults.items():
        yield Check("exports", False, f"{plain(path.name)}: {fault}")
    if sound := len(paths) - len(faults):
        yield Check("exports", True, f"{_counted(sound, 'export')}: all load, and their checksums agree")


def _replays(
    run: RunDirectory,
    whole: list[Checkpoint],
    steps: int,
    full: bool,
    wanted: str | None,
    journal: Narrator,
    stopped: Callable[[], bool],
) -> Iterator[Check]:
    last = whole[-1]
    profile = load(last.profile)
    device = _device(wanted, profile.run.device)
    with (
        _threads(threads_of(run)),
        torch.random.fork_rng([device.index] if device.type == "cuda" else []),
        tempfile.TemporaryDirectory(prefix="harmonic-verify-") as place,
        journal,
    ):
        material = prepare_material(profile, journal, stopped)
        if material is None:
            raise StoppedError
        with BatchLoader(material.training, profile.train.batch_size, device) as loader:
            replay = Replay(profile, material, loader, device, journal, stopped, journal.watch)
            proof = Proof(run, replay, Path(place))
            same_music = proof.is_of_this_music(last)
            if not same_music:
                message = (
                    f"not that of the checkpoint of step {last.step}: files were added, removed or changed since. The "
                    "checkpoints are not at fault, but what follows is another training than it would have been"
                )
                yield Check("music", False, f"the music is {message}")
            yield proof.of_resume(last, steps)
            if not same_music:
                reason: str | None = "the music is another one"
            elif len(whole) < 2:
                reason = "there is no whole checkpoint before it"
            else:
                reason = proof.objection(whole[-2], last, full=full)
            if reason:
                yield Check("replay", None, f"not replayed up to the checkpoint of step {last.step}: {reason}")
            else:
                yield proof.of_replay(whole[-2], last)


def _device(wanted: str | None, usual: str) -> torch.device:
    try:
        return choose_device(wanted or usual)[0]
    except HarmonicError:
        raise HarmonicError(
            f"{wanted or usual} is {'asked for' if wanted else 'what the run computes on'} and not there; "
            "`harmonic doctor` says what torch sees, and `--device cpu` replays on the CPU"
        ) from None


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Compute with as many threads as the run did: their number decides how sums are rounded."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _counted(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"
