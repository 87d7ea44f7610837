"""Archives of no good intent."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from made_archives import tar_gz, tar_member, zip_of

from harmonic_core.data.download.connection import MirrorError
from harmonic_core.data.download.unpack import Limits, unpack

GOOD = {"genres/pop/pop.00000.wav": b"sound", "genres/README": b""}


def try_to_unpack(tmp_path: Path, archive: bytes, limits: Limits | None = None) -> Path:
    """Unpack into `tmp_path/below/into`, so that there is something above it to be hit."""
    (tmp_path / "below").mkdir(exist_ok=True)
    (tmp_path / "archive").write_bytes(archive)
    into = tmp_path / "below" / "into"
    unpack(tmp_path / "archive", into, limits or Limits(1 << 20), lambda count: None, lambda size: None)
    return into


def outside(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()} | {path.name for path in (tmp_path / "below").iterdir()}


@pytest.mark.parametrize("make", [tar_gz, zip_of])
def test_plain_files_are_unpacked(tmp_path: Path, make: type) -> None:
    into = try_to_unpack(tmp_path, make(GOOD))
    assert {str(path.relative_to(into)): path.read_bytes() for path in into.rglob("*") if path.is_file()} == GOOD


@pytest.mark.parametrize("make", [tar_gz, zip_of])
@pytest.mark.parametrize(
    "name",
    ["../escaped", "genres/../../escaped", "/tmp/escaped", "..\\escaped", "C:\\..\\x", "a/\x1b[31m", "x" * 300, "../"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, make: type, name: str) -> None:
    with pytest.raises(MirrorError, match="leads out of the folder") as refusal:
        try_to_unpack(tmp_path, make({**GOOD, name: b"x"}))
    assert "\x1b" not in str(refusal.value)
    assert outside(tmp_path) == {"archive", "below", "into"}


@pytest.mark.parametrize(
    "member",
    [
        tar_member("genres/link", tarfile.SYMTYPE, "/etc"),
        tar_member("genres/link", tarfile.SYMTYPE, "pop"),
        tar_member("genres/hard", tarfile.LNKTYPE, "genres/README"),
        tar_member("genres/null", tarfile.CHRTYPE),
        tar_member("genres/disk", tarfile.BLKTYPE),
        tar_member("genres/fifo", tarfile.FIFOTYPE),
    ],
    ids=["symlink out", "symlink in", "hard link", "character device", "block device", "fifo"],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(MirrorError, match="a link or a device"):
        try_to_unpack(tmp_path, tar_gz(GOOD, [member]))
    assert not list((tmp_path / "below" / "into").rglob(Path(member.name).name))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    file = io.BytesIO(zip_of(GOOD))
    with zipfile.ZipFile(file, "a") as archive:
        info = zipfile.ZipInfo("genres/link")
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(info, "/etc")
    with pytest.raises(MirrorError, match="a link or a device"):
        try_to_unpack(tmp_path, file.getvalue())


@pytest.mark.parametrize("make", [tar_gz, zip_of])
def test_bombs_are_stopped_at_the_agreed_size(tmp_path: Path, make: type) -> None:
    with pytest.raises(MirrorError, match="more than"):
        try_to_unpack(tmp_path, make({**GOOD, "genres/zeros.wav": bytes(4 << 20)}))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < (2 << 20)


def test_a_gzip_bomb_of_padding_is_stopped(tmp_path: Path) -> None:
    bomb = gzip.compress(gzip.decompress(tar_gz(GOOD)) + bytes(100 << 20), 1)
    with pytest.raises(MirrorError, match="more than"):
        try_to_unpack(tmp_path, bomb, Limits(1 << 10))


def test_a_header_that_promises_gigabytes_is_not_believed(tmp_path: Path) -> None:
    header = tar_member("x", tarfile.XHDTYPE)
    header.size = 4 << 30
    with pytest.raises(MirrorError, match="absurd size"):
        try_to_unpack(tmp_path, gzip.compress(header.tobuf() + bytes(4096)))


@pytest.mark.parametrize("make", [tar_gz, zip_of])
def test_too_many_members_are_refused(tmp_path: Path, make: type) -> None:
    with pytest.raises(MirrorError, match="3 files"):
        try_to_unpack(tmp_path, make({f"genres/{number}": b"" for number in range(4)}), Limits(1 << 20, members=3))


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = gzip.decompress(tar_gz({"genres/a": b"1"}))[: 2 * 512] + gzip.decompress(tar_gz({"genres/a": b"2"}))
    with pytest.raises(MirrorError, match="twice"):
        try_to_unpack(tmp_path, twice)
    with pytest.raises(MirrorError, match="twice"):
        try_to_unpack(tmp_path, tar_gz({"genres/b": b"a file", "genres/b/c": b"in a file"}))


@pytest.mark.parametrize("make", [tar_gz, zip_of])
def test_every_truncation_is_noticed(tmp_path: Path, make: type) -> None:
    whole = make({f"genres/pop/pop.{number:05d}.wav": bytes([number]) * 3000 for number in range(5)})
    for end in range(2, len(whole) - 1, max(1, len(whole) // 40)):
        with pytest.raises(MirrorError, match="archive: "):
            try_to_unpack(tmp_path, whole[:end])


def test_a_flipped_bit_in_a_zip_is_noticed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made", "w") as archive:
        archive.writestr("genres/a.wav", b"sound" * 100)
    altered = bytearray((tmp_path / "made").read_bytes())
    altered[altered.index(b"sound") + 7] ^= 1
    with pytest.raises(MirrorError, match="CRC"):
        try_to_unpack(tmp_path, bytes(altered))
    assert not list((tmp_path / "below" / "into").rglob("*.wav"))


def test_what_an_interruption_left_is_gone_on_with(tmp_path: Path) -> None:
    into = try_to_unpack(tmp_path, tar_gz(GOOD))
    (into / "genres/pop/pop.00000.wav").write_bytes(b"so")
    assert try_to_unpack(tmp_path, tar_gz(GOOD)) == into
    assert (into / "genres/pop/pop.00000.wav").read_bytes() == b"sound"
