"""Latents of whole files, kept in one npz, and read again by whoever trusts nothing in it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonic_core.errors import DataError, DiskError
from harmonic_core.run.atomic import lacks_room, write_atomically
from harmonic_core.text import plain

_MOST_BYTES = 2**30
_LONGEST_NAME = 200
_TYPES: dict[str, tuple[str, int]] = {
    # Kind of numbers, and dimensions.
    "mu": ("f", 2),
    "logvar": ("f", 2),
    "starts": ("i", 1),
    "file_index": ("i", 1),
    "samples": ("i", 1),
    "names": ("U", 1),
    "sample_rate": ("i", 0),
    "segment": ("i", 0),
    "fingerprint": ("U", 0),
    "tags": ("U", 0),
}


@dataclass(frozen=True)
class Encoded:
    """Latents of one file or several, as `harmonic encode` writes them: each attribute is an array of the npz.

    Attributes
    ----------
    mu, logvar : (segments, latent_dim) float32
        Posterior means, and logarithms of the variances.
    starts : (segments,) int64
        First sample of each segment in its file.
    file_index : (segments,) int64
        Number of the file that each segment is from, rising.
    samples : (files,) int64
        Length of each file at `sample_rate`.
    names : (files,) str
        Name of each, without its folder, fit to be shown.
    sample_rate
        In Hz.
    segment
        Samples of a segment.
    fingerprint
        Of the model; see `Opened.fingerprint`.
    tags
        What it says of itself.
    """

    mu: NDArray[np.float32]
    logvar: NDArray[np.float32]
    starts: NDArray[np.int64]
    file_index: NDArray[np.int64]
    samples: NDArray[np.int64]
    names: NDArray[np.str_]
    sample_rate: int
    segment: int
    fingerprint: str
    tags: Mapping[str, str]

    def part(self, number: int) -> Encoded:
        """The same of one of its files alone."""
        mine, one = self.file_index == number, slice(number, number + 1)
        return replace(
            self,
            mu=self.mu[mine],
            logvar=self.logvar[mine],
            starts=self.starts[mine],
            file_index=np.zeros(int(mine.sum()), np.int64),
            samples=self.samples[one],
            names=self.names[one],
        )


def write_latents(path: Path, encoded: Encoded) -> None:
    """Write latents to `path`, whole or not at all. Raises DiskError if that cannot be."""
    arrays: dict[str, Any] = {name: getattr(encoded, name) for name in _TYPES if name != "tags"}
    file = io.BytesIO()
    np.savez(file, **arrays, tags=json.dumps(dict(encoded.tags)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, file.getvalue())
    except OSError as error:
        way_out = "free some room" if lacks_room(error) else "choose another folder"
        reason = (error.strerror or str(error)).lower()
        raise DiskError(f"{plain(str(path))}: cannot be written: {reason}; {way_out}") from error


def read_latents_file(path: Path) -> Encoded:
    """Read what `write_latents` wrote. Nothing in it is ever executed, and nothing larger than it may be is unpacked.

    Raises
    ------
    DataError
        If it is something else, or damaged.
    OSError
        If it is gone or may not be read.
    """
    shown = plain(str(path))
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            _insist_on_members(archive)
        with np.load(path, allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in _TYPES}
        found = _put_together(arrays)
    except IsADirectoryError:
        raise DataError(f"{shown}: is a folder; name a file of latents by `harmonic encode`") from None
    except _NotLatentsError as error:
        raise DataError(f"{shown}: {error}; `harmonic encode` writes such files") from None
    except (ValueError, KeyError, EOFError, TypeError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        raise DataError(f"{shown}: no file of latents, or damaged; `harmonic encode` writes them") from None
    return found


class _NotLatentsError(Exception):
    """What is wrong, in a few words."""


def _insist_on_members(archive: zipfile.ZipFile) -> None:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if missing := [name for name in _TYPES if name not in members]:
        raise _NotLatentsError(f"no {', '.join(missing)} in it")
    total = sum(members[name].file_size for name in _TYPES)
    if total > _MOST_BYTES:
        raise _NotLatentsError(
            f"would unpack to {total / 2**30:.1f} GiB, and latents of days of music have less than one"
        )
    for name, (kind, dimensions) in _TYPES.items():
        with archive.open(members[name]) as member:
            shape, dtype = _header(member)
        if dtype.kind != kind or len(shape) != dimensions:
            raise _NotLatentsError(f"{name} is not what it should be: {plain(str(dtype), 40)}, {len(shape)} dimensions")
        if (
            not 0
            <= int(np.prod([int(each) for each in shape], dtype=object)) * dtype.itemsize
            <= members[name].file_size
        ):
            raise _NotLatentsError(f"{name} says that it is larger than it is")


def _header(member: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    return shape, dtype


def _put_together(arrays: dict[str, NDArray[Any]]) -> Encoded:
    mu, logvar, starts, file = arrays["mu"], arrays["logvar"], arrays["starts"], arrays["file_index"]
    if not len(mu) or not mu.shape[1]:
        raise _NotLatentsError("holds no segment")
    if logvar.shape != mu.shape or len(starts) != len(mu) or len(file) != len(mu):
        raise _NotLatentsError("mu, logvar, starts and file_index are of different lengths")
    if not (np.isfinite(mu).all() and np.isfinite(logvar).all()):
        raise _NotLatentsError("holds latents that are not finite numbers")
    samples, names, segment = arrays["samples"], arrays["names"], int(arrays["segment"])
    count = len(samples)
    if len(names) != count or not np.array_equal(np.unique(file), np.arange(count)) or (np.diff(file) < 0).any():
        raise _NotLatentsError("its segments and its files do not agree")
    for number in range(count):
        mine = starts[file == number]
        ends = int(mine[-1]) + segment
        if mine[0] != 0 or (np.diff(mine) <= 0).any() or (np.diff(mine) > segment).any():
            raise _NotLatentsError("its segments do not follow each other")
        if not 0 < samples[number] <= ends + segment:
            raise _NotLatentsError("its segments do not reach to the end")
    tags = json.loads(str(arrays["tags"]))
    return Encoded(
        mu=mu.astype(np.float32),
        logvar=logvar.astype(np.float32),
        starts=starts.astype(np.int64),
        file_index=file.astype(np.int64),
        samples=samples.astype(np.int64),
        names=np.array([plain(str(name), _LONGEST_NAME) for name in names]),
        sample_rate=int(arrays["sample_rate"]),
        segment=segment,
        fingerprint=str(arrays["fingerprint"]),
        tags={str(key): str(text) for key, text in tags.items()} if isinstance(tags, dict) else {},
    )
