"""The list of MAESTRO's recordings, in each of the shapes in which it was published."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmonic_core.data.tracks import Side
from harmonic_core.errors import DataError
from harmonic_core.text import plain

_COLUMNS = ("canonical_composer", "canonical_title", "split", "year", "audio_filename", "duration")
_SIDES: tuple[Side, ...] = ("train", "validation", "test")
_FILE = re.compile(r"maestro.*\.(csv|json)", re.IGNORECASE)
_WAY_OUT = "fetch the list anew with `harmonic data download maestro`"
_LEVELS = 2

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Recording:
    """One line of the list. `audio` is the path below the list's folder, raw text from outside."""

    composer: str
    title: str
    side: Side
    year: int
    audio: str
    seconds: float


def find_metadata(folder: Path) -> Path | None:
    """The list in `folder` or up to two levels below it: the nearest, of the newest version, CSV before JSON."""
    level = [os.fspath(folder)]
    for _ in range(_LEVELS + 1):
        entries = [entry for each in level for entry in _entries(each)]
        # Not the entries' own is_file and is_dir, which raise for a link that leads to itself.
        files = [Path(entry) for entry in entries if _FILE.fullmatch(entry.name) and os.path.isfile(entry)]  # noqa: PTH113
        if files:
            return max(sorted(files), key=lambda path: (_version(path), path.suffix.lower() == ".csv"))
        level = [entry.path for entry in entries if os.path.isdir(entry)]  # noqa: PTH112
    return None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.stem)]


def read_metadata(path: Path) -> list[Recording]:
    """Read a list: CSV, JSON by columns (version 3), or JSON by recordings (version 2).

    Raises
    ------
    DataError
        If it cannot be read or is not of this shape, naming file, line and column.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
    recordings = [_recording(path, place, row) for place, row in rows]
    if not recordings:
        raise _malformed(path, "lists no recordings")
    return recordings


def _csv_rows(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise _malformed(path, f"line 1: no column {', '.join(missing)}")
            for row in reader:
                yield f"line {reader.line_num}", row
    except UnicodeDecodeError as error:
        raise _malformed(path, f"is not UTF-8 text: {error.reason}") from None
    except csv.Error as error:
        raise _malformed(path, f"line {reader.reader.line_num}: {error}") from None
    except OSError as error:
        raise _malformed(path, error.strerror or str(error)) from None


def _json_rows(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _malformed(path, f"is not UTF-8 text: {error.reason}") from None
    except json.JSONDecodeError as error:
        raise _malformed(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise _malformed(path, str(error)) from None
    except OSError as error:
        raise _malformed(path, error.strerror or str(error)) from None
    if isinstance(content, list):
        for number, row in enumerate(content, 1):
            if not isinstance(row, dict):
                raise _malformed(path, f"recording {number}: is no object")
            yield f"recording {number}", row
    elif isinstance(content, dict):
        yield from _from_columns(path, content)
    else:
        raise _malformed(path, "is neither a list nor an object")


def _from_columns(path: Path, columns: dict[str, Any]) -> Iterator[tuple[str, Row]]:
    missing = [column for column in _COLUMNS if not isinstance(columns.get(column), dict)]
    if missing:
        raise _malformed(path, f"no column {', '.join(missing)}")
    for index in columns["audio_filename"]:
        yield f"recording {plain(index, 20)}", {column: columns[column].get(index) for column in _COLUMNS}


def _recording(path: Path, place: str, row: Row) -> Recording:
    def text(column: str) -> str:
        value = row.get(column)
        if not isinstance(value, str | int | float) or (column == "audio_filename" and not value):
            raise _malformed(path, f"{place}: no {column}")
        return str(value)

    def number(column: str) -> float:
        try:
            value = float(text(column))
        except ValueError:
            value = math.nan
        if not 0 <= value < 1e6:
            raise _malformed(path, f"{place}: {column} is {plain(text(column), 40)!r}, which is no number it can have")
        return value

    split = text("split")
    side = next((side for side in _SIDES if side == split), None)
    if side is None:
        raise _malformed(path, f"{place}: split is {plain(split, 40)!r}; it can be {', '.join(_SIDES)}")
    return Recording(
        text("canonical_composer"),
        text("canonical_title"),
        side,
        int(number("year")),
        text("audio_filename"),
        number("duration"),
    )


def _malformed(path: Path, reason: str) -> DataError:
    return DataError(f"{plain(str(path))}: {plain(reason, 400)}; {_WAY_OUT}")
