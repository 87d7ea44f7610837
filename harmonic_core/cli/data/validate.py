"""`harmonic data validate`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harmonic_core.cli.data.which import CacheOption, FolderOption, folder_flags, resolve_music

if TYPE_CHECKING:
    from harmonic_core.data.survey import Survey, Verdict
    from harmonic_core.profile.resolve import Resolved

_BAR_WIDTH = 30
_MOST_ROWS = 20


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("validate")(validate)


def validate(
    target: Annotated[
        str, typer.Argument(metavar="DIR|PROFILE", help="A folder of audio, or the name or path of a profile.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    progress: Annotated[
        bool, typer.Option("--progress", help="Say on stderr how far it is, a JSON object a line: for programs.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set anything of the profile; can be given many times."),
    ] = None,
    custom_dir: FolderOption = None,
    gtzan_dir: FolderOption = None,
    maestro_dir: FolderOption = None,
    dataset_dir: FolderOption = None,
    cache_dir: CacheOption = None,
) -> None:
    """Say of every file whether it can be trained on, and of the whole what it needs.

    Everything is decoded once, and nothing is written. Exit 0 if training can begin, 1 if not.
    """
    folders = folder_flags(custom_dir, gtzan_dir, maestro_dir, dataset_dir, cache_dir)
    resolved = resolve_music(target, settings or [], folders)
    raise typer.Exit(validate_music(resolved, as_json=as_json, progress_lines=progress))


def validate_music(resolved: Resolved, *, as_json: bool = False, progress_lines: bool = False) -> int:
    """Print what is wrong with the music of a profile, and whether training can begin; gives the exit status.

    Raises
    ------
    ProfileError
        If a folder is missing.
    """
    from harmonic_core.cli.data.progress import preparation_bar, preparation_lines
    from harmonic_core.data.cache import Cache, default_cache_dir
    from harmonic_core.data.prepare import prepare
    from harmonic_core.data.sources import find_tracks
    from harmonic_core.data.survey import survey
    from harmonic_core.data.tracks import Music
    from harmonic_core.errors import DataError
    from harmonic_core.training.signals import StopSignals

    for warning in resolved.warnings:
        typer.echo(f"warning: {warning}", err=True)
    profile = resolved.profile
    folder = profile.data.cache_dir or default_cache_dir()
    nothing: list[str] = []
    with StopSignals() as signals:
        try:
            music = find_tracks(profile.data, profile.run.seed)
        except DataError as error:
            music, nothing = Music([]), [str(error)]
        telling = preparation_lines if progress_lines else preparation_bar
        with telling(len(music.tracks)) as progress:
            outcomes = prepare(
                music.tracks,
                profile.audio.sample_rate,
                Cache(folder),
                progress,
                lambda: signals.received is not None,
                write=False,
            )
    if signals.received is not None:
        typer.echo(f"stopped with {len(outcomes)} of {len(music.tracks)} files looked at", err=True)
        return int(signals.exit_code)
    found = survey(music, outcomes, profile, folder)
    problems = nothing or found.problems
    if as_json:
        typer.echo(json.dumps(_document(found, problems, music.other), indent=2))
    else:
        for line in _report(found, music.other):
            typer.echo(line)
        typer.echo(f"not ready, because {'; '.join(problems)}" if problems else f"ready: {_amount(found)}")
    return 1 if problems else 0


def _document(found: Survey, problems: list[str], other: Mapping[str, int]) -> dict[str, Any]:
    from harmonic_core.data.survey import DURATION_EDGES_S

    judgements = [verdict.judgement for verdict in found.verdicts]
    return {
        "ready": not problems,
        "because": problems,
        "summary": {
            "files": len(found.verdicts),
            "usable": len(found.usable),
            "fine": judgements.count("fine"),
            "warnings": judgements.count("warning"),
            "refused": judgements.count("refused"),
            "known_faults": judgements.count("known fault"),
            "hours": found.seconds / 3600,
            "segments": asdict(found.segments),
            "genres": found.by("genre"),
            "sources": found.by("source"),
            "durations": [
                {"from_s": edge, "files": count}
                for edge, count in zip(DURATION_EDGES_S, found.durations(), strict=True)
            ],
            "sample_rates": found.rates(),
            "other_files": dict(other),
            "needs": asdict(found.needs) | {"cache_dir": str(found.needs.cache_dir)},
        },
        "notes": found.notes,
        "files": [_entry(verdict) for verdict in found.verdicts],
    }


def _entry(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "verdict": verdict.judgement,
        "faults": [asdict(fault) for fault in verdict.faults],
        "facts": verdict.facts.record() if verdict.facts else None,
    }


def _report(found: Survey, other: Mapping[str, int]) -> Iterator[str]:
    """Lines that are safe to show: what is not fine, then what everything adds up to."""
    from harmonic_core.run.words import count
    from harmonic_core.text import plain

    for verdict in found.verdicts:
        if verdict.faults:
            words = "; ".join(plain(fault.message, 400) for fault in verdict.faults)
            yield f"{verdict.judgement}: {plain(verdict.name)}: {words}"
    yield from found.notes
    yield ""
    rows = [
        ("files", _judgements(found)),
        ("music", _amount(found)),
        ("segments", _segments(found)),
        ("cache", _cache(found)),
        ("one batch", f"{_size(found.needs.batch_bytes)} of memory for sound and spectra"),
    ]
    if other:
        rows.append(
            ("not audio", ", ".join(f"{count(number)} × {plain(suffix, 20)}" for suffix, number in other.items()))
        )
    yield from (f"{name:<10} {words}" for name, words in rows)
    for title, table in (("genre", found.by("genre")), ("data set", found.by("source"))):
        if len(table) > 1 or (title == "genre" and any(table)):
            yield from _bars(
                f"files by {title}", {plain(key, 30) or "not known": value for key, value in table.items()}
            )
    yield from _bars("files by length", _durations(found))
    yield from _bars("files by sample rate", {f"{count(rate)} Hz": number for rate, number in found.rates().items()})
    yield ""


def _judgements(found: Survey) -> str:
    from harmonic_core.run.words import count

    said = {
        "fine": "fine",
        "warning": "with a warning",
        "refused": "refused",
        "known fault": "left out as known faults",
    }
    numbers = Counter[str](verdict.judgement for verdict in found.verdicts)
    parts = [f"{count(numbers[kind])} {words}" for kind, words in said.items() if numbers[kind]]
    return f"{count(len(found.verdicts))}" + (f": {', '.join(parts)}" if parts else "")


def _segments(found: Survey) -> str:
    from harmonic_core.run.words import count

    sides = found.segments
    aside = f", {count(sides.aside)} to test on, which are kept aside" if sides.aside else ""
    return f"{count(sides.training)} to train on, {count(sides.validation)} to validate on{aside}"


def _cache(found: Survey) -> str:
    from harmonic_core.text import plain

    needs = found.needs
    return (
        f"{_size(needs.cache_bytes)} of disk, of which {_size(needs.missing_bytes)} are still to be written; "
        f"{_size(needs.free_bytes)} are free for {plain(str(needs.cache_dir), 400)}"
    )


def _amount(found: Survey) -> str:
    from harmonic_core.run.words import files, music_length

    return f"{files(len(found.usable))}, {music_length(found.seconds)} of music"


def _durations(found: Survey) -> dict[str, int]:
    from harmonic_core.data.survey import DURATION_EDGES_S
    from harmonic_core.run.words import duration

    bins = found.durations()
    filled = [index for index, number in enumerate(bins) if number]
    shown = range(filled[0], filled[-1] + 1) if filled else range(0)
    edges = [*(duration(edge) for edge in DURATION_EDGES_S), ""]
    names = [f"{low} to {high}" if high else f"{low} and more" for low, high in pairwise(edges)]
    return {names[index]: bins[index] for index in shown}


def _bars(title: str, table: Mapping[str, int]) -> Iterator[str]:
    from harmonic_core.run.words import count

    if not table:
        return
    yield ""
    yield title
    rows = list(table.items())
    if len(rows) > _MOST_ROWS:
        rest = rows[_MOST_ROWS - 1 :]
        rows = [*rows[: _MOST_ROWS - 1], (f"{len(rest)} others", sum(number for _, number in rest))]
    width = max(len(name) for name, _ in rows)
    digits = max(len(count(number)) for _, number in rows)
    most = max(number for _, number in rows)
    for name, number in rows:
        bar = "█" * (max(1, round(_BAR_WIDTH * number / most)) if number else 0)
        yield f"  {name:<{width}}  {count(number):>{digits}}  {bar}".rstrip()


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
