"""Small archives of the true layouts, with sound in them, and some of no good intent."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import soundfile

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def wav(seed: int, seconds: float = 0.2, rate: int = 8000) -> bytes:
    """A tone of its own for every seed, as a WAV file."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.05, len(time))
    file = io.BytesIO()
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * (110 + 20 * seed) * time) + noise, rate, format="WAV")
    return file.getvalue()


def gtzan_clips(per_genre: int = 2, genres: Sequence[str] = GENRES) -> dict[str, bytes]:
    """Clips by their path in the archive."""
    return {
        f"genres/{genre}/{genre}.{number:05d}.wav": wav(10 * place + number)
        for place, genre in enumerate(genres)
        for number in range(per_genre)
    }


def tar_gz(files: Mapping[str, bytes], extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A tar of files and of members without content, compressed."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in extra:
            archive.addfile(member)
    return gzip.compress(plain.getvalue(), 1, mtime=0)


def tar_member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A link, device or the like."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


COMPOSERS = ("Frédéric Chopin", "Johann Sebastian Bach", "Franz Schubert / Franz Liszt")


def maestro_rows(count: int = 12) -> list[dict[str, object]]:
    """Lines of MAESTRO's list: half to train on, a quarter each to validate and to test on."""
    splits = ("train", "train", "validation", "test")
    return [
        {
            "canonical_composer": COMPOSERS[number % 3],
            "canonical_title": f"Piece {number}",
            "split": splits[number % 4],
            "year": 2004 + 2 * (number % 3),
            "midi_filename": f"{2004 + 2 * (number % 3)}/piece_{number:02d}.midi",
            "audio_filename": f"{2004 + 2 * (number % 3)}/piece_{number:02d}.wav",
            "duration": 300.0 + 10 * number,
        }
        for number in range(count)
    ]


def maestro_csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The list as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def maestro_json(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The list as JSON by columns."""
    columns = {key: {str(place): row[key] for place, row in enumerate(rows)} for key in rows[0]}
    return json.dumps(columns).encode()


def maestro_sounds(rows: Sequence[Mapping[str, object]]) -> dict[str, bytes]:
    """Sound by its path below the data set's folder."""
    return {str(row["audio_filename"]): wav(100 + place, seconds=1.0) for place, row in enumerate(rows)}


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A zip, compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def maestro_site(rows: Sequence[Mapping[str, object]] | None = None) -> dict[str, bytes]:
    """What a mirror of MAESTRO serves, by path: the archive, and the lists beside it."""
    rows = maestro_rows() if rows is None else rows
    lists = {"maestro-v3.0.0.csv": maestro_csv(rows), "maestro-v3.0.0.json": maestro_json(rows)}
    inside = {f"maestro-v3.0.0/{name}": data for name, data in {**maestro_sounds(rows), **lists}.items()}
    return {
        "/maestro-v3.0.0.zip": zip_of({"maestro-v3.0.0/README": b"piano\n", **inside}),
        **{f"/{name}": data for name, data in lists.items()},
    }
