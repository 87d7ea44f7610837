"""One trial: an ordinary run in its own process, watched through its directory."""

from __future__ import annotations

import math
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from harmonic_core.errors import ExitCode
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.launch import start_training
from harmonic_core.run.records import RecordTail, Row
from harmonic_core.run.status import is_alive, process_identity, read_status
from harmonic_core.tuning.processes import end

OutcomeName = Literal["complete", "pruned", "failed", "interrupted"]

_LOOK_S = 0.2
_LOG_TAIL_BYTES = 4096
KINDS: dict[int, str] = {
    ExitCode.DIVERGED: "diverged",
    ExitCode.OUT_OF_MEMORY: "out of memory",
    ExitCode.DISK: "disk",
    ExitCode.USAGE: "refused",
}


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    outcome: OutcomeName
    """`interrupted` is the one that has to be run again."""
    reason: str = ""
    """Why it was not completed, or what ended it before its last epoch."""
    epoch: int = 0
    """Last epoch that was validated; 0 for none."""
    recon_db: float | None = None
    """Mean absolute log-mel error on the held-out tracks, in dB: of the weights that it ended with where it is
    complete, else after that epoch."""
    kl_nats: float | None = None
    """KL divergence on the held-out tracks of the same weights, in nats a segment."""
    mel_fd: float | None = None
    """Fréchet distance of samples from the prior to held-out music in dB²; None where it is not complete."""


@dataclass
class Clock:
    """Counts how long a trial has trained, and when that is enough.

    Attributes
    ----------
    limit_s
        Seconds that it may train; infinite where epochs or steps are counted.
    spent_s
        Seconds so far, over all its parts; music that is made ready does not count.
    """

    limit_s: float = math.inf
    spent_s: float = 0.0
    _seen: float | None = field(default=None, init=False)

    def look(self, run: RunDirectory) -> bool:
        """Count on, and tell whether the time is over."""
        if math.isinf(self.limit_s):
            return False
        now, status = time.monotonic(), read_status(run.status)
        trains = status is not None and status.state == "training" and is_alive(status) is not False
        if trains and self._seen is not None:
            self.spent_s += now - self._seen
        self._seen = now if trains else None
        return self.spent_s >= self.limit_s


@contextmanager
def trainer(arguments: Sequence[str], run: RunDirectory) -> Iterator[subprocess.Popen[bytes]]:
    """Have `harmonic train ARGUMENTS` work in `run`; whoever leaves the block before it has ended stops it properly.

    Raises
    ------
    DiskError
        If the run directory cannot be made.
    """
    process = start_training(arguments, run)
    try:
        yield process
    finally:
        if process.poll() is None:
            end(process_identity(process.pid))
        process.wait()


def follow(
    process: subprocess.Popen[bytes],
    run: RunDirectory,
    hopeless: Callable[[int, float], bool],
    interrupted: Callable[[], bool],
    clock: Clock | None = None,
) -> Outcome:
    """Watch a trainer until it ends or is to be ended.

    Parameters
    ----------
    process, run
        The trainer, and where it writes.
    hopeless
        Called once for each epoch with its number and held-out error in dB; True prunes the trial.
    interrupted
        Asked several times a second; True leaves the trial for later.
    clock
        Says when it has trained long enough and is complete all the same.

    Returns
    -------
    Outcome
        The trainer may still run unless the outcome is its own.
    """
    tail, judged, last = RecordTail(run.metrics), 0, Row()
    while True:
        # Looked at before its figures: what it wrote last is then never missed.
        ended = process.poll() is not None
        for row in tail.read():
            if row.get("kind") != "epoch" or "val_recon_db" not in row:
                continue
            last = row
            # A run that continues from a checkpoint does some epochs twice.
            if row["epoch"] > judged:
                judged = row["epoch"]
                if hopeless(judged, row["val_recon_db"]):
                    return _outcome("pruned", f"after epoch {judged}", last)
        if ended:
            return _own_outcome(process.returncode, run, last)
        if clock and clock.look(run):
            return _outcome("complete", f"its {clock.limit_s / 60:g} minutes were over", last)
        if interrupted():
            return _outcome("interrupted", "stopped with the study", last)
        time.sleep(_LOOK_S)


def _own_outcome(code: int, run: RunDirectory, last: Row) -> Outcome:
    status = read_status(run.status)
    if code == ExitCode.OK and status and status.state == "stopped":
        return _outcome("pruned", status.message, last)
    if code == ExitCode.OK and math.isfinite(last.get("val_recon_db", math.nan)):
        return _outcome("complete", "", last)
    if code == ExitCode.OK:
        return _outcome("failed", "it ended without an error on held-out tracks", last)
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", perhaps by the system for want of memory" if name == "SIGKILL" else ""
        return _outcome("failed", f"killed by {name}{hint}", last)
    kind = f"{KINDS[ExitCode(code)]}, " if code in KINDS else ""
    message = status.message if status and status.exit_code == code else _last_words(run)
    return _outcome("failed", f"{kind}exit status {code}: {message}", last)


def _outcome(outcome: OutcomeName, reason: str, last: Row) -> Outcome:
    return Outcome(outcome, reason, last.get("epoch", 0), last.get("val_recon_db"), last.get("val_kl_nats"))


def _last_words(run: RunDirectory) -> str:
    """What the trainer said at its end: its error message, else its last line."""
    try:
        text = run.console_log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    except OSError:
        return "no reason given"
    _, found, message = text.rpartition("harmonic: ")
    return " ".join(message.split()) if found else text.rpartition("\n")[2]
