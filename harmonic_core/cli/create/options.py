"""Options that the verbs which make music share, and what their values must be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from harmonic_core.errors import ProfileError
from harmonic_core.text import plain

Model = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run, a checkpoint or .pt of one, or an exported model.", show_default=False),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Decides everything random.")]
Temperature = Annotated[
    float, typer.Option(metavar="T", help="How far to go from what is usual: 0 not at all, 1 as far as the music does.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where the one file goes.", show_default=False)
]
OutputDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where files go. Default: created/.", show_default=False)
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT", help="wav, flac, ogg or mp3. Default: wav.", show_default=False),
]
Loudness = Annotated[
    str, typer.Option(metavar="LUFS", help="Loudness that music is brought to, or none to leave it as it is.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="auto, cpu, cuda or mps. Default: what the run says.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

TEMPERATURE = 0.8
"""Of draws, unless it is said otherwise."""

_DEVICES = ("auto", "cpu", "cuda", "mps")
_HOTTEST = 10.0
_LOUDNESS = (-70.0, 0.0)


def check(seed: int = 0, temperature: float = 0.0, device: str | None = None) -> None:
    """Refuse values that mean nothing. Raises ProfileError."""
    if not 0 <= seed < 2**63:
        raise ProfileError(f"--seed {seed}: must be from 0 to 2⁶³ − 1")
    insist("--temperature", temperature, 0.0, _HOTTEST)
    if device is not None and device not in _DEVICES:
        raise ProfileError(f"--device {plain(device, 40)}: no such device; there are {', '.join(_DEVICES)}")


def insist(option: str, value: float, least: float, most: float) -> None:
    """Refuse a number outside a range. Raises ProfileError."""
    if not least <= value <= most:
        raise ProfileError(f"{option} {value:g}: must be from {least:g} to {most:g}")


def loudness_of(text: str) -> float | None:
    """What `--loudness` says, in LUFS; None if the sound is to stay as loud as it is. Raises ProfileError."""
    if text.lower() == "none":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not _LOUDNESS[0] <= value <= _LOUDNESS[1]:
        raise ProfileError(
            f"--loudness {plain(text, 40)}: must be from {_LOUDNESS[0]:g} to {_LOUDNESS[1]:g} LUFS, or none"
        )
    return value


_NO_SOUND = frozenset({"output", "output_dir", "force", "as_json", "device", "help"})
"""Parameters that do not change what is heard."""


def command_words(context: Any) -> list[str]:
    """The whole command, with every value that changes what is heard, said or not.

    Parameters
    ----------
    context
        Of the verb, as typer hands it over.
    """
    words = ["harmonic", str(context.info_name)]
    for parameter in context.command.params:
        value = context.params.get(parameter.name)
        if value is None or value is False or parameter.name in _NO_SOUND:
            continue
        values = [str(each) for each in (value if isinstance(value, list | tuple) else [value])]
        if parameter.param_type_name == "argument":
            # What begins with a dash would be taken for an option.
            words += [f"./{each}" if each.startswith("-") else each for each in values]
            continue
        name = max(parameter.opts, key=len)
        words += [name] if value is True else [word for each in values for word in (name, each)]
    return words
