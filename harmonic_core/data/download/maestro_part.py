"""Some of MAESTRO's recordings, straight out of the archive on the server; later wishes add to them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.filesize import decimal

from harmonic_core.data.download.archive import Request
from harmonic_core.data.download.connection import MirrorError, Web, address, shown
from harmonic_core.data.download.fetch import Wanted, discard, fetch
from harmonic_core.data.download.maestro import BASE_URL, MAESTRO, NAME, absent, metadata_in
from harmonic_core.data.download.members import RemoteArchive
from harmonic_core.data.download.unpack import checked_member, checked_name
from harmonic_core.data.download.workplace import Manifest, Workplace, size_of
from harmonic_core.data.sources.maestro_choice import some_hours, wanted
from harmonic_core.data.sources.maestro_metadata import Recording, read_metadata
from harmonic_core.errors import DataError
from harmonic_core.profile.sections import Data
from harmonic_core.run.words import count, music_length
from harmonic_core.text import plain

_METADATA_LIMIT = 64 << 20

_LARGEST_BYTES_PER_S = 96_000 * 2 * 4
"""Stereo with 96 kHz and 32 bits; the published recordings have half of that at most."""

_SLACK = 1 << 20
"""Bytes of a recording's file beside its sound."""


def download_maestro_part(folder: Path, request: Request, data: Data, web: Web) -> str:
    """Bring the recordings that `hours`, `official_parts`, `years` and `composers` mean into `folder`.

    They are those that a profile with these settings trains on. What is there already is not downloaded again.

    Returns
    -------
    str
        What is there now, in words.

    Raises
    ------
    DataError
        If the server does not have it, cannot send parts of a file, or nothing fits the wish.
    DiskError
        If there is too little room.
    """
    with Workplace.hold(folder) as place:
        unfinished = place.path / "part"
        unfinished.mkdir(exist_ok=True)
        try:
            return _complete_part(place, unfinished, request.base_url or BASE_URL, data, web)
        finally:
            place.clear(unfinished.name)


def _complete_part(place: Workplace, unfinished: Path, base: str, data: Data, web: Web) -> str:
    folder = place.folder
    root = folder if (folder / f"{NAME}.csv").is_file() else folder / NAME
    metadata = metadata_in(root)
    if metadata is None:
        web.meter.say(MAESTRO.licence)
        _fetch_metadata(unfinished, base, web)
    chosen = _choose(metadata or metadata_in(unfinished), data)
    manifest = Manifest.read(folder, MAESTRO.dataset)
    held = chosen
    if absent(chosen, root, folder, manifest):
        with RemoteArchive(web, address(base, MAESTRO.name)) as archive:
            held = _bring(archive, place, root, chosen, web)
    else:
        web.meter.say("nothing to download")
        _place_metadata(unfinished, root)
    _note(place, manifest, root, held)
    return f"{plain(str(root))}: {_in_words(held)} are here"


def _choose(metadata: Path | None, data: Data) -> list[Recording]:
    assert metadata is not None
    asked = wanted(read_metadata(metadata), data)
    chosen = asked if data.hours is None else some_hours(asked, data.hours)
    for recording in chosen:
        try:
            checked_name(recording.audio)
        except MirrorError as error:
            raise DataError(f"{plain(str(metadata))}: {error}; remove it, and give another --base-url URL") from None
    return chosen


_METADATA = (f"{NAME}.csv", f"{NAME}.json")


def _fetch_metadata(into: Path, base: str, web: Web) -> None:
    """Download the lists of recordings, CSV and JSON; one of them is enough."""
    problems = []
    for name in _METADATA:
        # Its suffix tells read_metadata what it is to be.
        part, url = into / f"part-{name}", address(base, name)
        try:
            fetch(web, Wanted(url, limit=_METADATA_LIMIT), part)
            read_metadata(part)
        except MirrorError as error:
            problems.append(str(error))
            continue
        except DataError:
            problems.append(f"{shown(url)}: is not MAESTRO's list of recordings")
            discard(part)
            continue
        part.replace(into / name)
        discard(part)
    if metadata_in(into) is None:
        raise DataError(
            f"MAESTRO's list of recordings could not be downloaded: {'; '.join(problems)}. Try again later, or name "
            "another place with --base-url URL"
        )


def _place_metadata(unfinished: Path, root: Path) -> None:
    """Put the lists that have arrived where they belong; one that an interruption left behind too."""
    root.mkdir(exist_ok=True)
    for name in _METADATA:
        if (unfinished / name).is_file():
            (unfinished / name).replace(root / name)


def _bring(archive: RemoteArchive, place: Workplace, root: Path, chosen: list[Recording], web: Web) -> list[Recording]:
    """Download what is not there in its full size; gives the recordings that are there then."""
    members = archive.members()
    held = [recording for recording in chosen if recording.audio in members and members[recording.audio].file_size]
    if not held:
        raise DataError(f"{MAESTRO.name}: holds none of the {len(chosen)} recordings that are asked for")
    if len(held) < len(chosen):
        web.meter.say(f"warning: {len(chosen) - len(held)} listed recordings are not in this copy of MAESTRO")
    lacking = [item for item in held if size_of(root / item.audio) != members[item.audio].file_size]
    for recording in lacking:
        checked_member(members[recording.audio])
        if members[recording.audio].file_size > _LARGEST_BYTES_PER_S * recording.seconds + _SLACK:
            raise DataError(
                f"{MAESTRO.name}: {plain(recording.audio)} unpacks to {decimal(members[recording.audio].file_size)}, "
                f"too much for {music_length(recording.seconds)} of music; name another place with --base-url URL"
            )
    total = sum(members[recording.audio].file_size for recording in lacking)
    to_come = sum(members[recording.audio].compress_size for recording in lacking)
    web.meter.say(
        f"{_in_words(held)}; {count(len(lacking))} of them to download: {decimal(to_come)}, and {decimal(total)} on "
        f"disk, where {decimal(shutil.disk_usage(place.path).free)} are free"
    )
    place.insist_on_room(total, "this part of MAESTRO")
    unfinished = place.path / "part" / "recording"
    _place_metadata(unfinished.parent, root)
    done = 0
    with web.meter.working("recordings", total):
        for recording in lacking:
            member, path = members[recording.audio], root / recording.audio
            archive.copy(member, unfinished, done, total)
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(path)
            done += member.file_size
    return held


def _note(place: Workplace, manifest: Manifest | None, root: Path, there: Sequence[Recording]) -> None:
    """Add recordings to the record of what has been downloaded."""
    before = manifest or Manifest(dataset=MAESTRO.dataset, whole=False, sha256=None, files={})
    paths = [*(root / recording.audio for recording in there), *root.glob(f"{NAME}.*")]
    sizes = {path.relative_to(place.folder).as_posix(): size_of(path) or 0 for path in paths}
    if {**before.files, **sizes} != before.files:
        before.model_copy(update={"files": {**before.files, **sizes}}).write(place.folder, place.path / "part")


def _in_words(recordings: Sequence[Recording]) -> str:
    """`12 recordings, 2.1 h (train 1.5 h, validation 18 min, test 20 min)`."""
    lengths: dict[str, float] = {}
    for recording in recordings:
        lengths[recording.side] = lengths.get(recording.side, 0.0) + recording.seconds
    parts = ", ".join(f"{side} {music_length(seconds)}" for side, seconds in lengths.items())
    number = f"{count(len(recordings))} recording{'' if len(recordings) == 1 else 's'}"
    return f"{number}, {music_length(sum(lengths.values()))} ({parts})"
