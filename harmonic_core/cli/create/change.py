"""`harmonic reconstruct` and `harmonic blend`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonic_core.cli.create import options
from harmonic_core.cli.create.at_work import at_work
from harmonic_core.cli.create.generate import word
from harmonic_core.errors import ProfileError

_FARTHEST = 100.0


def reconstruct(
    context: typer.Context,
    run: options.Model,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Music of any length.", show_default=False)],
    seed: options.Seed = 0,
    output: options.Output = None,
    output_dir: options.OutputDir = None,
    file_format: options.Format = None,
    loudness: options.Loudness = "-16",
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Send whole files through the model: what is heard is what it keeps of them.

    A file that cannot be read is named and left out; the exit status tells of it. The seed decides the first phase of
    the vocoder, and nothing else.
    """
    options.check(seed, device=device)
    lufs = options.loudness_of(loudness)
    with at_work(run, options.command_words(context), seed, device, lufs) as work:
        from harmonic_core.creating.performing import through_the_model
        from harmonic_core.creating.places import music_paths, stem_of

        names = [f"{stem_of(path)}.reconstructed" for path in files]
        paths = music_paths(names, output, output_dir, file_format, force=force)
        for source, path in zip(files, paths, strict=True):
            with work.one_of_several():
                sound = through_the_model(work.studio, source)
                work.write(path, sound, f"{source.stem}, reconstructed", source=source.name)
        work.tell(as_json=as_json)


def blend(
    context: typer.Context,
    run: options.Model,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Music of any length.", show_default=False)],
    start: Annotated[
        str | None, typer.Option("--from", metavar="CLASS", help="What to lead away from.", show_default=False)
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="CLASS", help="What to lead towards.", show_default=False)
    ] = None,
    amount: Annotated[float, typer.Option(metavar="SHARE", help="How far: 1 is from the one mean to the other.")] = 0.5,
    label: Annotated[str, typer.Option(metavar="LABEL", help="What the classes are values of.")] = "genre",
    seed: options.Seed = 0,
    output: options.Output = None,
    output_dir: options.OutputDir = None,
    file_format: options.Format = None,
    loudness: options.Loudness = "-16",
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Move whole files from one class of music towards another.

    To the latent of every segment is added what leads from the mean latent of the one class to that of the other.
    """
    options.check(seed, device=device)
    if not start or not end:
        lacking = " and ".join(option for option, value in (("--from", start), ("--to", end)) if not value)
        raise ProfileError(f"{lacking}: missing; name two classes of music, as --from jazz --to folk")
    options.insist("--amount", amount, -_FARTHEST, _FARTHEST)
    lufs = options.loudness_of(loudness)
    with at_work(run, options.command_words(context), seed, device, lufs) as work:
        from harmonic_core.creating.performing import between_classes, through_the_model
        from harmonic_core.creating.places import music_paths, stem_of

        names = [f"{stem_of(path)}.{word(start)}-to-{word(end)}" for path in files]
        paths = music_paths(names, output, output_dir, file_format, force=force)
        shift = between_classes(work.studio, label, start, end, amount)
        for source, path in zip(files, paths, strict=True):
            with work.one_of_several():
                sound = through_the_model(work.studio, source, shift)
                title = f"{source.stem}, {amount:g} of the way from {start} to {end}"
                work.write(path, sound, title, end if label == "genre" else "", source=source.name)
        work.tell(as_json=as_json, label=label, amount=amount, **{"from": start, "to": end})
