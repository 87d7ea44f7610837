"""`harmonic generate`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from harmonic_core.cli.create import options
from harmonic_core.cli.create.at_work import at_work
from harmonic_core.errors import ProfileError
from harmonic_core.text import plain

_MOST = 10_000
_LONGEST_MIN = 240.0
_FROM = ("prior", "music")


def generate(
    context: typer.Context,
    run: options.Model,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", help="How many pieces.")] = 1,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="Length of each piece. Default: one segment of the model.", show_default=False),
    ] = None,
    temperature: options.Temperature = options.TEMPERATURE,
    like: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Stay near this piece of music.", show_default=False)
    ] = None,
    genre: Annotated[
        str | None, typer.Option(metavar="GENRE", help="Draw from this genre; short for --label.", show_default=False)
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="LABEL=VALUE", help="Draw from music like this: composer=Bach.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="WHERE", help="prior (default), or music: where the model's own lies.", show_default=False
        ),
    ] = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    output_dir: options.OutputDir = None,
    file_format: options.Format = None,
    loudness: options.Loudness = "-16",
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Make new music: single segments, or pieces of any length that change as they go.

    The same seed makes the same piece, whatever the number of pieces is.
    """
    options.check(seed, temperature, device)
    options.insist("-n", count, 1, _MOST)
    if minutes is not None and not 0.0 < minutes <= _LONGEST_MIN:
        raise ProfileError(f"--minutes {minutes:g}: must be more than 0 and at most {_LONGEST_MIN:g}")
    chosen = _label(genre, label)
    if source not in (None, *_FROM):
        raise ProfileError(f"--from {plain(str(source), 40)}: must be prior or music")
    if sum((like is not None, chosen is not None, source == "music")) > 1:
        raise ProfileError(
            "--like, --genre, --label and --from music: each says where to draw from; choose one of them"
        )
    lufs = options.loudness_of(loudness)
    with at_work(run, options.command_words(context), seed, device, lufs) as work:
        from harmonic_core.creating.performing import long_piece
        from harmonic_core.creating.places import music_paths
        from harmonic_core.creating.sources import drawn

        studio = work.studio
        of = f"-{word(chosen[1])}" if chosen else "-music" if source == "music" else ""
        near = "" if like is None else f"-like-{word(like.stem)}"
        long = "" if minutes is None else f"-{minutes:g}min"
        hot = "" if temperature == options.TEMPERATURE else f"-t{temperature:g}"
        stem = f"{studio.opened.name}-step{studio.opened.trained.step}{of}{near}{hot}-seed{seed}{long}"
        names = [f"{stem}-{number + 1:02d}" for number in range(count)]
        paths = music_paths(names, output, output_dir, file_format, force=force)
        places = drawn(studio, temperature, like=like, label=chosen, music=source == "music")
        for number, path in enumerate(paths):
            studio.tell(f"piece {number + 1} of {count}")
            if minutes is None:
                sound = studio.sing(places.latent(number))
            else:
                sound = long_piece(studio, places, number, 60.0 * minutes)
            title = f"{studio.opened.name}, seed {seed}, piece {number + 1}"
            work.write(path, sound, title, chosen[1] if chosen and chosen[0] == "genre" else "", piece=number + 1)
        work.tell(as_json=as_json, temperature=temperature)


def _label(genre: str | None, label: str | None) -> tuple[str, str] | None:
    if genre is not None and label is not None:
        raise ProfileError("--genre and --label: say the same; choose one of them")
    if genre is not None:
        return "genre", genre
    if label is None:
        return None
    name, equals, value = label.partition("=")
    if not (name and equals and value):
        raise ProfileError(f"--label {plain(label, 60)}: must be LABEL=VALUE, as composer=Bach")
    return name, value


def word(text: str) -> str:
    """Text from outside, made fit to be part of a file's name."""
    return re.sub(r"[^\w.+-]+", "-", text)[:60].strip("-.") or "x"
