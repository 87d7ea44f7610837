"""`harmonic data cache`: what decoded audio is kept, whether it is whole, and what can go."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harmonic_core.data.cache import Cache
    from harmonic_core.data.upkeep import Kept

cache_app = typer.Typer(no_args_is_help=True, help="Decoded audio that is kept between runs.")

CacheDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the cache. Default: the user's cache folder.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs to a command line."""
    app.add_typer(cache_app, name="cache")


@cache_app.command("list")
def list_all(
    cache_dir: CacheDir = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List what is kept for every sample rate."""
    from harmonic_core.data.upkeep import everything, prunable
    from harmonic_core.run.words import count, music_length
    from harmonic_core.text import plain

    cache = _open(cache_dir)
    rows = _by_rate(list(everything(cache)), prunable(cache))
    if as_json:
        typer.echo(json.dumps({"folder": str(cache.folder), "settings": rows}, indent=2))
        return
    typer.echo(f"cache {plain(str(cache.folder), 400)}", err=True)
    if not rows:
        typer.echo("Nothing is kept there. `harmonic data preprocess` and every training run put decoded audio there.")
        return
    table = [("RATE", "FILES", "MUSIC", "SIZE", "REFUSED", "NO SOURCE")]
    table += [
        (
            f"{row['sample_rate']} Hz",
            count(row["entries"]),
            music_length(row["seconds"]),
            _size(row["bytes"]),
            count(row["refused"]),
            f"{count(row['without_source'])} ({_size(row['without_source_bytes'])})",
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


@cache_app.command()
def verify(cache_dir: CacheDir = None) -> None:
    """Compare every file's samples with their hash; what is broken is removed, and will be decoded anew."""
    from harmonic_core.cli.data.progress import bar
    from harmonic_core.data.upkeep import broken, everything, prune
    from harmonic_core.data.workers import available_cores
    from harmonic_core.run.words import count, files
    from harmonic_core.text import plain

    cache = _open(cache_dir)
    kept = list(everything(cache))
    total = sum(each.size for each in kept)
    with bar(total) as move:
        found = broken(kept, lambda done: move(done, f"{_size(done)} of {_size(total)}"), available_cores())
    for each in found:
        typer.echo(f"broken: {plain(str(each.paths[-1]), 400)}")
    if not found:
        typer.echo(f"whole: {files(len(kept))}, {_size(total)}")
        return
    with _alone(cache):
        prune(cache, found)
    typer.echo(f"{files(len(found))} of {count(len(kept))} broken and removed: the next run decodes them anew")
    raise typer.Exit(1)


@cache_app.command("prune")
def prune_entries(
    cache_dir: CacheDir = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0, metavar="DAYS", help="What no run used for so many days.", show_default=False),
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="What has no source file any more. The default.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove decoded audio; what is removed by mistake is decoded again by the next run that needs it.

    Only files that the cache made itself are removed, and none as long as a run uses it.
    """
    from harmonic_core.data.upkeep import prunable, prune
    from harmonic_core.run.words import files, music_length

    if sum((older_than is not None, missing, everything)) > 1:
        raise typer.BadParameter("give one of --older-than, --missing and --all")
    cache = _open(cache_dir)
    with nullcontext() if dry_run else _alone(cache):
        found = prunable(cache, older_than, missing=older_than is None and not everything)
        if not dry_run:
            prune(cache, found)
    seconds = sum(each.samples / each.sample_rate for each in found)
    typer.echo(
        f"{'would remove' if dry_run else 'removed'} {files(len(found))}, {music_length(seconds)} of music, "
        f"{_size(sum(each.size for each in found))}"
    )


def _open(folder: Path | None) -> Cache:
    from harmonic_core.data.cache import Cache, default_cache_dir

    return Cache(folder or default_cache_dir())


@contextmanager
def _alone(cache: Cache) -> Iterator[None]:
    from harmonic_core.errors import HarmonicError
    from harmonic_core.text import plain

    with cache.alone() as alone:
        if not alone:
            raise HarmonicError(
                f"{plain(str(cache.folder), 400)}: a run uses this cache, so nothing is removed; "
                "give the command again when it has ended (`harmonic runs` lists them)"
            )
        yield


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _by_rate(kept: list[Kept], prunable: list[Kept]) -> list[dict[str, int | float]]:
    states = Counter((each.sample_rate, each.state) for each in kept)
    rows: list[dict[str, int | float]] = []
    for rate in sorted({each.sample_rate for each in kept}):
        here = [each for each in kept if each.sample_rate == rate]
        idle = [each for each in prunable if each.sample_rate == rate]
        rows.append(
            {
                "sample_rate": rate,
                "entries": states[rate, "whole"],
                "refused": states[rate, "refused"],
                "seconds": sum(each.samples for each in here) / rate,
                "bytes": sum(each.size for each in here),
                "without_source": len(idle),
                "without_source_bytes": sum(each.size for each in idle),
            }
        )
    return rows
