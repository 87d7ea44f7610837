"""`harmonic interpolate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonic_core.cli.create import options
from harmonic_core.cli.create.at_work import at_work
from harmonic_core.errors import ProfileError
from harmonic_core.text import plain

if TYPE_CHECKING:
    from harmonic_core.generation import Way

_MOST = 10_000
_END = "An audio file, LABEL:VALUE as genre:jazz, or seed:N."


def interpolate(
    context: typer.Context,
    run: options.Model,
    start: Annotated[str, typer.Argument(metavar="A", help=_END, show_default=False)],
    end: Annotated[str, typer.Argument(metavar="B", help=_END, show_default=False)],
    steps: Annotated[int, typer.Option(metavar="N", help="Steps, both ends included.")] = 8,
    way: Annotated[str, typer.Option(metavar="WAY", help="spherical or linear.")] = "spherical",
    temperature: options.Temperature = options.TEMPERATURE,
    seed: options.Seed = 0,
    output_dir: options.OutputDir = None,
    file_format: options.Format = None,
    loudness: options.Loudness = "-16",
    force: options.Force = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Lead from one music to another: every step as a file, and all of them as one piece.

    Files and labels stand for their most typical segment; the temperature is that of draws.
    """
    options.check(seed, temperature, device)
    options.insist("--steps", steps, 2, _MOST)
    if way not in {"spherical", "linear"}:
        raise ProfileError(f"--way {plain(way, 40)}: must be spherical or linear")
    lufs = options.loudness_of(loudness)
    with at_work(run, options.command_words(context), seed, device, lufs) as work:
        from harmonic_core.creating.performing import joined, place_of
        from harmonic_core.creating.places import FOLDER, music_paths
        from harmonic_core.generation import walk

        studio = work.studio
        one, one_is = place_of(studio, start, temperature)
        other, other_is = place_of(studio, end, temperature)
        folder = output_dir or FOLDER / f"{studio.opened.name}-{_word(start)}-to-{_word(end)}"
        names = [f"step-{number + 1:02d}" for number in range(steps)]
        *paths, whole = music_paths([*names, "continuous"], None, folder, file_format, force=force)
        direction: Way = "linear" if way == "linear" else "spherical"
        latents = walk(one, other, steps, direction)
        for number, path in enumerate(paths):
            studio.tell(f"step {number + 1} of {steps}")
            title = f"step {number + 1} of {steps} from {one_is} to {other_is}"
            work.write(path, studio.sing(latents[number]), title, step=number + 1)
        work.write(whole, joined(studio, latents), f"from {one_is} to {other_is}")
        work.tell(as_json=as_json, start=one_is, end=other_is, way=way)


def _word(end: str) -> str:
    from harmonic_core.cli.create.generate import word

    path = Path(end)
    return word(path.stem if path.exists() else end)
