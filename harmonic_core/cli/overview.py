"""`harmonic status --json`: everything that the console's dashboard shows of a run, as one object for programs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harmonic_core.profile.sections import Profile
    from harmonic_core.run.directory import RunDirectory
    from harmonic_core.run.records import Row
    from harmonic_core.run.status import Device, Preparation, Status

_NEWEST = 20
"""Most events, and most refused files, that are told one by one."""
_FIRST_LOOK, _FURTHER = 1 << 18, 16
"""Bytes at the end of the metrics in which the newest rows are looked for, and how many times as many come next."""


def overview(run: RunDirectory, status: Status | None, state: str) -> dict[str, Any]:
    """What `status.json` alone does not say, or not in the dashboard's terms.

    Parameters
    ----------
    run
        The run.
    status
        What its trainer said last; None where that cannot be read.
    state
        How a reader sees it: `lost` where the trainer is gone.

    Returns
    -------
    dict
        `ran_s`, `silent_s` (seconds since the trainer was heard), `newest` (the newest row of either kind), `latent`,
        `device` and `ranks` (with the driver's figures as `board`), `samples`, `evaluation`, `case_study`, `refused`,
        `events`, `planned`. What is not known is null; what there is none of is empty.
    """
    profile = _profile(run)
    epoch = _newest_row(run, "epoch")
    return {
        "ran_s": status.heartbeat - status.started_at if status else None,
        "silent_s": _silent_s(status),
        "newest": {"step": _newest_row(run, "step"), "epoch": epoch},
        "latent": _latent(epoch),
        "samples": _samples(run),
        **_promises(run, profile, status),
        **_happenings(run, status),
        "planned": _planned(profile),
        **(_devices(status, state) if status else {}),
        **({"preparation": _preparation(status.preparation)} if status and status.preparation else {}),
    }


def _silent_s(status: Status | None) -> float | None:
    from harmonic_core.run.status import ACTIVE_STATES

    going_on = status is not None and status.state in ACTIVE_STATES
    return max(0.0, time.time() - status.heartbeat) if status and going_on else None


def _preparation(told: Preparation) -> dict[str, Any]:
    return {**told.model_dump(), "progress": told.progress}


def _newest_row(run: RunDirectory, kind: str) -> Row | None:
    """The newest row of a kind, however far back: between two epochs there may be many steps."""
    from harmonic_core.run.records import last_row

    try:
        size = run.metrics.stat().st_size
    except OSError:
        return None
    reach = _FIRST_LOOK
    while (row := last_row(run.metrics, kind, reach)) is None and reach < size:
        reach *= _FURTHER
    return row


def _latent(epoch: Row | None) -> dict[str, Any]:
    told = epoch or {}
    by_dimension = told.get("kl_per_dim")
    kl = by_dimension if isinstance(by_dimension, list) else []
    known = [nats for nats in kl if isinstance(nats, (int, float)) and math.isfinite(nats)]
    return {
        "dimensions": len(kl) or None,
        "active_units": told.get("active_units"),
        "sparsity": told.get("sparsity"),
        "largest_kl": max(known, default=None),
    }


def _samples(run: RunDirectory) -> dict[str, Any]:
    """The newest set of sounds, with the path of every take."""
    from harmonic_core.run.samples import read_samples, sample_path, sample_steps

    steps = sample_steps(run)
    newest = read_samples(run, steps[-1]) if steps else []
    told = [
        {**sample.model_dump(), "files": {take: str(sample_path(run, sample, take)) for take in sample.files}}
        for sample in newest
    ]
    return {"sets": len(steps), "step": steps[-1] if steps else None, "newest": told}


def _promises(run: RunDirectory, profile: Profile | None, status: Status | None) -> dict[str, Any]:
    """What the run measured of itself last, and how far the profile's promises are kept."""
    from harmonic_core.run.case_study import goals
    from harmonic_core.run.evaluations import read_evaluations

    reports = read_evaluations(run)
    report = reports[-1] if reports else None
    promised = goals(report, profile.case_study.model_dump(), profile.train.epochs) if profile else []
    kept = sum(goal.standing == "reached" for goal in promised)
    return {
        "evaluation": report.model_dump() if report else None,
        "next_evaluation_epoch": _next_evaluation(profile, status) if report is None else None,
        "case_study": {"reached": kept, "promised": len(promised), "goals": [asdict(goal) for goal in promised]},
    }


def _next_evaluation(profile: Profile | None, status: Status | None) -> int | None:
    """Epoch at whose end a live run measures itself for the first time; None where it never does."""
    from harmonic_core.run.status import ACTIVE_STATES

    goes_on = status is not None and status.state in ACTIVE_STATES
    if profile is None or status is None or not goes_on or not profile.evaluation.evaluation_share:
        return None
    every = profile.output.checkpoint_every
    return min(every * math.ceil(max(1, status.epoch) / every), max(1, profile.train.epochs)) if every else None


def _happenings(run: RunDirectory, status: Status | None) -> dict[str, Any]:
    """The newest events, and apart from them the files that this start of the run refused, each once."""
    from harmonic_core.run.records import read_rows

    rows = read_rows(run.events)
    refused = _refused(rows, status.started_at if status else -math.inf)
    others = [row for row in rows if row.get("kind") != "refused"]
    return {
        "events": others[-_NEWEST:],
        "refused": {"files": len(refused), "newest": list(refused.values())[-_NEWEST:]},
    }


def _refused(rows: Iterable[Row], since: float) -> dict[str, Row]:
    told = {}
    for row in rows:
        moment = row.get("time")
        if row.get("kind") == "refused" and not (isinstance(moment, (int, float)) and moment < since):
            told[str(row.get("title") or row.get("message"))] = row
    return told


def _planned(profile: Profile | None) -> dict[str, Any]:
    """What the profile says that the dashboard measures by."""
    from harmonic_core.profile.music import music_folders

    if profile is None:
        return {"grad_accum_steps": None, "epochs": None, "music": []}
    return {
        "grad_accum_steps": profile.train.grad_accum_steps,
        "epochs": profile.train.epochs,
        "music": [{"kind": kind, "folder": str(folder)} for kind, folder in music_folders(profile.data)],
    }


def _devices(status: Status, state: str) -> dict[str, Any]:
    """The devices with what the driver says of them now; it is asked where the trainer is at work on this host."""
    from harmonic_core.run.board import Board, BoardReader, memory_of_others, read_boards
    from harmonic_core.run.status import ACTIVE_STATES

    reader = BoardReader()
    try:
        boards = read_boards(status, reader, active=state in ACTIVE_STATES)
    finally:
        reader.close()

    def told(device: Device, board: Board | None) -> dict[str, Any]:
        return {
            **device.model_dump(),
            "fragmentation": device.fragmentation,
            "others_bytes": memory_of_others(device, board),
            "board": asdict(board) if board is not None else None,
        }

    return {
        "device": told(status.device, boards.get(status.device.uuid or "")),
        "ranks": [
            {**rank.model_dump(), "device": told(rank.device, boards.get(rank.device.uuid or ""))}
            for rank in status.ranks
        ],
    }


def _profile(run: RunDirectory) -> Profile | None:
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import load

    try:
        return load(run.profile)
    except ProfileError:
        return None
