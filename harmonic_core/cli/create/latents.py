"""`harmonic encode` and `harmonic decode`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmonic_core.cli.create import options
from harmonic_core.cli.create.at_work import at_work
from harmonic_core.text import plain


def encode(
    context: typer.Context,
    run: options.Model,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Music of any length.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="NPZ", help="Default: created/NAME.npz.", show_default=False),
    ] = None,
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Write the latents of whole files into one .npz: mu, logvar, where each segment starts, and what they are of."""
    options.check(device=device)
    with at_work(run, options.command_words(context), 0, device) as work:
        from harmonic_core.creating.encoding import encode as encode_files
        from harmonic_core.creating.latent_file import write_latents
        from harmonic_core.creating.places import FOLDER, free, stem_of
        from harmonic_core.creating.provenance import tags_of

        more = f"-and-{len(files) - 1}-more" if len(files) > 1 else ""
        path = output or FOLDER / f"{stem_of(files[0])}{more}.npz"
        free([path], force=force)
        studio = work.studio
        title = ", ".join(plain(each.name, 60) for each in files[:3])
        encoded = encode_files(studio, files, tags_of(studio.opened, title, 0, work.words))
        write_latents(path, encoded)
        segments, latent_dim = encoded.mu.shape
        work.made.append({"path": str(path), "segments": segments, "latent_dim": latent_dim, "files": len(files)})
        work.tell(as_json=as_json)


def decode(
    context: typer.Context,
    run: options.Model,
    latents: Annotated[Path, typer.Argument(metavar="NPZ", help="What encode wrote.", show_default=False)],
    seed: options.Seed = 0,
    output: options.Output = None,
    output_dir: options.OutputDir = None,
    file_format: options.Format = None,
    loudness: options.Loudness = "-16",
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Make music of latents that `encode` wrote, changed or not."""
    options.check(seed, device=device)
    lufs = options.loudness_of(loudness)
    with at_work(run, options.command_words(context), seed, device, lufs) as work:
        from harmonic_core.creating.encoding import decode as decode_latents
        from harmonic_core.creating.latent_file import read_latents_file
        from harmonic_core.creating.places import music_paths, stem_of

        encoded = read_latents_file(latents)
        if encoded.fingerprint != work.studio.opened.fingerprint:
            typer.echo(
                f"warning: {plain(str(latents))}: written by other weights ({plain(encoded.fingerprint[:12])}) than "
                f"those of {plain(work.studio.opened.name)} ({work.studio.opened.fingerprint[:12]})",
                err=True,
            )
        stems = [stem_of(Path(str(name))) for name in encoded.names]
        paths = music_paths([f"{stem}.decoded" for stem in stems], output, output_dir, file_format, force=force)
        for number, path in enumerate(paths):
            sound = decode_latents(work.studio, encoded.part(number))
            work.write(path, sound, f"{stems[number]}, decoded", source=str(encoded.names[number]))
        work.tell(as_json=as_json)
