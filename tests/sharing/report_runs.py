"""Runs as their files say them, made up for reports: no training, whatever strings a test wants."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from harmonic_core.profile.resolve import resolve
from harmonic_core.profile.write import to_toml
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import encode_row
from harmonic_core.run.stars import Spot, Star, keep_star
from harmonic_core.run.status import Best, Status, Verdict, process_identity, write_status

RATE = 8000
STARTED_AT = 1_700_000_000.0
VERDICT = Verdict(
    kind="plateau", sentence="Plateau since epoch 4.", evidence="Held-out error 5.00 dB.", action="Listen to it."
)


@contextmanager
def no_bar(total: float) -> Iterator[Callable[[float, str], None]]:
    """What shows no progress."""
    yield lambda done, words: None


def epoch_row(epoch: int, **figures: Any) -> dict[str, Any]:
    """The row that closes an epoch of ten updates."""
    error = 4.0 + 4.0 * math.exp(-epoch / 4)
    return {
        "kind": "epoch",
        "step": 10 * epoch,
        "epoch": epoch,
        "loss": error / 80,
        "val_loss": error / 75,
        "recon_db": error,
        "val_recon_db": error + 0.5,
        "kl_nats": 20.0,
        "val_kl_nats": 19.0,
        "val_kl_bits_per_s": 27.4,
        "kl_per_dim": [4.0, 2.0, 1.0, 0.5],
        "beta": 0.001,
        "learning_rate": 1e-3,
        "grad_norm": 0.5,
        "active_units": 4,
        "sparsity": 0.25,
        "mean_spectrum_db": 11.0,
        **figures,
    }


def make_run(
    path: Path,
    *,
    rows: Iterable[dict[str, Any]] | None = None,
    settings: Sequence[str] = (),
    events: Iterable[dict[str, Any]] = (),
    title: str = "a song at 0 s",
    steps: Sequence[int] = (100,),
    **status: Any,
) -> RunDirectory:
    """A run of ten epochs, with samples at `steps` and further fields of its status."""
    run = RunDirectory(path)
    run.create()
    profile = resolve(None, settings=["model.latent_dim=4", *settings], environ={}).profile
    run.profile.write_text(to_toml(profile))
    written = [epoch_row(epoch) for epoch in range(1, 11)] if rows is None else rows
    run.metrics.write_bytes(b"".join(map(encode_row, written)))
    run.events.write_bytes(b"".join(map(encode_row, events)))
    told = {
        "state": "finished",
        "name": path.name,
        "profile": "demo",
        **process_identity(1),
        "started_at": STARTED_AT,
        "heartbeat": STARTED_AT + 600,
        "step": 100,
        "epoch": 10,
        "epochs": 10,
        "best": Best(epoch=10, step=100, val_loss=0.05, val_recon_db=4.83),
        "verdict": VERDICT,
        "mean_spectrum_db": 11.0,
        "message": "all 10 epochs done",
        **status,
    }
    write_status(run.status, Status(**told))
    for step in steps:
        make_samples(run, step, title)
    return run


def make_samples(run: RunDirectory, step: int, title: str) -> None:
    """One draw and one reconstruction, each take a tone of its own pitch, two seconds long."""
    folder = run.samples / f"step-{step:08d}"
    folder.mkdir(parents=True)
    takes = {"prior": 200, "original": 300, "decoded": 400, "reconstruction": 500}
    for kind, stem, members in (
        ("prior", "prior", ["prior"]),
        ("reconstruction", "recon", ["original", "decoded", "reconstruction"]),
    ):
        files = {take: f"{stem}-0.{take}.wav" for take in members}
        for take, name in files.items():
            tone = 0.3 * np.sin(2 * np.pi * takes[take] * np.arange(2 * RATE) / RATE)
            soundfile.write(folder / name, tone, RATE, subtype="PCM_16")
        record = {
            "kind": kind,
            "index": 0,
            "step": step,
            "epoch": step // 10,
            "title": "prior 1" if kind == "prior" else title,
            "files": files,
            "duration_s": 2.0,
            "level_db": dict.fromkeys(members, -13.0),
            "envelope": [0.5],
            "recon_db": None if kind == "prior" else 4.321,
            "decoded_db": None if kind == "prior" else 0.654,
        }
        (folder / f"{stem}-0.json").write_text(json.dumps(record))


def star(run: RunDirectory, step: int, *, note: str = "", starred: bool = True, title: str = "") -> None:
    """Mark the reconstruction of a step."""
    spot = Spot(step, "reconstruction", 0)
    keep_star(run, Star(step=spot.step, kind=spot.kind, index=0, starred=starred, note=note, title=title))
