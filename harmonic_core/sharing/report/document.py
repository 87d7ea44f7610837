"""The page of a run, put together: everything that is known of it into one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from harmonic_core import __version__
from harmonic_core.profile.music import music_folders
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.words import count, size
from harmonic_core.sharing.report import figures, latent, provenance, sounds
from harmonic_core.sharing.report.curves import curves, epochs_closed
from harmonic_core.sharing.report.record import Record, read_record
from harmonic_core.sharing.report.render import render
from harmonic_core.sharing.report.shareable import Shareable
from harmonic_core.sharing.report.words import hundredths, moment

_MARKED = "Marked by a listener"
_PARTS = {
    "verdict": "Verdict",
    "curves": "Curves",
    "samples": "Samples",
    "latent": "Latent space",
    "measured": "Measured",
    "profile": "Profile",
    "events": "What happened",
    "environment": "Environment",
    "made": "How it was made",
}
_SHAPES = (
    "M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0-4.5 0Z",
    "M-4-4H4V4H-4Z",
    "M0-5L4.8 3.6H-4.8Z",
    "M0-5.4L4.6 0L0 5.4L-4.6 0Z",
    "M0 5L4.8-3.6H-4.8Z",
    "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
    "M0-5L4.8-1.5L2.9 4.1H-2.9L-4.8-1.5Z",
    "M-5-2.5H5V2.5H-5Z",
    "M-2.5-5H2.5V5H-2.5Z",
    "M0-5.5L1.5-1.5L5.5 0L1.5 1.5L0 5.5L-1.5 1.5L-5.5 0L-1.5-1.5Z",
    "M-2.6 0A2.6 2.6 0 1 0 2.6 0A2.6 2.6 0 1 0-2.6 0Z",
)
"""Of the groups on the map, so that they differ for those who see no colours, too; the last for all others."""
_STANDINGS = {"reached": ("✓", "good"), "not yet": ("…", "muted"), "missed": ("✗", "look"), "unknown": ("–", "muted")}


@dataclass(frozen=True)
class Page:
    """A page, and what is on it."""

    html: bytes
    samples: int
    """Samples that are shown."""
    sound_bytes: int
    """Of the page, how much is sound and its pictures."""
    missing: list[str]
    """What could not be shown, a sentence each."""


def make_page(
    run: RunDirectory,
    now: datetime,
    *,
    steps: sounds.Steps | None = None,
    with_map: bool = True,
    tell: Callable[[str], None] = lambda line: None,
    watch: latent.Watch,
    stopped: Callable[[], bool] = lambda: False,
) -> Page:
    """Make the page of a run, live or over. The same run gives the same page but for the time.

    Parameters
    ----------
    run
        Nothing is written there.
    now
        When the page is made.
    steps
        Which samples are shown; by default those that a listener marked and the best or newest set.
    with_map
        Whether to load weights and music for the map of the latent space.
    tell, watch
        Get to know what goes on: lines, and how much of it is done.
    stopped
        Asked now and then.

    Raises
    ------
    HarmonicError
        If a newer version made the run, or its profile cannot be understood.
    StoppedError
        If `stopped` says so.
    """
    record = read_record(run)
    shareable = Shareable(_folders(record))
    missing = list(record.missing)
    shown = _samples(record, steps, shareable, watch, stopped)
    drawn = latent.latent_map(run, shareable, tell, watch, stopped, wanted=with_map)
    if drawn.reason and with_map:
        missing.append(f"No map of the latent space by track: {drawn.reason}")
    context = {
        **_head(record),
        **_charts(record),
        **_sounds(record, shown, steps),
        **_latent(record, drawn, shareable),
        **_settings(record, shareable),
        "missing": record.missing,
        "evaluation": figures.evaluation_of(record),
        "goals": [_goal(goal) for goal in figures.goals_of(record)],
        "happened": provenance.happened(record.events, shareable),
        "environment": provenance.environment(record, shareable),
    }
    encoded = sum(len(take.audio) + len(take.image) for each in shown for take in each.takes)
    made = _made(record, shareable, now, encoded)
    html = render({**context, "made": made}, shareable)
    return Page(html, len(shown), encoded, missing)


def _samples(
    record: Record,
    steps: sounds.Steps | None,
    shareable: Shareable,
    watch: latent.Watch,
    stopped: Callable[[], bool],
) -> list[sounds.SampleShown]:
    from harmonic_core.training.signals import StoppedError

    spots = sounds.choose(record, steps)
    shown: list[sounds.SampleShown] = []
    with watch(max(1, len(spots))) as move:
        for each in sounds.show(record, spots, shareable, lambda done, title: move(done, f"encoding {title}")):
            if stopped():
                raise StoppedError
            shown.append(each)
    return shown


def _folders(record: Record) -> list[Path]:
    """Folders whose names stay here."""
    told = [start.get("directory") for start in record.starts]
    folders = [record.run.path.absolute(), *map(Path, filter(None, (str(each or "") for each in told)))]
    if record.profile:
        data, train = record.profile.data, record.profile.train
        folders += [folder for _, folder in music_folders(data)]
        folders += [path.parent for path in (data.cache_dir, train.resume_from) if path is not None]
    # A blank would end a path in the middle of a text; a word of a command is one as a whole.
    words = [str(word).rpartition("=")[2] for start in record.starts for word in _list(start.get("argv"))]
    return [*folders, *(Path(word).parent for word in words if word.startswith("/"))]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _head(record: Record) -> dict[str, Any]:
    verdict, hue = figures.verdict_of(record)
    sign, state_hue = figures.STATES.get(record.state, ("?", "look"))
    status = record.status
    facts = []
    if status:
        facts += [f"profile {status.profile}"] if status.profile else []
        facts += [f"started {moment(status.started_at)}", f"last heard {moment(status.heartbeat)}"]
    return {
        "name": record.run.name,
        "description": record.profile.run.description if record.profile else "",
        "state": record.state,
        "state_sign": sign,
        "state_hue": state_hue,
        "state_words": figures.state_words(record),
        "facts": facts,
        "parts": list(_PARTS.items()),
        "verdict": verdict,
        "verdict_hue": hue,
        "figures": figures.key_figures(record),
    }


def _charts(record: Record) -> dict[str, Any]:
    plots = curves(record.rows, record.profile.model.latent_dim if record.profile else None)
    return {
        "plots": plots,
        "charts_data": [[{"name": line.name, "points": line.points} for line in plot.lines] for plot in plots],
        "epochs_data": epochs_closed(record.rows),
    }


def _sounds(record: Record, shown: Sequence[sounds.SampleShown], steps: sounds.Steps | None) -> dict[str, Any]:
    """Samples in groups: marked ones apart, and every set's pairs before its draws."""
    groups: list[dict[str, Any]] = []

    def add(title: str, words: str, members: list[sounds.SampleShown], layout: str) -> None:
        if members:
            first = sum(len(group["samples"]) for group in groups)
            placed = len({each.step for each in members}) > 1 or title == _MARKED
            groups.append(
                {"title": title, "words": words, "samples": members, "layout": layout, "first": first, "placed": placed}
            )

    marked = [each for each in shown if each.starred or each.note]
    if steps in {None, "starred"}:
        add(_MARKED, "Starred samples and such with a note.", marked, "pairs")
        shown = [each for each in shown if each not in marked]
    for step in dict.fromkeys(each.step for each in shown):
        of_step = [each for each in shown if each.step == step]
        epoch = next((each.epoch for each in of_step if each.epoch is not None), None)
        when = f"Epoch {epoch}, step {count(step)}" if epoch is not None else f"Step {count(step)}"
        if record.status and record.status.best and record.status.best.step == step:
            when += ", the best so far"
        pairs = [each for each in of_step if each.kind == "reconstruction"]
        draws = [each for each in of_step if each.kind == "prior"]
        add(
            f"{when}: originals and reconstructions",
            "Held-out music as it is, the same through mels and vocoder alone, and through the model. Beside each its "
            "mean absolute log-mel error.",
            pairs,
            "pairs",
        )
        add(f"{when}: drawn from the prior", "New sounds, from noise.", draws, "many")
    none = "The run has written no samples yet; they come with its checkpoints."
    if steps == "starred":
        none = "No sample is starred, and none has a note. The console's samples screen gives stars."
    return {
        "groups": groups,
        "no_samples": none,
        "samples_words": "Level" if groups else "",
    }


def _latent(record: Record, drawn: latent.MapShown, shareable: Shareable) -> dict[str, Any]:
    strip = latent.strip([row for row in record.rows if row.get("kind") == "epoch"])
    return {
        "map": drawn,
        "shapes": _SHAPES,
        "some_held_out": any(point.held_out for point in drawn.points),
        "some_learnt": any(not point.held_out for point in drawn.points),
        "strip": strip,
        "strip_data": [[cell.dimension, cell.words] for cell in strip.cells] if strip else [],
        "music": provenance.music_rows(record, shareable),
    }


def _settings(record: Record, shareable: Shareable) -> dict[str, Any]:
    settings = provenance.settings(record.profile, record.starts, shareable) if record.profile else {}
    flat = [each for rows in settings.values() for each in rows]
    return {"settings": settings, "settings_count": len(flat), "changed": sum(each.changed for each in flat)}


def _goal(goal: Any) -> dict[str, Any]:
    sign, hue = _STANDINGS[goal.standing]
    return {
        "name": goal.name,
        "measured": "–" if goal.value is None else hundredths(goal.value),
        "threshold": hundredths(goal.threshold),
        "by_epoch": goal.by_epoch,
        "standing": goal.standing,
        "sign": sign,
        "hue": hue,
    }


def _made(record: Record, shareable: Shareable, now: datetime, encoded: int) -> list[str]:
    start = record.starts[-1] if record.starts else {}
    trained = provenance.command_of(start, shareable)
    return [
        f"Made on {moment(now.timestamp())} by harmonic-vae {__version__}: `harmonic report {record.run.name}`.",
        *([f"The run was trained by `{trained}`."] if trained else []),
        f"Sounds are FLAC, the very samples that the run wrote; with their pictures they are {size(encoded)} of this.",
        "The page is one file and asks nobody for anything: its security policy forbids every connection.",
        "Errors are mean absolute differences of log-mels in dB over held-out music; KL is that of one segment.",
        "Folders and the name of the machine are left out.",
    ]
