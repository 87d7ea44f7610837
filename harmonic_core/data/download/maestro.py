"""MAESTRO: two hundred hours of piano in one archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.filesize import decimal

from harmonic_core.data.download.archive import Published, Request, Trust, download_archive
from harmonic_core.data.download.connection import MirrorError, Web
from harmonic_core.data.download.contents import undecodable
from harmonic_core.data.download.unpack import checked_name
from harmonic_core.data.download.workplace import Manifest, is_being_placed, size_of, take_away_remains
from harmonic_core.data.sources.maestro_metadata import Recording, find_metadata, read_metadata
from harmonic_core.errors import DataError
from harmonic_core.run.words import count, files
from harmonic_core.text import plain

BASE_URL = "https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0"
NAME = "maestro-v3.0.0"

MAESTRO = Published(
    dataset="maestro",
    title="MAESTRO",
    name=f"{NAME}.zip",
    urls=(f"{BASE_URL}/{NAME}.zip",),
    size=108_445_099_632,
    sha256="6680fea5be2339ea15091a249fbd70e49551246ddbd5ca50f1b2352c08c95291",
    unpacked_size=120_000_000_000,
    opening=b"PK",
    by_content=False,
    licence="MAESTRO is licensed CC BY-NC-SA 4.0: name its makers, no commercial use, share alike.",
)


def download_maestro(folder: Path, request: Request, web: Web) -> str:
    """Bring all of MAESTRO into `folder` as `maestro-v3.0.0/<year>/…`; nothing is done where it is complete.

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
    if (already := _complete(folder, request.mirror)) is not None:
        take_away_remains(folder)
        return f"{plain(str(folder))}: MAESTRO is complete already, {already}"
    web.meter.say(MAESTRO.licence)
    manifest = download_archive(MAESTRO, folder, request, web, lambda unpacked, trust: _check(unpacked, trust, web))
    size = decimal(sum(manifest.files.values()))
    return f"{plain(str(folder))}: MAESTRO is complete, {files(len(manifest.files))}, {size}"


def metadata_in(root: Path) -> Path | None:
    """List of recordings in the folder `root` itself: the CSV if there is one, else the JSON."""
    return next((path for kind in ("csv", "json") if (path := root / f"{NAME}.{kind}").is_file()), None)


def absent(recordings: Sequence[Recording], root: Path, folder: Path, manifest: Manifest | None) -> list[Recording]:
    """Recordings that are not there, are empty, or have not the size that they had when they arrived."""
    known = manifest.files if manifest is not None else {}

    def there(recording: Recording) -> bool:
        try:
            path = root / checked_name(recording.audio)
        except MirrorError:
            return False
        size = size_of(path)
        return bool(size) and known.get(path.relative_to(folder).as_posix(), size) == size

    return [recording for recording in recordings if not there(recording)]


def _complete(folder: Path, mirror: str | None) -> str | None:
    if is_being_placed(folder):
        return None
    manifest = Manifest.read(folder, MAESTRO.dataset)
    # What one mirror calls all of it need not be all; elsewhere the list of recordings decides.
    if manifest is not None and manifest.whole and manifest.base_url == mirror:
        return files(len(manifest.files)) if not manifest.missing(folder) else None
    if (metadata := find_metadata(folder)) is None:
        return None
    recordings = read_metadata(metadata)
    if absent(recordings, metadata.parent, folder, manifest):
        return None
    return f"{count(len(recordings))} recordings"


def _check(unpacked: Path, trust: Trust, web: Web) -> tuple[Path, str]:
    """Find the list of recordings; see whether they are there and decode, where the hash does not vouch for them."""
    metadata = find_metadata(unpacked)
    if metadata is None:
        raise MirrorError(f"{MAESTRO.name}: holds no {NAME}.csv")
    root = metadata.parent
    if trust.verified:
        return root, NAME
    try:
        recordings = read_metadata(metadata)
    except DataError as error:
        raise MirrorError(f"{MAESTRO.name}: {error}") from None
    missing = {recording.audio for recording in absent(recordings, root, unpacked, None)}
    if len(missing) == len(recordings):
        raise MirrorError(f"{MAESTRO.name}: holds none of the recordings that it lists")
    if missing:
        web.meter.say(f"warning: {len(missing)} of {len(recordings)} listed recordings are not in this copy")
    there = [root / recording.audio for recording in recordings if recording.audio not in missing]
    with web.meter.working("decoding every recording", sum(path.stat().st_size for path in there)):
        faults = undecodable(there, web.meter.advance)
    for path, fault in faults.items():
        raise MirrorError(
            f"{MAESTRO.name}: {plain(path.name)} and {len(faults) - 1} others do not decode ({fault}); "
            "a copy whose SHA-256 is given with --sha256 HEX is taken as it is"
        )
    return root, NAME
