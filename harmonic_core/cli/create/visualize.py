"""`harmonic visualize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonic_core.cli.create import options
from harmonic_core.cli.create.at_work import at_work


def visualize(
    context: typer.Context,
    run: options.Model,
    seed: options.Seed = 0,
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Default: created/NAME-epoch_EPOCH.", show_default=False),
    ] = None,
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Draw a model's pictures: reconstructions, latents on a map, novel samples, mel spectrograms and curves.

    Without the run's music they are those that need none.
    """
    options.check(seed, device=device)
    with at_work(run, options.command_words(context), seed, device) as work:
        from harmonic_core.creating.drawing import draw_pictures
        from harmonic_core.creating.places import FOLDER, free
        from harmonic_core.evaluation.pictures import NAMES

        opened = work.studio.opened
        folder = output_dir or FOLDER / f"{opened.name}-epoch_{opened.trained.epoch:03d}"
        free([folder / name for name in NAMES], force=force)
        paths, no_music = draw_pictures(work.studio, folder)
        if no_music:
            typer.echo(f"without music: {no_music}", err=True)
        work.made += [{"path": str(path)} for path in paths]
        work.tell(as_json=as_json, no_music=no_music)
