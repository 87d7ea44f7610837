"""What a completed trial came to, measured by a process of its own: a supervisor has no torch."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from tempfile import TemporaryFile

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import process_identity
from harmonic_core.tuning.processes import end
from harmonic_core.tuning.trial import KINDS, Outcome

_LOOK_S = 0.1
_WORDS_BYTES = 4096


def measured(run: RunDirectory, trained: Outcome, interrupted: Callable[[], bool]) -> Outcome:
    """The outcome of a trial that has trained to its end, with its figures.

    Both figures are those of the weights that it ended with, on the same held-out music and with samples from the same
    seed as in every other trial.

    Parameters
    ----------
    run
        The trial.
    trained
        How its training ended.
    interrupted
        Asked several times a second; True leaves the measurement for later.
    """
    with TemporaryFile() as said, TemporaryFile() as complained:
        command = [sys.executable, "-m", "harmonic_core", "tune", "measure", str(run.path)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=complained, start_new_session=True
        )
        try:
            while process.poll() is None:
                if interrupted():
                    return replace(trained, outcome="interrupted", reason="stopped with the study")
                time.sleep(_LOOK_S)
        finally:
            if process.poll() is None:
                end(process_identity(process.pid))
            process.wait()
        said.seek(0)
        complained.seek(0)
        return _judged(process.returncode, said.read(), complained.read()[-_WORDS_BYTES:], trained)


def _judged(code: int, said: bytes, complained: bytes, trained: Outcome) -> Outcome:
    if code:
        words = complained.decode(errors="replace").strip()
        _, found, message = words.rpartition("harmonic: ")
        kind = f"{KINDS[code]}, " if code in KINDS else "killed, " if code < 0 else ""
        why = " ".join(message.split()) if found else words.rpartition("\n")[2]
        return replace(
            trained, outcome="failed", reason=f"it trained, but was not measured: {kind}exit status {code}: {why}"
        )
    figures = json.loads(said)
    broken = [name for name in ("recon_db", "mel_fd", "kl_nats") if not math.isfinite(figures[name])]
    if broken:
        return replace(trained, outcome="failed", reason=f"{broken[0]} is no number after the last update")
    return replace(
        trained,
        epoch=int(figures["epoch"]),
        recon_db=float(figures["recon_db"]),
        mel_fd=float(figures["mel_fd"]),
        kl_nats=float(figures["kl_nats"]),
    )
