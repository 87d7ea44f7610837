"""Trials of a study as lines that can be read at 80 columns."""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.run.studies import Objective, Study, Trial

_MARGIN = 6
_ROOMY = 110
"""Columns of a terminal that has room for long stages."""
_LONGEST_REASON = 600
_HEADINGS = {"recon_db": "ERROR", "mel_fd": "MEL-FD"}


def width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def columns(rows: Sequence[Sequence[str]], left: Iterable[int] = (0,)) -> list[str]:
    """Rows of equal length with their cells below each other, to the right but for the columns `left`."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    to_left = set(left)
    return [
        "  ".join(
            cell.ljust(room) if place in to_left else cell.rjust(room)
            for place, (cell, room) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def figure(value: float | None) -> str:
    """Three figures at least, and none behind the point from 100 on; a dash where there is no value."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


def heading(objective: Objective) -> str:
    """Name of an objective's column, with its unit."""
    name = _HEADINGS.get(objective.name, plain(objective.name, 16).upper())
    return f"{name} {plain(objective.unit, 12)}".strip()


def chosen(trial: Trial) -> list[str]:
    """What was chosen for a trial, as `latent_dim=64`, numbers rounded."""
    return [
        plain(
            f"{key.rpartition('.')[2]}={value:.3g}"
            if isinstance(value, float)
            else f"{key.rpartition('.')[2]}={str(value).replace(', ', ',')}",
            80,
        )
        for key, value in trial.params.items()
    ]


def trial_lines(study: Study, trials: Sequence[Trial], directory: Path) -> list[str]:
    """A line a trial under the names of the columns, its settings behind or below, and why it ended.

    The recommended one has a ◆, others of the front a ◇.
    """
    from harmonic_core.tuning.best import front_of, recommended

    if not trials:
        return []
    best, front = recommended(study), front_of(study)
    objectives = study.objectives or (study.objective,)
    staged = any(trial.stage for trial in trials)
    names = ["", "#", "STATE", *map(heading, objectives), "KL nats", "EPOCH", *(["STAGE"] if staged else [])]
    rows = [names]
    for trial in trials:
        sign = "◆" if trial == best else "◇" if trial in front and len(front) > 1 else ""
        figures = [figure(trial.values.get(each.name)) for each in objectives]
        stage = [_stage(trial)] if staged else []
        state, epoch = _state(trial, directory)
        rows.append([sign, str(trial.number), state, *figures, figure(trial.kl_nats), epoch, *stage])
    lines = columns(rows, left=(0, 2, len(names) - 1) if staged else (0, 2))
    room = width() - max(map(len, lines)) - 3
    longest = max((len("  ".join(chosen(trial))) for trial in trials), default=0)
    beside, ample = longest <= room, max(map(len, lines))
    told = [f"{lines[0]:<{ample}}   CHOSEN" if beside else lines[0]]
    for trial, line in zip(trials, lines[1:], strict=True):
        settings = chosen(trial)
        told.append(f"{line:<{ample}}   {'  '.join(settings)}".rstrip() if beside else line)
        told += [] if beside else _below(settings)
        told += wrapped(_remarks(trial), " " * _MARGIN)
    return told


def wrapped(text: str, name: str = "") -> list[str]:
    """Text on as many lines as it needs, all as far from the left as `name` before the first is long."""
    return textwrap.wrap(text, width(), initial_indent=name, subsequent_indent=" " * len(name)) if text else []


def counted(trials: Sequence[Trial]) -> dict[str, int]:
    """Number of trials in each state that there are any in."""
    states = ("complete", "pruned", "failed", "interrupted", "running")
    numbers: Mapping[str, int] = {state: sum(trial.state == state for trial in trials) for state in states}
    return {state: number for state, number in numbers.items() if number}


def _below(settings: Sequence[str]) -> list[str]:
    """Settings on as many lines as they need, none of them broken."""
    lines = [""]
    for setting in settings:
        if lines[-1] and len(lines[-1]) + 2 + len(setting) > width() - _MARGIN:
            lines.append("")
        lines[-1] += f"  {setting}" if lines[-1] else setting
    return [" " * _MARGIN + line for line in lines if line]


def _stage(trial: Trial) -> str:
    """The stage, without what it is about where there is no room for that."""
    stage = plain(trial.stage, 40)
    return stage if width() >= _ROOMY else stage.partition(" ")[0]


def _remarks(trial: Trial) -> str:
    parts = [plain(trial.reason, _LONGEST_REASON)] if trial.reason else []
    if trial.worker is not None:
        parts.append(f"supervised by process {trial.worker.pid} on {plain(trial.worker.host, 60)}")
    if trial.retry_of is not None:
        parts.append(f"trial {trial.retry_of} taken up again")
    return "; ".join(parts)


def _state(trial: Trial, directory: Path) -> tuple[str, str]:
    """State, and the epoch; of a trial that runs as its run says."""
    from harmonic_core.run.status import read_status
    from harmonic_core.run.studies import trial_run

    run = trial_run(directory, trial) if trial.state == "running" else None
    status = read_status(run.status) if run else None
    if status is not None:
        return trial.state, f"{status.epoch}/{status.epochs}"
    return trial.state, str(trial.epoch or "–")
