"""`harmonic report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.run.directory import RunDirectory


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("report")(report)


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Path of a run, or its name below runs/ or output/.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write. Default: RUN/report.html.")
    ] = None,
    steps: Annotated[
        Literal["all", "newest", "starred"] | None,
        typer.Option(
            help="Samples to show: all sets, the newest set, or what is starred or has a note. Default: what is "
            "starred or has a note, and the set of the best step or the newest.",
            show_default=False,
        ),
    ] = None,
    with_map: Annotated[
        bool, typer.Option("--map/--no-map", help="Draw the latent map by track; needs the music and the weights.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is no report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write everything about a run into one HTML file that needs nothing else: to keep, send and open anywhere.

    Verdict, figures, curves, latent map, samples with their sound, profile and environment. The run may be at work.
    """
    from harmonic_core.training.signals import StopSignals

    with StopSignals() as signals:
        from datetime import UTC, datetime

        from harmonic_core.cli.data.progress import bar
        from harmonic_core.run.words import size
        from harmonic_core.sharing.report.document import make_page
        from harmonic_core.sharing.report.file import check_place, write_page
        from harmonic_core.training.signals import StoppedError

        directory = _find(run)
        path = output or directory.path / "report.html"
        check_place(path, force=force)
        try:
            page = make_page(
                directory,
                datetime.now(UTC),
                steps=steps,
                with_map=with_map,
                tell=lambda line: typer.echo(line, err=True),
                watch=bar,
                stopped=lambda: signals.received is not None,
            )
        except StoppedError:
            typer.echo("stopped: no report was written", err=True)
            raise typer.Exit(int(signals.exit_code)) from None
        write_page(path, page.html)
    if as_json:
        document = {
            "run": str(directory.path),
            "output": str(path),
            "bytes": len(page.html),
            "samples": page.samples,
            "sound_bytes": page.sound_bytes,
            "missing": page.missing,
        }
        typer.echo(json.dumps(document, indent=2))
        return
    for line in page.missing:
        typer.echo(plain(line, 1000), err=True)
    kinds = f"{page.samples} {'sample' if page.samples == 1 else 'samples'}"
    typer.echo(f"{plain(str(path), 4096)}: {size(len(page.html))}, {kinds}")


def _find(name: str) -> RunDirectory:
    """The run that is named, also by one of its checkpoints or exports."""
    from harmonic_core.errors import RunError
    from harmonic_core.run.resume import find_resume_point

    try:
        point = find_resume_point(Path(name))
    except RunError:
        from harmonic_core.sharing.exported import is_export

        if is_export(Path(name)):
            raise RunError(f"{plain(name, 400)}: an exported model does not know its run; name the run") from None
        raise
    except OSError as error:
        raise RunError(f"{plain(name, 400)}: cannot be opened: {(error.strerror or str(error)).lower()}") from error
    if point.run is None or not point.run.exists():
        raise RunError(f"{plain(name, 400)}: this file lies in no run, and a report is one of a run; name a run")
    return point.run
