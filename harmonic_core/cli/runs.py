"""`harmonic runs`, `status` and `control`: what runs there are, how they are, and what they should do."""

from __future__ import annotations

import json
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory

_FOLLOW_S = 1.0

RunName = Annotated[str, typer.Argument(metavar="RUN", help="Path of a run, or its name below runs/ or output/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class ControlCommand(StrEnum):
    """What a trainer can be asked for."""

    stop = "stop"
    pause = "pause"
    resume = "resume"
    checkpoint = "checkpoint"
    sample = "sample"


def add_to(app: typer.Typer) -> None:
    """Add the verbs to a command line."""
    app.command("runs")(list_all)
    app.command("status")(status)
    app.command("control")(control)


def list_all(
    root: Annotated[list[Path] | None, typer.Option(help="Folder to look through. Default: runs and output.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs, the newest first."""
    from harmonic_core.run.directory import RUN_ROOTS, list_runs

    summaries = [_summary(run) for run in list_runs(root or RUN_ROOTS)]
    if as_json:
        typer.echo(json.dumps([_jsonable(summary) for summary in summaries], indent=2))
        return
    if not summaries:
        typer.echo("There are no runs yet. `harmonic train demo` starts one.", err=True)
        return
    rows = [("RUN", "STATE", "EPOCH", "BEST", "LAST HEARD", "")]
    for each in summaries:
        best = each["best"]
        heard = datetime.fromtimestamp(each["heartbeat"]).strftime("%Y-%m-%d %H:%M") if each["heartbeat"] else "n/a"
        figure = f"{best['val_recon_db']:.2f} dB" if best else "n/a"
        rows.append(
            (each["path"], each["state"], f"{each['epoch']}/{each['epochs']}", figure, heard, _preparation(each))
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def status(
    run: RunName,
    as_json: AsJson = False,
    follow: Annotated[bool, typer.Option("--follow", help="Print again whenever it changes, until the end.")] = False,
) -> None:
    """Say how a run is."""
    from harmonic_core.run.directory import open_run
    from harmonic_core.run.status import ACTIVE_STATES

    directory, shown = open_run(run), ""
    while True:
        summary = _summary(directory)
        text = json.dumps(_jsonable(summary)) if as_json else _in_words(summary)
        # The heartbeat alone is no news.
        news = json.dumps({**summary, "heartbeat": None, "device": None})
        if news != shown:
            typer.echo(text)
            shown = news
        if not follow or summary["state"] not in ACTIVE_STATES:
            return
        time.sleep(_FOLLOW_S)


def control(
    run: RunName,
    command: Annotated[ControlCommand, typer.Argument(help="What it should do, at its next step.")],
) -> None:
    """Tell a running trainer to stop, pause, resume, write a checkpoint or make samples."""
    from harmonic_core.run.control import send_command
    from harmonic_core.run.directory import open_run

    directory = open_run(run)
    send_command(directory, command.value)
    typer.echo(f"{directory.name}: asked to {command.value}", err=True)


def _summary(run: RunDirectory) -> dict[str, Any]:
    """Everything that is known of a run now, safe to print."""
    from harmonic_core.run.records import last_row
    from harmonic_core.run.status import read_status, seen_state
    from harmonic_core.text import plain

    found = read_status(run.status)
    nothing = {"epoch": 0, "epochs": 0, "heartbeat": None, "best": None}
    known = {**found.model_dump(), "progress": found.progress, "stage": found.stage} if found else nothing
    texts: dict[str, Any] = {key: plain(value, 400) for key, value in known.items() if isinstance(value, str)}
    if found and found.preparation:
        told = found.preparation
        texts["preparation"] = {**told.model_dump(), "label": plain(told.label)}
    return {
        **known,
        **texts,
        "path": plain(str(run.path)),
        "state": seen_state(found) if found else "unknown",
        "metrics": last_row(run.metrics, "epoch") or last_row(run.metrics, "step"),
    }


def _jsonable(summary: dict[str, Any]) -> object:
    """The summary with NaN and infinities as words, as the run's own files have them: JSON knows no such numbers."""
    from harmonic_core.run.records import encode_row

    return json.loads(encode_row(summary))


def _preparation(summary: dict[str, Any]) -> str:
    """How far the music is; nothing once training has begun."""
    from harmonic_core.run import words
    from harmonic_core.run.status import Preparation

    if summary["epoch"] or not summary.get("preparation"):
        return ""
    told = Preparation.model_validate(summary["preparation"])
    return words.preparation(told, going_on=summary["state"] == "preparing")


def _in_words(summary: dict[str, Any]) -> str:
    from harmonic_core.run.words import duration

    lines = [f"{summary['path']}: {summary['state']}"]
    if music := _preparation(summary):
        lines.append(f"  {music}")
    elif "total_steps" in summary:
        lines.append(
            f"  epoch {summary['epoch']} of {summary['epochs']} ({summary['stage']} stage), "
            f"step {summary['step']} of {summary['total_steps']}, {summary['progress']:.0%}"
        )
    if summary.get("phase") and summary["state"] == "preparing":
        lines.append(f"  {summary['phase']}")
    if summary.get("eta_s") is not None:
        lines.append(f"  {summary['segments_per_s'] or 0:.0f} segments/s, {duration(summary['eta_s'])} to go")
    if best := summary["best"]:
        beaten = summary.get("mean_spectrum_db")
        against = f" (mean spectrum: {beaten:.2f} dB)" if beaten else ""
        lines.append(f"  best validation error {best['val_recon_db']:.2f} dB at epoch {best['epoch']}{against}")
    if summary.get("message"):
        lines.append(f"  {summary['message']}")
    return "\n".join(lines)
