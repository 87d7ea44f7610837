"""`harmonic runs` and `status`: what runs there are, and how they are."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory

_FOLLOW_S = 1.0

RunName = Annotated[str, typer.Argument(metavar="RUN", help="Path of a run, or its name below runs/ or output/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs to a command line."""
    app.command("runs")(list_all)
    app.command("status")(status)


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
        said = _preparation(each) or (each.get("verdict") or {}).get("sentence", "")
        rows.append((each["path"], _state(each), f"{each['epoch']}/{each['epochs']}", figure, heard, said))
    for line in _columns(rows):
        typer.echo(line)


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
        # The heartbeat alone is no news.
        news = json.dumps({**summary, "heartbeat": None, "device": None, "ranks": None})
        if news != shown:
            typer.echo(_everything(summary, directory) if as_json else _in_words(summary, directory))
            shown = news
        if not follow or summary["state"] not in ACTIVE_STATES:
            return
        time.sleep(_FOLLOW_S)


def _summary(run: RunDirectory) -> dict[str, Any]:
    """Everything that is known of a run now, safe to print."""
    from harmonic_core.run.records import last_row
    from harmonic_core.run.status import read_status, seen_state

    found = read_status(run.status)
    nothing = {"epoch": 0, "epochs": 0, "heartbeat": None, "best": None}
    known = {**found.model_dump(), "progress": found.progress, "stage": found.stage} if found else nothing
    summary: dict[str, Any] = _plain(
        {
            **known,
            "path": str(run.path),
            "state": seen_state(found) if found else "unknown",
            "metrics": last_row(run.metrics, "epoch") or last_row(run.metrics, "step"),
        }
    )
    return summary


def _everything(summary: dict[str, Any], run: RunDirectory) -> str:
    """The summary and whatever else the dashboard shows, as JSON."""
    from harmonic_core.cli.overview import overview
    from harmonic_core.run.status import read_status

    return json.dumps(_jsonable({**summary, **_plain(overview(run, read_status(run.status), summary["state"]))}))


def _plain(value: Any) -> Any:
    """The same with every string in it, however deep, made safe to print."""
    from harmonic_core.text import plain

    match value:
        case str():
            return plain(value, 400)
        case dict():
            return {plain(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


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


def _state(summary: dict[str, Any]) -> str:
    """The state; of a paused run with what it waits for: `paused: disk full`."""
    why = summary.get("why") if summary["state"] == "paused" else ""
    return f"paused: {why}" if why else str(summary["state"])


def _in_words(summary: dict[str, Any], run: RunDirectory) -> str:
    lines = [f"{summary['path']}: {_state(summary)}", *_progress(summary)]
    if best := summary["best"]:
        beaten = summary.get("mean_spectrum_db")
        against = f" (mean spectrum: {beaten:.2f} dB)" if beaten else ""
        lines.append(f"  best validation error {best['val_recon_db']:.2f} dB at epoch {best['epoch']}{against}")
    lines += [f"  {line}" for line in (*_steered(summary), *_ranks(summary), *_mishaps(summary, run))]
    if verdict := summary.get("verdict"):
        lines.append(f"  {verdict['sentence']}")
        lines += [f"    {said}" for said in (verdict["evidence"], verdict["action"]) if said]
    if summary.get("message"):
        lines.append(f"  {summary['message']}")
    return "\n".join(lines)


def _progress(summary: dict[str, Any]) -> list[str]:
    from harmonic_core.run.words import duration

    lines = []
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
    return lines


def _steered(summary: dict[str, Any]) -> list[str]:
    """What somebody changed under way: `by hand: learning rate 0.0005, beta 0.02`; nothing where nobody did."""
    from harmonic_core.profile.steering import SETTINGS

    steered = summary.get("steered") or {}
    told = [f"{each.label} {each.shown(steered[each.leaf])}" for each in SETTINGS.values() if each.leaf in steered]
    return [f"by hand: {', '.join(told)}"] if told else []


def _ranks(summary: dict[str, Any]) -> list[str]:
    """A line a rank where there are several: where it computes, its memory, its speed."""
    from harmonic_core.run.words import UNKNOWN

    ranks = summary.get("ranks") or []
    if len(ranks) < 2:
        return []
    rows = [
        (
            f"rank {each['rank']}",
            each["host"] or UNKNOWN,
            each["device"]["name"] or each["device"]["kind"],
            _memory(each["device"]),
            UNKNOWN if each["segments_per_s"] is None else f"{each['segments_per_s']:.0f} segments/s",
        )
        for each in ranks
    ]
    return _columns(rows, right={3, 4})


def _memory(device: dict[str, Any]) -> str:
    """What tensors hold of the card, or the process of the machine: `11.2 of 79.6 GiB`."""
    from harmonic_core.run.words import UNKNOWN

    held = device["allocated_bytes" if device["kind"] == "cuda" else "resident_bytes"]
    known = [UNKNOWN if size is None else f"{size / 2**30:.1f}" for size in (held, device["total_bytes"])]
    return f"{' of '.join(known)} GiB"


def _mishaps(summary: dict[str, Any], run: RunDirectory) -> list[str]:
    """What training had to do without, a line each; nothing where all went well."""
    from harmonic_core.run.words import count

    lines = []
    if skipped := summary.get("skipped_steps"):
        updates = "update was" if skipped == 1 else "updates were"
        lines.append(f"{count(skipped)} {updates} skipped: loss or gradient was not finite")
    if back := summary.get("rollbacks"):
        lines.append(f"went back to an earlier checkpoint {'once' if back == 1 else f'{count(back)} times'}")
    parts = summary.get("grad_accum_steps", 1)
    if parts > 1 and parts > (_planned_parts(run) or parts):
        lines.append(f"memory ran out: every batch is now computed in {count(parts)} parts")
    return lines


def _planned_parts(run: RunDirectory) -> int | None:
    """Parts of a batch in the run's profile; None where that cannot be read."""
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import load

    try:
        return load(run.profile).train.grad_accum_steps
    except ProfileError:
        return None


def _columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Lines of a table; columns in `right` are flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
