"""`harmonic data download`."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harmonic_core.profile.sections import Data


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("download")(download)


def _folder(text: str | Path) -> Path:
    from harmonic_core.errors import ProfileError

    if not str(text).strip():
        raise ProfileError("--dataset-dir '': give a folder, or leave it out for the default one")
    return Path(text)


def download(
    dataset: Annotated[str, typer.Argument(metavar="gtzan|maestro", help="Which data set.")],
    dataset_dir: Annotated[
        Path | None,
        typer.Option(
            parser=_folder,
            metavar="DIR",
            help="Where it goes. Default: data/gtzan or data/maestro.",
            show_default=False,
        ),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(metavar="H", help="About so many hours, spread over the parts."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Only train, validation or test; several with commas or many times."),
    ] = None,
    years: Annotated[
        list[str] | None, typer.Option(metavar="YEARS", help="Only these years, such as 2004,2006-2009.")
    ] = None,
    composers: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="Only these composers, by a part of the name; several with commas."),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Folder of a mirror, with the file names of the official place."),
    ] = None,
    sha256: Annotated[str | None, typer.Option(metavar="HEX", help="SHA-256 that the whole archive must have.")] = None,
    keep_archive: Annotated[bool, typer.Option(help="Keep the archive beside what is unpacked from it.")] = False,
    timeout: Annotated[
        float, typer.Option(min=1, max=3600, metavar="S", help="Seconds without a byte after which it asks again.")
    ] = 30.0,
) -> None:
    """Download a data set. The same command goes on after any interruption, and does nothing once all is there.

    --hours, --split, --years and --composers take single recordings out of MAESTRO's archive on its server; a wish for
    more adds to what is there. The rest of MAESTRO is never downloaded then: the archive has 108 GB and needs 228 GB
    while it is unpacked. GTZAN comes whole: 1.2 GB, and 2.6 GB while it is unpacked.
    """
    from harmonic_core.data.download.archive import Request
    from harmonic_core.data.download.connection import Patience, Web, checked_base_url
    from harmonic_core.data.download.gtzan import download_gtzan
    from harmonic_core.data.download.interruption import Interrupted, interruptible
    from harmonic_core.data.download.maestro import download_maestro
    from harmonic_core.data.download.maestro_part import download_maestro_part
    from harmonic_core.errors import DiskError, HarmonicError, ProfileError
    from harmonic_core.text import plain

    if (name := dataset.lower()) not in {"gtzan", "maestro"}:
        raise ProfileError(_refusal(dataset))
    part = _part(hours, split, years, composers)
    if part is not None and name == "gtzan":
        raise ProfileError("--hours, --split, --years and --composers are for MAESTRO; GTZAN comes whole")
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise ProfileError(f"--sha256 {plain(sha256)!r} is no SHA-256, which has 64 digits from 0 to f")
    if part is not None and (sha256 or keep_archive):
        raise ProfileError("--sha256 and --keep-archive are for whole archives; a part of MAESTRO comes without one")
    if base_url is not None:
        checked_base_url(base_url)
    folder = dataset_dir or Path("data", name)
    request = Request(base_url, sha256.lower() if sha256 else None, keep_archive)
    web = Web.open(Patience(stall_s=timeout))
    try:
        with interruptible():
            if name == "gtzan":
                said = download_gtzan(folder, request, web)
            elif part is None:
                said = download_maestro(folder, request, web)
            else:
                said = download_maestro_part(folder, request, part, web)
    except Interrupted as interrupted:
        # After a hangup there may be no terminal left to say it on.
        with suppress(OSError):
            typer.echo("stopped; the same command goes on from there", err=True)
        raise typer.Exit(interrupted.exit_code) from None
    except HarmonicError:
        raise
    except OSError as error:
        where = plain(str(error.filename or folder))
        raise DiskError(
            f"{where}: {(error.strerror or str(error)).lower()}; mend that or choose another folder with "
            "--dataset-dir DIR, and the same command goes on"
        ) from None
    typer.echo(said)


def _refusal(dataset: str) -> str:
    from harmonic_core.text import plain

    known = {
        "demo": "demo is made by the program itself: `harmonic train demo` needs no download",
        "custom": "custom is your own audio: `harmonic train custom --custom-dir DIR` needs no download",
        "combined": "combined is made of the others: download gtzan and maestro one after the other",
    }
    unknown = f"{plain(dataset)!r} cannot be downloaded; gtzan and maestro can, and --custom-dir takes your own audio"
    return known.get(dataset.lower(), unknown)


def _part(
    hours: float | None, split: list[str] | None, years: list[str] | None, composers: list[str] | None
) -> Data | None:
    """The wish for a part of MAESTRO as a profile has it; None if the whole is meant."""
    from pydantic import ValidationError

    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.sections import Data
    from harmonic_core.text import plain

    if all(wish is None for wish in (hours, split, years, composers)):
        return None
    if hours is not None and not hours > 0:
        raise ProfileError(f"--hours {hours:g}: give a number above 0")
    asked = {
        "hours": hours,
        "official_parts": None if split is None else tuple(word.lower() for word in _words("split", split)),
        "composers": None if composers is None else _words("composers", composers),
    }
    # A profile names few years; a span may hold more, and those that MAESTRO lacks cost nothing.
    span = None if years is None else _years(years)
    try:
        return Data.model_validate({"dataset": "maestro", **asked}).model_copy(update={"years": span})
    except ValidationError as error:
        flags = {"official_parts": "split"}
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise ProfileError(f"--{flags.get(key, key)} {plain(str(first['input']))}: {plain(first['msg'])}") from None


def _words(flag: str, given: list[str]) -> tuple[str, ...]:
    from harmonic_core.errors import ProfileError
    from harmonic_core.text import plain

    words = tuple(word.strip() for text in given for word in text.split(",") if word.strip())
    if not words:
        raise ProfileError(f"--{flag} {plain(' '.join(given))!r}: give at least one")
    return words


def _years(given: list[str]) -> tuple[int, ...]:
    from harmonic_core.errors import ProfileError
    from harmonic_core.text import plain

    years: set[int] = set()
    for word in _words("years", given):
        if not (match := re.fullmatch("([0-9]{4})(?:-([0-9]{4}))?", word)) or int(match[2] or match[1]) < int(match[1]):
            raise ProfileError(f"--years {plain(word)}: give years and spans of years, such as 2004,2006-2009")
        years |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not (usable := years & set(range(1900, 2101))):
        raise ProfileError(f"--years {plain(','.join(given))}: give years from 1900 to 2100")
    return tuple(sorted(usable))
