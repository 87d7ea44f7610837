"""A run of very many rows, written in seconds."""

from __future__ import annotations

import math
import os
import random
import time
from pathlib import Path

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, encode_row
from harmonic_core.run.status import Best, Status, process_identity, write_status

FIGURES = (
    *("loss", "recon", "recon_db", "mu_l1", "kl", "kl_nats", "kl_bits_per_s"),
    *("beta", "beta_per_nat", "learning_rate", "grad_norm", "segments_per_s"),
)
"""The twelve figures of every row."""

LATENT_DIM = 128
STEPS_PER_EPOCH = 1000
_LEVELS, _VARIANTS = 1000, 16
_SECONDS_PER_STEP = 0.3


class LongRun:
    """A run whose trainer is this process.

    Parameters
    ----------
    path
        Where it is to be.
    rows
        Rows of metrics, of which one in a thousand closes an epoch.
    """

    def __init__(self, path: Path, rows: int) -> None:
        self.run = RunDirectory(path)
        self.rows = self.step = 0
        self._begun = time.time() - rows * _SECONDS_PER_STEP
        self._chance = random.Random(0)
        self._write(rows)

    def _write(self, rows: int) -> None:
        self.run.create()
        self.run.profile.write_text('[run]\ndescription = "a very long run"\n')
        # Figures are made for some places along the run, with some noise each; numbers of rows are all that is new.
        tails = [
            [encode_row(figures(level / _LEVELS, self._chance))[1:] for _ in range(_VARIANTS)]
            for level in range(_LEVELS)
        ]
        with self.run.metrics.open("wb", buffering=1 << 22) as file:
            for number in range(rows):
                if (number + 1) % STEPS_PER_EPOCH == 0:
                    file.write(encode_row(self._epoch_row(number / rows)))
                    continue
                self.step += 1
                tail = tails[number * _LEVELS // rows][number * 7 % _VARIANTS]
                file.write(self._head() + tail)
        self.rows = rows
        self.beat()

    def append(self) -> None:
        """Add one row, as a trainer does."""
        self.step += 1
        self.rows += 1
        with self.run.metrics.open("ab", buffering=0) as file:
            file.write(self._head() + encode_row(figures(1.0, self._chance))[1:])

    def beat(self) -> None:
        """Tell that the trainer lives."""
        status = Status(
            state="training",
            name=self.run.name,
            profile="long",
            started_at=self._begun,
            heartbeat=time.time(),
            phase="epoch",
            step=self.step,
            total_steps=2 * self.step,
            epoch=max(1, self._epoch),
            epochs=2 * max(1, self._epoch),
            segments_per_s=1310.0,
            best=Best(epoch=1, step=STEPS_PER_EPOCH, val_loss=0.06, val_recon_db=5.0),
            **process_identity(os.getpid()),
        )
        write_status(self.run.status, status)

    @property
    def _epoch(self) -> int:
        return -(-self.step // (STEPS_PER_EPOCH - 1))

    def _head(self) -> bytes:
        moment = self._begun + self.step * _SECONDS_PER_STEP
        return b'{"kind":"step","step":%d,"epoch":%d,"time":%.3f,' % (self.step, self._epoch, moment)

    def _epoch_row(self, progress: float) -> Row:
        row = figures(progress, self._chance)
        validation = {f"val_{name}": 1.05 * row[name] for name in ("loss", "recon", "recon_db", "kl", "kl_nats")}
        nats = [round(self._chance.expovariate(1.0), 5) for _ in range(LATENT_DIM)]
        placed = {"kind": "epoch", "step": self.step, "epoch": self._epoch}
        placed["time"] = self._begun + self.step * _SECONDS_PER_STEP
        return {**placed, **row, **validation, "active_units": LATENT_DIM, "sparsity": 0.1, "kl_per_dim": nats}


def figures(progress: float, chance: random.Random) -> Row:
    """Figures of a run that learns, after a share of it."""
    noise = chance.gauss(0.0, 0.03)
    recon = (0.06 + 0.1 * math.exp(-6 * progress)) * (1 + noise)
    beta = 1e-4 + 1e-2 * min(1.0, 3 * progress)
    kl = 1.9 * (1 - math.exp(-20 * progress)) / (1 + 45 * beta) * (1 + chance.gauss(0.0, 0.02))
    values = (
        *(recon + beta * kl, recon, 80 * recon, 0.7, kl, kl * LATENT_DIM, kl * LATENT_DIM / math.log(2) / 3),
        *(beta, beta / LATENT_DIM, 1e-3 * 0.5 * (1 + math.cos(math.pi * progress / 2))),
        *(0.35 + 0.9 * math.exp(-9 * progress) * (1 + 5 * noise), 1310.0 * (1 + noise)),
    )
    return dict(zip(FIGURES, values, strict=True))
