"""The folder of a data set while something is downloaded into it: `.download` inside, and what is there at last."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError
from rich.filesize import decimal

from harmonic_core.data.download.connection import MirrorError
from harmonic_core.data.download.unpack import checked_name
from harmonic_core.errors import DataError, DiskError
from harmonic_core.run.atomic import write_atomically
from harmonic_core.text import plain

MANIFEST = ".harmonic-download.json"
_PLACING = "placing.json"


class Manifest(BaseModel):
    """What a download has put into a folder."""

    dataset: str
    whole: bool
    """Whether it is the whole data set; False for some recordings of it."""
    sha256: str | None
    """Of the archive; None where recordings were taken out of a remote one."""
    base_url: str | None = None
    """Mirror it came from, without secrets; None for the known places."""
    files: dict[str, int]
    """Bytes by path below the folder."""

    def missing(self, folder: Path) -> list[str]:
        """Files that are gone or of another size."""
        return [name for name, size in self.files.items() if size_of(folder / name) != size]

    def write(self, folder: Path, by_way_of: Path) -> None:
        """Note it in `folder`, in one step, from the folder of unfinished things `by_way_of`."""
        ordered = self.model_copy(update={"files": dict(sorted(self.files.items()))})
        write_atomically(by_way_of / "manifest.json", ordered.model_dump_json(indent=1) + "\n")
        (by_way_of / "manifest.json").replace(folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path, dataset: str) -> Manifest | None:
        """Read what was noted in a folder; None if there is nothing on this data set that can be understood."""
        try:
            manifest = cls.model_validate_json((folder / MANIFEST).read_bytes())
            for name in manifest.files:
                checked_name(name)
        except (FileNotFoundError, NotADirectoryError, ValidationError, MirrorError):
            return None
        return manifest if manifest.dataset == dataset else None


class Placing(BaseModel):
    """What is left to do once everything is unpacked and found good: a note by which an interrupted move goes on."""

    root: str
    """Folder that is moved, below `unpacked`; `.` is all of it."""
    target: str
    """Its final name below the data set's folder."""
    manifest: Manifest


def size_of(path: Path) -> int | None:
    """Bytes of a file; None if there is no such file."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


class Workplace:
    """A data set's folder, held by this process alone.

    Attributes
    ----------
    folder
        Where the data set belongs.
    path
        `.download` inside it: everything unfinished.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / ".download"
        self.unpacked = self.path / "unpacked"
        self._lock = self.path / "lock"
        self._placing = self.path / _PLACING

    @classmethod
    @contextmanager
    def hold(cls, folder: Path) -> Iterator[Workplace]:
        """Make the folder and hold it; what is empty afterwards is taken away again.

        Raises
        ------
        DataError
            If another download works there, or it is no folder.
        """
        place = cls(folder)
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            place.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise DataError(f"{plain(str(folder))}: is not a folder; give another with --dataset-dir DIR") from None
        descriptor = place._take_lock()
        try:
            yield place
        finally:
            try:
                place._leave()
            finally:
                os.close(descriptor)
            with suppress(OSError):
                for path in made:
                    path.rmdir()

    def _take_lock(self) -> int:
        while True:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                os.close(descriptor)
                raise DataError(
                    f"{plain(str(self.folder))}: another download (process {plain(holder)}) works in this folder; wait "
                    "until it has ended, or choose another folder with --dataset-dir DIR"
                ) from None
            # Its holder removes the lock at the end; one that was removed just now locks nothing.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), self._lock.stat()):
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
                    return descriptor
            os.close(descriptor)

    def _leave(self) -> None:
        if self.path.is_dir() and os.listdir(self.path) == [self._lock.name]:
            self._lock.unlink()
            with suppress(OSError):
                self.path.rmdir()

    def clear(self, *names: str) -> None:
        """Remove what is unfinished: the files and folders named, or everything."""
        for path in self.path.iterdir():
            if path == self._lock or (names and path.name not in names):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def insist_on_room(self, size: int, what: str) -> None:
        """Say so now if the disk cannot take `size` more bytes.

        Raises
        ------
        DiskError
            If it cannot.
        """
        free = shutil.disk_usage(self.path).free
        if size > free:
            raise DiskError(
                f"{plain(str(self.folder))}: {what} needs {decimal(size)} more, and {decimal(free)} are free there; "
                "make room or choose a folder on another disk with --dataset-dir DIR"
            )

    def begin_placing(self, root: Path, target: str, manifest: Manifest) -> None:
        """Note that `root`, below `unpacked`, is whole and good and belongs at `target`, to be noted in `manifest`."""
        sizes = {f"{target}/{path.relative_to(root).as_posix()}": size_of(path) or 0 for path in files_below(root)}
        noted = manifest.model_copy(update={"files": sizes})
        placing = Placing(root=root.relative_to(self.unpacked).as_posix(), target=target, manifest=noted)
        write_atomically(self._placing, placing.model_dump_json())

    def placing(self) -> Placing | None:
        """Read the note of `begin_placing`, if there is one."""
        try:
            return Placing.model_validate_json(self._placing.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def place(self, placing: Placing) -> int:
        """Move everything noted under its final name, replacing files of the same name; the manifest comes after it.

        Returns
        -------
        int
            How many files of another size were there before.
        """
        source, target = self.unpacked / placing.root, self.folder / placing.target
        if source.is_dir() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        differed = self._merge(source, target, placing.manifest.files, placing.target)
        if missing := placing.manifest.missing(self.folder):
            self.clear()
            raise DataError(
                f"{plain(str(self.folder / missing[0]))}: is missing though it was unpacked; something else changes "
                "this folder. The same command downloads it again"
            )
        return differed

    def _merge(self, source: Path, target: Path, files: Mapping[str, int], prefix: str) -> int:
        differed = 0
        for name, size in files.items():
            inside = name.removeprefix(f"{prefix}/")
            if (source / inside).is_file():
                before = size_of(target / inside)
                differed += before is not None and before != size
                (target / inside).parent.mkdir(parents=True, exist_ok=True)
                (source / inside).replace(target / inside)
        return differed


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and in those inside it, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def is_being_placed(folder: Path) -> bool:
    """Whether an attempt ended while it put a data set in its place, so that all may seem to be there."""
    return (folder / ".download" / _PLACING).exists()


def take_away_remains(folder: Path) -> None:
    """Remove what an attempt that ended at its very last step has left in the folder of a complete data set."""
    if (folder / ".download").is_dir():
        with Workplace.hold(folder) as place:
            place.clear()
