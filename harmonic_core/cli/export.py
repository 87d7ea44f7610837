"""`harmonic export`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.sharing.export import Written
    from harmonic_core.sharing.placing import Format

_BY_ENDING: dict[str, Format] = {".onnx": "onnx", ".safetensors": "safetensors", ".torchscript": "torchscript"}


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("export")(export)


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, or a checkpoint or .pt of one.")],
    export_format: Annotated[
        str | None,
        typer.Option("--format", metavar="F", help="onnx, torchscript or safetensors. Default: safetensors."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="File to write, for onnx a folder. Default: RUN's name, here."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there.")] = False,
    without_latents: Annotated[
        bool,
        typer.Option("--without-latents", help="Leave out where its music lies, and so the genres that it could make."),
    ] = False,
    licence: Annotated[
        str, typer.Option("--licence", "--license", metavar="TEXT", help="Licence of your music, for the model card.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a model for others: encoder, decoder, all settings and a model card, checked against the original.

    A run stands for its newest checkpoint. safetensors is for this program; onnx and torchscript are for others, too.
    Opening any of them runs no code from the file.
    """
    wanted = _format(export_format, output)
    from harmonic_core.training.signals import StopSignals

    with StopSignals() as signals:
        from harmonic_core.cli.data.progress import bar
        from harmonic_core.sharing.export import export as write
        from harmonic_core.training.signals import StoppedError

        try:
            written = write(
                run,
                wanted,
                output,
                force=force,
                with_latents=not without_latents,
                licence=licence,
                tell=lambda line: typer.echo(line, err=True),
                watch=bar,
                stopped=lambda: signals.received is not None,
            )
        except StoppedError:
            typer.echo("stopped; nothing was written", err=True)
            raise typer.Exit(int(signals.exit_code)) from None
    if as_json:
        document = {**asdict(written), "path": str(written.path), "card": str(written.card), "format": wanted}
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo("\n".join(_lines(written)))


def _format(given: str | None, output: Path | None) -> Format:
    from harmonic_core.errors import ProfileError

    if given is None:
        return _BY_ENDING.get(output.suffix, "safetensors") if output else "safetensors"
    for known in _BY_ENDING.values():
        if given.lower() == known:
            return known
    raise ProfileError(f"--format {plain(given, 40)}: unknown; take onnx, torchscript or safetensors")


def _lines(written: Written) -> list[str]:
    from harmonic_core.run.words import size

    found = written.difference
    latents = f", with the latents of {written.latents} segments of its music" if written.latents else ""
    return [
        f"{plain(str(written.path))}: {size(written.size)}{latents}",
        f"model card: {plain(str(written.card))}",
        f"differs from the original by at most {found.largest:.1e} (mel {found.mel:.1e}, mu {found.mu:.1e}, logvar "
        f"{found.logvar:.1e}, decoded mel {found.decoded:.1e}), on {found.sound}, batches of "
        f"{', '.join(map(str, found.batches))}",
    ]
