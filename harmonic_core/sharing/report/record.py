"""Everything that the files of a run say, read once: a trainer may be writing them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from harmonic_core.errors import ProfileError, RunError
from harmonic_core.profile.resolve import load
from harmonic_core.profile.sections import Profile
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.evaluations import Report, read_evaluations
from harmonic_core.run.music import Music, read_music
from harmonic_core.run.origin import read_starts
from harmonic_core.run.records import Row, read_rows
from harmonic_core.run.stars import Spot, Star, read_stars
from harmonic_core.run.status import Status, read_status, seen_state
from harmonic_core.text import plain

_KNOWN_VERSION = 1
_MOST_STEPS = 2**53


@dataclass(frozen=True)
class Record:
    """What is known of a run. What its files do not say is None or empty.

    Attributes
    ----------
    run
        Where it lies.
    status, state
        What its trainer said last, and how a reader sees it: `lost` where the trainer is gone, `unknown` where nothing
        is said.
    profile
        What it was trained by.
    rows
        Rows of figures, of either kind, oldest first; those that were written anew after a resume count once.
    events, starts
        What happened, and each start of a trainer.
    music, evaluations, stars
        What it trains on, what it measured of itself, what a listener thinks of its samples.
    missing
        What should be there and is not, or cannot be read, a sentence each.
    """

    run: RunDirectory
    status: Status | None
    state: str
    profile: Profile | None
    rows: list[Row]
    events: list[Row]
    starts: list[dict[str, Any]]
    music: Music | None
    evaluations: list[Report]
    stars: dict[Spot, Star]
    missing: list[str]


def read_record(run: RunDirectory) -> Record:
    """Read a run, live or over.

    Raises
    ------
    RunError
        If a newer version made it.
    ProfileError
        If its profile is there but cannot be understood.
    """
    _refuse_newer(run)
    missing: list[str] = []
    status = read_status(run.status)
    if status is None:
        missing.append("status.json says nothing that can be understood: how the run ended is not known.")
    profile = _profile(run)
    if profile is None:
        missing.append("profile.toml is missing: what the run was trained with is not known.")
    rows = _in_order(read_rows(run.metrics))
    if not rows:
        missing.append("No figures yet: metrics.jsonl has no rows.")
    starts = [start for start in read_starts(run) if isinstance(start, dict)]
    if not starts:
        missing.append("origin.json says nothing: command and versions are not known.")
    try:
        stars = read_stars(run)
    except RunError:
        stars = {}
        missing.append("stars.json cannot be understood: stars and notes are left out.")
    return Record(
        run=run,
        status=status,
        state=seen_state(status) if status else "unknown",
        profile=profile,
        rows=rows,
        events=read_rows(run.events),
        starts=starts,
        music=read_music(run),
        evaluations=read_evaluations(run),
        stars=stars,
        missing=missing,
    )


def _refuse_newer(run: RunDirectory) -> None:
    try:
        version = json.loads(run.status.read_bytes()).get("version", _KNOWN_VERSION)
    except (OSError, ValueError, AttributeError, RecursionError):
        return
    if isinstance(version, int) and version > _KNOWN_VERSION:
        raise RunError(
            f"{plain(str(run.path), 400)}: made by a newer version (its status.json is of version {version}, this "
            f"program knows {_KNOWN_VERSION}); make the report with the program that trained it"
        )


def _profile(run: RunDirectory) -> Profile | None:
    if not run.profile.exists():
        return None
    try:
        return load(run.profile)
    except ProfileError as error:
        reason = " ".join(str(error).split())
        raise ProfileError(
            f"{plain(reason, 800)} If another version wrote it, make the report with the program that trained the run"
        ) from None


def _in_order(rows: list[Row]) -> list[Row]:
    """Rows with a step, each step of a kind once: what comes again takes the place of the earlier and what followed."""
    kept: list[Row] = []
    for written in rows:
        step = written.get("step")
        if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < _MOST_STEPS:
            continue
        row = {name: math.inf if _is_endless(value) else value for name, value in written.items()}
        while kept and (kept[-1]["step"] > step or (kept[-1]["step"], kept[-1].get("kind")) == (step, row.get("kind"))):
            kept.pop()
        kept.append(row)
    return kept


def _is_endless(value: object) -> bool:
    """Whether a whole number is beyond what any calculation can take."""
    return isinstance(value, int) and abs(value) > _MOST_STEPS
