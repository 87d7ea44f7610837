"""A data set that comes as one archive: mirrors in order, verified, unpacked, looked through, put in its place."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harmonic_core.data.download.connection import NETWORK_ERRORS, MirrorError, Web, address, shown
from harmonic_core.data.download.fetch import Fetched, Wanted, discard, fetch, origin_of
from harmonic_core.data.download.unpack import Limits, unpack
from harmonic_core.data.download.workplace import Manifest, Workplace, size_of
from harmonic_core.errors import DataError
from harmonic_core.run.atomic import write_atomically
from harmonic_core.text import plain

_SUMS_LIMIT = 1 << 16


@dataclass(frozen=True)
class Published:
    """An archive as its makers published it."""

    dataset: str
    title: str
    name: str
    """Its file name, in the official place and at a mirror."""
    urls: tuple[str, ...]
    """Where it is, the official place first."""
    size: int
    sha256: str
    unpacked_size: int
    """About how many bytes it unpacks to."""
    opening: bytes
    """The first bytes of its format."""
    by_content: bool
    """Whether a copy with another hash will do if everything in it is right."""
    licence: str


@dataclass(frozen=True)
class Request:
    """What the user asks for beside the data set."""

    base_url: str | None = None
    """Folder of a mirror that is used instead of the known places."""
    sha256: str | None = None
    """Hash that the archive must have."""
    keep_archive: bool = False

    @property
    def mirror(self) -> str | None:
        """The mirror as it may be noted, without secrets; None for the known places."""
        return None if self.base_url is None else shown(self.base_url).rstrip("/")


@dataclass(frozen=True)
class Trust:
    """How far an archive is known to be the right one."""

    verified: bool
    """Its hash is the one that was expected."""
    published: bool
    """It passes for the published data set, so it has to hold all of it."""


Check = Callable[[Path, Trust], tuple[Path, str]]
"""Looks through what was unpacked; gives the folder to move and its final name. Raises MirrorError if it is wrong."""


def download_archive(published: Published, folder: Path, request: Request, web: Web, check: Check) -> Manifest:
    """Bring the whole of a data set into `folder`, going on with whatever an earlier attempt has left there.

    Parameters
    ----------
    published
        The archive.
    folder
        Where the data set belongs.
    request
        Mirror, hash and whether to keep the archive.
    web
        Session, patience, meter.
    check
        Looks through the unpacked files.

    Raises
    ------
    DataError
        If no server has it whole and right, or another download works in the folder.
    DiskError
        If there is too little room.
    OSError
        If the disk fails.
    """
    with Workplace.hold(folder) as place:
        return _Download(published, place, request, web, check).run()


class _Download:
    def __init__(self, published: Published, place: Workplace, request: Request, web: Web, check: Check) -> None:
        self.published, self.place, self.request, self.web, self.check = published, place, request, web, check
        self.archive = place.path / published.name
        self.note = place.path / f"{published.name}.json"
        self.part = place.path / f"{published.name}.part"
        self.kept = place.folder / published.name
        base = request.base_url
        self.urls = published.urls if base is None else (address(base, published.name),)

    def run(self) -> Manifest:
        if self.place.placing() is None:
            self._prepare()
        placing = self.place.placing()
        if placing is None:
            raise DataError(f"{plain(str(self.place.path))}: changed while it was in use; the same command begins anew")
        if differed := self.place.place(placing):
            self.web.meter.say(f"{differed} files of another size were replaced")
        if self.request.keep_archive and self.archive.exists():
            self.archive.replace(self.kept)
        # Last of all: with it the data set is complete, and nothing is looked at any more.
        placing.manifest.write(self.place.folder, self.place.path)
        self.place.clear()
        return placing.manifest

    def _prepare(self) -> None:
        """Try the archive that lies in the folder, then the servers in order, until one passes."""
        if self.kept.is_file() and self._use_kept():
            return
        problems = []
        for url in self._in_order():
            try:
                self._take_from(url)
            except MirrorError as error:
                problems.append(str(error))
                if len(problems) < len(self.urls):
                    self.web.meter.say(f"{error}; trying the next address")
            else:
                return
        raise DataError(
            f"{self.published.title} could not be downloaded: {'; '.join(problems)}. Try again later, or name another "
            "place with --base-url URL"
        )

    def _in_order(self) -> list[str]:
        """The addresses; one that an unfinished archive comes from goes first."""
        begun = {origin_of(self.part), self._arrived_from()}
        return sorted(self.urls, key=lambda url: shown(url) not in begun)

    def _use_kept(self) -> bool:
        size = self.kept.stat().st_size
        self.web.meter.say(f"{self.published.name} lies in the folder already")
        fetched = Fetched(size, self._hash(self.kept, size), resumed=False)
        expected = self.request.sha256 or (self.published.sha256 if self.request.base_url is None else None)
        if fetched.sha256 != expected:
            self.web.meter.say("its SHA-256 is not the expected one, so it is left alone and another copy downloaded")
            return False
        try:
            self._accept(self.kept, fetched, Trust(verified=True, published=expected == self.published.sha256))
        except MirrorError as error:
            self.place.clear()
            self.web.meter.say(f"{error}; it is left alone, and another copy downloaded")
            return False
        return True

    def _take_from(self, url: str) -> None:
        listed = None if self.request.base_url is None or self.request.sha256 else self._listed_sha256()
        while True:
            fetched = self._fetched(url)
            try:
                self._accept(self.archive, fetched, self._trust(url, fetched, listed))
            except MirrorError as error:
                self.place.clear()
                if not fetched.resumed:
                    raise
                self.web.meter.say(f"{error}; it was put together from parts, so once more from the beginning")
            else:
                return

    def _fetched(self, url: str) -> Fetched:
        """Bring the archive here, or take the one that has arrived already."""
        if self._arrived_from() == shown(url):
            size = self.archive.stat().st_size
            return Fetched(size, self._hash(self.archive, size), resumed=True)
        official = self.request.base_url is None
        if official:
            there = size_of(self.part) or 0
            self.place.insist_on_room(self.published.size - there + self.published.unpacked_size, self._what)
        exact = self.published.size if official and not self.published.by_content else None
        wanted = Wanted(url, limit=self._limit, size=exact, opening=self.published.opening)
        self.web.meter.say(f"{self.published.name} from {shown(url)}")
        fetched = fetch(self.web, wanted, self.part, self._insist_on_room)
        self.place.clear(self.place.unpacked.name)
        write_atomically(self.note, json.dumps({"url": shown(url)}))
        self.part.replace(self.archive)
        discard(self.part)
        return fetched

    def _arrived_from(self) -> str | None:
        try:
            return str(json.loads(self.note.read_bytes())["url"]) if self.archive.is_file() else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @property
    def _limit(self) -> int:
        return self.published.size + self.published.size // 5

    @property
    def _what(self) -> str:
        return f"{self.published.title} (archive and unpacked files)"

    def _insist_on_room(self, to_come: int) -> None:
        there = size_of(self.part) or 0
        unpacked = (to_come + there) * self.published.unpacked_size // self.published.size
        self.place.insist_on_room(to_come + unpacked, self._what)

    def _hash(self, archive: Path, size: int) -> str:
        digest = hashlib.sha256()
        with self.web.meter.working(f"{archive.name}: checking", size), archive.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                self.web.meter.advance(len(block))
        return digest.hexdigest()

    def _listed_sha256(self) -> str | None:
        """Hash from a list beside the archive at a mirror, where there is one."""
        base = self.request.base_url
        for name in ("SHA256SUMS", f"{self.published.name}.sha256") if base else ():
            try:
                with closing(self.web.get(address(base or "", name))) as response:
                    text = response.raw.read(_SUMS_LIMIT).decode("latin-1") if response.status_code == 200 else ""
            except NETWORK_ERRORS:
                continue
            of_this = rf"^([0-9a-fA-F]{{64}})(?:[ \t]+[*]?(?:\./)?{re.escape(self.published.name)})?[ \t]*\r?$"
            if match := re.search(of_this, text, re.MULTILINE):
                return match[1].lower()
        return None

    def _trust(self, url: str, fetched: Fetched, listed: str | None) -> Trust:
        """What the hash says; raises MirrorError where it says no."""
        published, say = self.published, self.web.meter.say
        passes_for_it = self.request.base_url is None or fetched.size == published.size
        # A list from the same server can speak against the archive, never for what is in it.
        if listed not in {None, fetched.sha256}:
            raise MirrorError(f"{shown(url)}: has the SHA-256 {fetched.sha256} instead of {listed}")
        expected = self.request.sha256 or (published.sha256 if passes_for_it else None)
        if expected is None:
            known = (
                "The SHA-256 is known only from the mirror itself" if listed else "No SHA-256 is known for this copy"
            )
            say(f"{known} (--sha256 HEX would give one), so every file in it is looked at.")
            return Trust(verified=False, published=False)
        if fetched.sha256 == expected:
            say("SHA-256: as expected")
            return Trust(verified=True, published=expected == published.sha256)
        if published.by_content and not self.request.sha256:
            say(f"SHA-256: {fetched.sha256}, not that of the published archive, so every file in it is looked at.")
            return Trust(verified=False, published=True)
        raise MirrorError(f"{shown(url)}: has the SHA-256 {fetched.sha256} instead of {expected}")

    def _accept(self, archive: Path, fetched: Fetched, trust: Trust) -> None:
        """Unpack, look through, and note what is to be put in place."""
        published = self.published
        # Recorded sound packs to half at best; digital silence and short test sounds to much less.
        largest = min(published.unpacked_size * 2, max(50 * fetched.size, 64 << 20))
        with self.web.meter.working(f"{archive.name}: unpacking", fetched.size):
            unpack(
                archive,
                self.place.unpacked,
                Limits(largest),
                self.web.meter.advance,
                lambda size: self.place.insist_on_room(size, "unpacking"),
            )
        root, target = self.check(self.place.unpacked, trust)
        manifest = Manifest(
            dataset=published.dataset,
            whole=True,
            sha256=fetched.sha256,
            base_url=self.request.mirror,
            files={},
        )
        self.place.begin_placing(root, target, manifest)
