"""GTZAN: ten genres, a hundred clips of thirty seconds each, in one archive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.filesize import decimal

from harmonic_core.data.download.archive import Published, Request, Trust, download_archive
from harmonic_core.data.download.connection import MirrorError, Web
from harmonic_core.data.download.contents import undecodable
from harmonic_core.data.download.workplace import Manifest, is_being_placed, size_of, take_away_remains
from harmonic_core.run.words import files
from harmonic_core.text import plain

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
CLIPS = 100
KNOWN_FAULT = "jazz.00054"
"""The one clip that does not decode in many copies, and that some copies lack."""

FOLDERS = ("genres", "genres_original", "Data/genres_original", ".")
_SUFFIXES = frozenset({".wav", ".au"})

GTZAN = Published(
    dataset="gtzan",
    title="GTZAN",
    name="genres.tar.gz",
    urls=(
        "http://opihi.cs.uvic.ca/sound/genres.tar.gz",
        "https://huggingface.co/datasets/marsyas/gtzan/resolve/main/data/genres.tar.gz",
    ),
    size=1_225_571_541,
    sha256="24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
    unpacked_size=1_330_000_000,
    opening=b"\x1f\x8b",
    by_content=True,
    licence="GTZAN has no clear licence: it is used for research, and its recordings belong to others.",
)


def download_gtzan(folder: Path, request: Request, web: Web) -> str:
    """Bring GTZAN into `folder`, as `genres/<genre>/<genre>.NNNNN.wav`; nothing is done where it is complete.

    Returns
    -------
    str
        What is there now, in words.

    Raises
    ------
    DataError
        If no server has it whole and right.
    DiskError
        If there is too little room.
    """
    if (already := _already(folder, request.mirror)) is not None:
        take_away_remains(folder)
        return f"{plain(str(folder))}: {already}"
    web.meter.say(GTZAN.licence)
    manifest = download_archive(GTZAN, folder, request, web, lambda unpacked, trust: _check(unpacked, trust, web))
    size = decimal(sum(manifest.files.values()))
    if _holds_all(names := _names(manifest)):
        return f"{plain(str(folder))}: GTZAN is complete, {files(len(manifest.files))}, {size}"
    return f"{plain(str(folder))}: {_share(names)}, {size}"


def _already(folder: Path, mirror: str | None) -> str | None:
    """What is there, if nothing is left to do; a mirror's incomplete set contents those who ask for that mirror."""
    if is_being_placed(folder):
        return None
    if (manifest := Manifest.read(folder, GTZAN.dataset)) is not None:
        if manifest.missing(folder):
            return None
        if _holds_all(names := _names(manifest)):
            return f"GTZAN is complete already, {files(len(manifest.files))}"
        if mirror is not None and manifest.base_url == mirror:
            return f"{_share(names)} are here already, all that this mirror has"
    for inside in FOLDERS:
        clips = _clips(folder / inside)
        names = {path.stem for path in clips if size_of(path)}
        if _holds_all(names):
            return f"GTZAN is complete already, {files(len(clips))} in {plain(str(folder / inside))}"
    return None


def _names(manifest: Manifest) -> set[str]:
    return {path.stem for path in map(Path, manifest.files) if path.suffix.lower() in _SUFFIXES}


def _holds_all(names: set[str]) -> bool:
    return all(_wanted(genre) - {KNOWN_FAULT} <= names for genre in GENRES)


def _share(names: set[str]) -> str:
    there = sum(len(_wanted(genre) & names) for genre in GENRES)
    return f"{there} of {len(GENRES) * CLIPS} clips of GTZAN"


def _wanted(genre: str) -> set[str]:
    return {f"{genre}.{number:05d}" for number in range(CLIPS)}


def _clips(root: Path) -> list[Path]:
    """Clips of all genres below `root`; hidden files, such as macOS leaves, are none."""
    found: Iterable[Path] = (path for genre in GENRES for path in (root / genre).glob(f"{genre}.*"))
    return sorted(path for path in found if path.suffix.lower() in _SUFFIXES)


def _check(unpacked: Path, trust: Trust, web: Web) -> tuple[Path, str]:
    """Find the folder of genres; count and decode its clips where the hash does not vouch for them."""
    roots = [unpacked, *(path for path in sorted(unpacked.glob("*")) if path.is_dir())]
    root = next((root / inside for root in roots for inside in FOLDERS if _clips(root / inside)), None)
    if root is None:
        raise MirrorError(f"{GTZAN.name}: holds no genres/<genre>/<genre>.NNNNN.wav")
    if trust.verified:
        return root, "genres"
    clips = _clips(root)
    names = {path.stem for path in clips}
    missing = sorted(name for genre in GENRES for name in _wanted(genre) - names)
    if missing and trust.published and missing != [KNOWN_FAULT]:
        raise MirrorError(f"{GTZAN.name}: lacks {files(len(missing))}, such as {missing[0]}.wav")
    if missing:
        web.meter.say(f"warning: {len(names)} of the {len(GENRES) * CLIPS} clips of GTZAN are in this copy")
    with web.meter.working("decoding every clip", sum(path.stat().st_size for path in clips)):
        faults = undecodable(clips, web.meter.advance)
    for path, fault in faults.items():
        if path.stem != KNOWN_FAULT:
            raise MirrorError(
                f"{GTZAN.name}: {plain(path.name)} and {len(faults) - 1} others do not decode ({fault}); "
                "a copy whose SHA-256 is given with --sha256 HEX is taken as it is"
            )
        web.meter.say(f"warning: {plain(path.name)} does not decode ({fault}), as in many copies; it will be left out")
    return root, "genres"
