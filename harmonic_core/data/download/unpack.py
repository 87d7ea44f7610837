"""Archives from outside, unpacked without trust: plain files only, below one folder, no more than was agreed."""

from __future__ import annotations

import errno
import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from rich.filesize import decimal

from harmonic_core.data.download.connection import MirrorError
from harmonic_core.text import plain

_BLOCK = 1 << 20
_LARGEST_READ = 16 << 20
_PART = ".part"


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to."""

    size: int
    """Bytes of all members together."""
    members: int = 20_000


def damage(error: BaseException) -> str | None:
    """What is wrong with the archive, if that is what the error says; None for all else, such as a full disk."""
    if isinstance(error, (tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError)):
        return plain(str(error)) or type(error).__name__
    # tarfile and zipfile trip over some damaged headers in other ways.
    if isinstance(error, (ValueError, NotImplementedError, OverflowError, IndexError, KeyError)):
        return f"cannot be read ({type(error).__name__})"
    return None


def checked_name(name: str) -> str:
    """Name of an archive's member that stays below the folder it is unpacked into, without `./`.

    Raises
    ------
    MirrorError
        If it is absolute, climbs with `..`, or cannot be a file name.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if (
        name.startswith(("/", "\\"))
        or not parts
        or ".." in parts
        or "\\" in name
        or not name.isprintable()
        or len(name) > 1000
        or any(len(part.encode()) > 200 for part in parts)
    ):
        raise MirrorError(f"holds the name {plain(name)!r}, which leads out of the folder or is no file name")
    return "/".join(parts)


def unpack(
    archive: Path, into: Path, limits: Limits, advance: Callable[[int], None], room: Callable[[int], None]
) -> None:
    """Unpack a zip or a tar (plain, gzip) into a folder of its own.

    Members that are there already from an interrupted attempt are not written again; every file gets its name only
    once it is whole and, in a zip, its CRC is right.

    Parameters
    ----------
    archive, into
        The file, and the folder, which is made.
    limits
        Most bytes and members.
    advance
        Told the bytes of the archive that have been dealt with.
    room
        Told, where that is known beforehand, the bytes still to be written; may raise DiskError.

    Raises
    ------
    MirrorError
        If the archive is damaged, or holds links, devices, names that lead elsewhere, or too much.
    OSError
        If the disk fails.
    """
    into.mkdir(exist_ok=True)
    try:
        with archive.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        if is_zip:
            _unpack_zip(archive, _Target(into, limits), advance, room)
        else:
            _unpack_tar(archive, _Target(into, limits), advance)
    except MirrorError as error:
        raise MirrorError(f"{archive.name}: {error}") from None
    except Exception as error:
        if (words := damage(error)) is None:
            raise
        raise MirrorError(f"{archive.name}: damaged: {words}") from None


@dataclass
class _Target:
    """The folder that members go to, and what has been agreed about them."""

    folder: Path
    limits: Limits
    size: int = 0
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    def admit(self, name: str, size: int) -> Path | None:
        """Where a member belongs; None if it is there already."""
        name = checked_name(name)
        self.size += size
        if self.size > self.limits.size or len(self.files) >= self.limits.members:
            raise MirrorError(
                f"holds more than {decimal(self.limits.size)} or {self.limits.members} files, which cannot be right"
            )
        parts = name.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if name in self.files or name in self.folders or above & self.files:
            raise MirrorError(f"holds {plain(name)!r} twice")
        self.files.add(name)
        self.folders |= above
        path = self.folder / name
        if path.is_file() and path.stat().st_size == size:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def write_member(source: IO[bytes], path: Path, size: int, advance: Callable[[int], None] = lambda count: None) -> None:
    """Copy a member of `size` bytes to `path`, which appears only when it is whole.

    Raises
    ------
    EOFError
        If it is shorter.
    OSError
        If the disk fails.
    """
    part = path.with_name(path.name + _PART)
    with part.open("wb") as file:
        while block := source.read(_BLOCK):
            file.write(block)
            advance(len(block))
        if file.tell() != size:
            raise EOFError(f"{path.name} ends after {file.tell()} of {size} bytes")
    part.replace(path)


def checked_member(info: zipfile.ZipInfo) -> str:
    """Checked name of a plain file in a zip.

    Raises
    ------
    MirrorError
        If it is a link or device, is encrypted or oddly compressed, or its name leads elsewhere.
    """
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise MirrorError(f"holds {plain(info.filename)!r}, which is a link or a device")
    if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise MirrorError(f"holds {plain(info.filename)!r}, which is encrypted or oddly compressed")
    return checked_name(info.filename)


def _unpack_zip(archive: Path, target: _Target, advance: Callable[[int], None], room: Callable[[int], None]) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = []
        for info in opened.infolist():
            if info.is_dir():
                checked_name(info.filename)
            else:
                members.append(info)
        wanted = [(info, target.admit(checked_member(info), info.file_size)) for info in members]
        room(sum(info.file_size for info, path in wanted if path is not None))
        for info, path in wanted:
            if path is not None:
                with opened.open(info) as source:
                    write_member(source, path, info.file_size)
            advance(info.compress_size)


def _unpack_tar(archive: Path, target: _Target, advance: Callable[[int], None]) -> None:
    with archive.open("rb") as raw, _plain_stream(raw, target.limits.size) as stream:
        dealt_with = 0
        with tarfile.open(fileobj=stream, mode="r:") as opened:
            for member in opened:
                if not (member.isreg() or member.isdir()) or member.issparse():
                    raise MirrorError(f"holds {plain(member.name)!r}, which is a link or a device")
                if member.isdir() and member.name not in {"", ".", "./"}:
                    checked_name(member.name)
                if member.isreg() and (path := target.admit(member.name, member.size)) is not None:
                    if shutil.disk_usage(target.folder).free < member.size:
                        raise OSError(errno.ENOSPC, "no space left on device", str(path))
                    source = opened.extractfile(member)
                    assert source is not None
                    write_member(source, path, member.size)
                advance(raw.tell() - dealt_with)
                dealt_with = raw.tell()
        # The checksum of gzip stands at its very end.
        while stream.read(_BLOCK):
            pass


@contextmanager
def _plain_stream(raw: BinaryIO, limit: int) -> Iterator[IO[bytes]]:
    """What `raw` holds, without its compression and never more than a little above `limit` bytes."""
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    source: IO[bytes] = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw  # type: ignore[assignment]
    # Headers and padding of 20 000 members stay far below this.
    yield _Bounded(source, limit + (64 << 20))  # type: ignore[misc]


class _Bounded:
    """A stream that refuses to give more than it should, as bombs do, or all of it at once, as false headers ask."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise MirrorError("has a header of absurd size")
        if self._stream.tell() > self._limit:
            raise MirrorError(f"unpacks to more than {decimal(self._limit)}, which cannot be right")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset > self._limit:
            raise MirrorError(f"unpacks to more than {decimal(self._limit)}, which cannot be right")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
