"""`harmonic data preprocess`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonic_core.cli.data.which import CacheOption, FolderOption, folder_flags, resolve_music

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harmonic_core.data.prepare import Outcome
    from harmonic_core.data.tracks import RefusedTrack
    from harmonic_core.profile.resolve import Resolved


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("preprocess")(preprocess)


def preprocess(
    target: Annotated[
        str, typer.Argument(metavar="PROFILE|DIR", help="Name or path of a profile, or a folder of audio.")
    ],
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the cache. Default: the profile's.", show_default=False),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set anything of the profile; can be given many times."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, metavar="N", help="Processes that decode. Default: one a core, five at most."),
    ] = None,
    custom_dir: FolderOption = None,
    gtzan_dir: FolderOption = None,
    maestro_dir: FolderOption = None,
    dataset_dir: FolderOption = None,
    cache_dir: CacheOption = None,
) -> None:
    """Decode music once, so that training begins at once.

    Only what is not decoded yet is decoded. Stop it in any way: the same command goes on where it was. Several may work
    on the same music at a time. What `audio.sample_rate` a run has decides what is kept; all runs of the same rate
    share it.
    """
    folders = folder_flags(custom_dir, gtzan_dir, maestro_dir, dataset_dir, cache_dir)
    resolved = resolve_music(target, settings or [], folders)
    raise typer.Exit(preprocess_music(resolved, output_dir, workers=workers))


def preprocess_music(resolved: Resolved, output_dir: Path | None = None, *, workers: int | None = None) -> int:
    """Decode the music of a profile into its cache or `output_dir`, and say what came of it; gives the exit status.

    Raises
    ------
    ProfileError, DataError
        If there is no music.
    DiskError
        If the cache cannot be written.
    """
    from harmonic_core.cli.data.progress import preparation_bar
    from harmonic_core.data.cache import Cache, default_cache_dir
    from harmonic_core.data.prepare import prepare
    from harmonic_core.data.sources import find_tracks
    from harmonic_core.run.words import count, files, music_length
    from harmonic_core.text import plain
    from harmonic_core.training.signals import StopSignals

    for warning in resolved.warnings:
        typer.echo(f"warning: {warning}", err=True)
    profile = resolved.profile
    folder = output_dir or profile.data.cache_dir or default_cache_dir()
    with StopSignals() as signals:
        music = find_tracks(profile.data, profile.run.seed)
        for note in music.notes:
            typer.echo(note, err=True)
        with preparation_bar(len(music.tracks)) as progress:
            outcomes = prepare(
                music.tracks,
                profile.audio.sample_rate,
                Cache(folder),
                progress,
                lambda: signals.received is not None,
                workers=workers,
            )
    usable, refused = _sift(outcomes, profile.data.min_clip_length)
    refused = [*music.refused, *refused]
    for each in refused:
        typer.echo(f"refused: {each}", err=True)
    if signals.received is not None:
        typer.echo(
            f"stopped with {count(len(outcomes))} of {files(len(music.tracks))} done; "
            "the same command goes on from there",
            err=True,
        )
        return int(signals.exit_code)
    from_cache = sum(each.from_cache for each in usable)
    seconds = sum(each.facts.seconds for each in usable if each.facts)
    shown = plain(str(folder), 400)
    # Said only where training would look elsewhere.
    way = f"; train with `--cache-dir {shown}`" if output_dir and folder != profile.data.cache_dir else ""
    typer.echo(
        f"{'ready' if usable else 'nothing is ready'}: {files(len(usable))}, {music_length(seconds)} of music "
        f"({count(from_cache)} from the cache, {count(len(usable) - from_cache)} decoded), "
        f"{count(len(refused))} refused; "
        f"cache {shown}{way}"
    )
    return 0 if usable else 1


def _sift(outcomes: Sequence[Outcome], min_seconds: float) -> tuple[list[Outcome], list[RefusedTrack]]:
    from harmonic_core.data.inspect import faults
    from harmonic_core.data.tracks import RefusedTrack

    usable: list[Outcome] = []
    refused: list[RefusedTrack] = []
    for outcome in outcomes:
        reasons = [outcome.reason] if outcome.reason else []
        if outcome.facts:
            reasons = [fault.message for fault in faults(outcome.facts, min_seconds) if fault.refuses]
        if reasons:
            refused.append(RefusedTrack(outcome.track.title, "; ".join(reasons)))
        else:
            usable.append(outcome)
    return usable, refused
