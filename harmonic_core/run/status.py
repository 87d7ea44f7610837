"""What a run is doing now: `status.json`, and how far it can be believed."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harmonic_core.run.atomic import write_atomically

State = Literal["preparing", "training", "paused", "finished", "stopped", "failed", "diverged"]
SeenState = Literal[State, "lost"]

ACTIVE_STATES: frozenset[str] = frozenset({"preparing", "training", "paused"})
HEARTBEAT_LIMIT_S = 60.0


class _Record(BaseModel):
    # Readers meet files of newer versions: what they do not know they ignore.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Device(_Record):
    """What the run computes on. Memory in bytes; None where it cannot be known."""

    kind: str = "cpu"
    name: str = ""
    uuid: str | None = None
    reason: str = ""
    """Why this device was chosen, in words."""
    resident_bytes: int | None = None
    """Memory of the trainer's process."""
    cpu_percent: float | None = None
    """Load of the trainer's process; 100 is one core."""
    allocated_bytes: int | None = None
    """Device memory that tensors hold."""
    reserved_bytes: int | None = None
    """Device memory that the allocator holds."""
    peak_bytes: int | None = None
    """Most device memory that tensors ever held."""
    retries: int | None = None
    """Allocations that found no room until the allocator had given back what it kept."""
    ooms: int | None = None
    """Allocations that found no room even then."""
    total_bytes: int | None = None
    """Memory of the device; on a CPU that of the machine."""
    free_bytes: int | None = None
    """Free memory of the device; on a CPU that of the machine."""

    @property
    def fragmentation(self) -> float | None:
        """Share of what the allocator holds that no tensor uses, 0 to 1; None where it is not known."""
        if not self.reserved_bytes or self.allocated_bytes is None:
            return None
        return max(0.0, (self.reserved_bytes - self.allocated_bytes) / self.reserved_bytes)


class Preparation(_Record):
    """How far the music is made ready. Files are counted, whether they could be used or not."""

    done: int
    """Files looked at: decoded, taken from the cache, or refused."""
    total: int
    refused: int = 0
    from_cache: int = 0
    """Files of `done` that were decoded by an earlier run."""
    audio_s: float = 0.0
    """Seconds of music ready."""
    label: str = ""
    """File in work, or just done; safe to show."""
    eta_s: float | None = None
    """Seconds to go; None where that cannot be told yet."""
    rate: float | None = None
    """Seconds of music made ready in a second, lately, the cache's not counted; None where nothing is decoded."""

    @property
    def progress(self) -> float:
        """Share of all files done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Rank(_Record):
    """One process of a run that has several."""

    rank: int
    host: str
    device: Device = Device()
    segments_per_s: float | None = None
    """Training segments that this process works through in a second."""


VerdictKind = Literal["early", "improving", "plateau", "overfitting", "collapsed", "weak_kl", "noisy", "diverged"]


class Verdict(_Record):
    """What the figures of a run mean, in words."""

    kind: VerdictKind
    sentence: str
    """The verdict, one sentence."""
    evidence: str
    """The figures that it rests on."""
    action: str
    """One thing to do; empty where there is nothing to do but wait."""


class Best(_Record):
    """The best validation so far."""

    epoch: int
    step: int
    val_loss: float
    val_recon_db: float


class Status(_Record):
    """State of a run, as the trainer last told it. Times are seconds since 1970 (UTC)."""

    version: int = 1
    state: State
    name: str = ""
    profile: str = ""
    pid: int
    process_start: float
    """Seconds since the machine's boot on Linux, since 1970 elsewhere."""
    boot: str = ""
    """Which boot of the machine that was."""
    host: str
    started_at: float
    heartbeat: float
    phase: str = ""
    """What it is doing, in words: `looking for music`, `epoch 3`."""
    preparation: Preparation | None = None
    """How far the music is; the last word stays when training has begun."""
    step: int = 0
    total_steps: int = 0
    epoch: int = 0
    """Epochs begun; 0 before the first."""
    epochs: int = 0
    segments_per_s: float | None = None
    eta_s: float | None = None
    device: Device = Device()
    ranks: tuple[Rank, ...] = ()
    """Every process of the run, where there are several."""
    skipped_steps: int = 0
    """Updates left out because loss or gradient were not finite."""
    rollbacks: int = 0
    """Times that the run went back to its last good checkpoint."""
    grad_accum_steps: int = 1
    """Parts of a batch now; more than the profile says where memory ran out."""
    in_force: dict[str, float] = {}
    """What the next update is made with: `learning_rate`, `beta`, `augment_strength` (0 where nothing is augmented) and
    `epochs`; as of the last row of figures, or the last change."""
    steered: dict[str, float] = {}
    """Those of them that somebody changed under way, as they were given; the others are the profile's."""
    best: Best | None = None
    verdict: Verdict | None = None
    mean_spectrum_db: float | None = None
    """Error of always answering with the training set's mean spectrum: what a model has to beat."""
    exit_code: int | None = None
    why: str = ""
    """What a paused run waits for, in a word or two: `by command`, `disk full`."""
    message: str = ""
    """How it ended, or why it waits."""

    @property
    def progress(self) -> float:
        """Share of all updates done, 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def stage(self) -> str:
        """Stage of training by epoch: `initial` (1-10), `middle` (11-50) or `late`."""
        return training_stage(self.epoch)


def training_stage(epoch: int) -> Literal["initial", "middle", "late"]:
    """Name of the part of training in which `epoch` (from 1) lies."""
    return "initial" if epoch <= 10 else "middle" if epoch <= 50 else "late"


def write_status(path: Path, status: Status) -> None:
    """Replace `status.json`. Not forced to disk: the next heartbeat would only do it again.

    On a full disk it is written over the old one, where that has the room: a run that waits for room must not look like
    one that is lost.

    Raises
    ------
    OSError
        If neither can be done.
    """
    text = status.model_dump_json() + "\n"
    try:
        write_atomically(path, text, durable=False)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        with path.open("r+b", buffering=0) as file:
            # Blanks instead of a shorter file, so that there is no moment in which a reader finds half of it.
            file.write(text.encode().ljust(os.fstat(file.fileno()).st_size))


def read_status(path: Path) -> Status | None:
    """Read `status.json`; None where it is missing, unreadable or not a status."""
    try:
        return Status.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def process_identity(pid: int) -> dict[str, Any]:
    """Fields by which a process is known again even when its number is reused: pid, process_start, boot and host."""
    return {"pid": pid, "process_start": _start_of(pid), "boot": _boot_id(), "host": socket.gethostname()}


def is_alive(status: Status) -> bool | None:
    """Whether the trainer's process still runs; None when it is on another host and cannot be looked up."""
    import psutil

    if status.host != socket.gethostname():
        return None
    if status.boot != _boot_id():
        return False
    try:
        process = psutil.Process(status.pid)
        # Two readings round differently; a reused number is at least seconds off.
        same = abs(_start_of(status.pid) - status.process_start) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False


def _start_of(pid: int) -> float:
    import psutil

    started = psutil.Process(pid).create_time()
    # Linux counts from the boot, and what it says of the boot moves when the clock is set.
    return started - psutil.boot_time() if psutil.LINUX else started


def _boot_id() -> str:
    """What tells this boot of the machine from others; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def seen_state(status: Status, now: float | None = None) -> SeenState:
    """State as a reader should show it: an active run that is gone or silent for a minute is `lost`."""
    if status.state not in ACTIVE_STATES:
        return status.state
    age = (time.time() if now is None else now) - status.heartbeat
    alive = is_alive(status)
    return "lost" if alive is False or age > HEARTBEAT_LIMIT_S else status.state
