"""One file from one server, begun anew or gone on with, hashed as it comes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import requests
from rich.filesize import decimal

from harmonic_core.data.download.connection import (
    NETWORK_ERRORS,
    TEMPORARY,
    MirrorError,
    Web,
    is_final,
    reason,
    shown,
    status_in_words,
)
from harmonic_core.run.atomic import write_atomically
from harmonic_core.text import plain

_BLOCK = 1 << 18


@dataclass(frozen=True)
class Wanted:
    """What is asked of a server, and what an answer must be like."""

    url: str
    limit: int
    """Most bytes that are taken."""
    size: int | None = None
    """Bytes that it must have; None takes any number up to the limit."""
    opening: bytes = b""
    """Its first bytes, by which an error page is told from an archive at once."""


@dataclass(frozen=True)
class Fetched:
    """A file that has arrived."""

    size: int
    sha256: str
    resumed: bool
    """Whether it was put together from more than one answer, or lay there already."""


@dataclass(frozen=True)
class _Origin:
    """What a part is a part of; lies beside it as JSON."""

    url: str
    size: int | None
    etag: str | None
    last_modified: str | None

    @classmethod
    def of(cls, url: str, response: requests.Response, size: int | None) -> _Origin:
        return cls(shown(url), size, response.headers.get("ETag"), response.headers.get("Last-Modified"))

    @property
    def validator(self) -> str | None:
        """For `If-Range`; a weak ETag is no proof of equal bytes."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def differs(self, other: _Origin) -> bool:
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return any(mine is not None and theirs is not None and mine != theirs for mine, theirs in pairs)


class _FailedError(Exception):
    """An answer that broke off or never came; asking again may help."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


def fetch(web: Web, wanted: Wanted, part: Path, room: Callable[[int], None] = lambda size: None) -> Fetched:
    """Bring the file at `part` to its full length, going on where it was left.

    Parameters
    ----------
    web
        Session, patience and meter.
    wanted
        The file.
    part
        Where it grows; `<part>.json` beside it says what it is a part of. Both stay, whatever happens.
    room
        Told the bytes still to come before they are received; may raise DiskError.

    Raises
    ------
    MirrorError
        If the server refuses, has something else, or gets no further.
    OSError
        If the disk fails.
    """
    try:
        return _Fetch(web, wanted, part, room).run()
    except MirrorError:
        # A part without a byte is not worth going on with.
        if origin_of(part) == shown(wanted.url) and part.stat().st_size == 0:
            discard(part)
        raise


def origin_of(part: Path) -> str | None:
    """Address, as shown, that an unfinished `part` comes from; None if there is none."""
    noted = _noted(part)
    return None if noted is None or not part.exists() else noted.url


def discard(part: Path) -> None:
    """Remove an unfinished file and its note."""
    part.unlink(missing_ok=True)
    _note_of(part).unlink(missing_ok=True)


class _Fetch:
    def __init__(self, web: Web, wanted: Wanted, part: Path, room: Callable[[int], None]) -> None:
        self.web, self.wanted, self.part, self.room = web, wanted, part, room
        self.label = wanted.url.rpartition("/")[2].partition("?")[0]
        self.offset = 0
        self.hash = hashlib.sha256()
        self.origin: _Origin | None = None
        self.answers = 0

    def run(self) -> Fetched:
        meter, patience = self.web.meter, self.web.patience
        self._take_up()
        failures, furthest = 0, self.offset
        with meter.working(self.label, self.origin.size if self.origin else self.wanted.size, self.offset):
            # A part that has all its bytes was complete when something stopped us; nobody need be asked.
            while not (self.offset and self.origin and self.origin.size == self.offset):
                try:
                    self._ask()
                    break
                except _FailedError as error:
                    failures = 1 if self.offset > furthest else failures + 1
                    furthest = max(furthest, self.offset)
                    where = f"{shown(self.wanted.url)}: {error} ({decimal(self.offset)} received)"
                    if failures >= patience.tries:
                        raise MirrorError(f"{where}; gave up after {failures} tries without progress") from None
                    pause = patience.wait_s(failures, error.wait_s)
                    meter.say(f"{where}; trying again in {pause:g} s ({failures + 1} of {patience.tries})")
                    time.sleep(pause)
        return Fetched(self.offset, self.hash.hexdigest(), self.answers > 1)

    def _take_up(self) -> None:
        noted = _noted(self.part)
        # Another server's part stays until this one has answered.
        if noted is None or noted.url != shown(self.wanted.url) or not self.part.exists():
            return
        self.origin, self.answers = noted, 2
        size = self.part.stat().st_size
        with self.web.meter.working(f"{self.label}: reading what is there", size), self.part.open("rb") as file:
            while block := file.read(1 << 20):
                self.hash.update(block)
                self.offset += len(block)
                self.web.meter.advance(len(block))
        if size:
            self.web.meter.say(f"{self.label}: going on after {decimal(size)}")

    def _start_over(self, why: str) -> None:
        self.web.meter.say(f"{shown(self.wanted.url)}: {why}; starting over")
        self._forget()

    def _forget(self) -> None:
        discard(self.part)
        self.offset, self.hash, self.origin, self.answers = 0, hashlib.sha256(), None, 0

    def _ask(self) -> None:
        """One request, and all of its answer."""
        headers = {}
        if self.offset:
            headers["Range"] = f"bytes={self.offset}-"
            if self.origin and self.origin.validator:
                headers["If-Range"] = self.origin.validator
        try:
            response = self.web.get(self.wanted.url, headers)
        except NETWORK_ERRORS as error:
            why = reason(error, self.web.patience)
            if is_final(error):
                raise MirrorError(f"{shown(self.wanted.url)}: {why}") from None
            raise _FailedError(why) from None
        with closing(response):
            if response.status_code == 416 and self.offset and self._has_all(response):
                return
            self._judge(response)
            self._receive(response)

    def _has_all(self, response: requests.Response) -> bool:
        """Whether a refused range means that nothing is missing; what belongs to something else is given up."""
        match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", "").strip())
        total = int(match[1]) if match else self.origin.size if self.origin else None
        if total == self.offset and self.wanted.size in {None, total}:
            return True
        self._start_over(f"has no such part ({status_in_words(416)})")
        raise _FailedError("the file on the server is another one")

    def _judge(self, response: requests.Response) -> None:
        """Accept an answer, place `offset` where its bytes belong, note the origin; raise if it will not do."""
        url, status = shown(self.wanted.url), response.status_code
        if status in TEMPORARY:
            asked = response.headers.get("Retry-After", "")
            raise _FailedError(status_in_words(status), float(asked) if asked.isdecimal() else None)
        if status == 206:
            match = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
            start = int(match[1]) if match else None
            total = int(match[2]) if match and match[2] != "*" else self.origin.size if self.origin else None
            origin = _Origin.of(self.wanted.url, response, total)
            if not self.offset or start != self.offset or (self.origin and self.origin.differs(origin)):
                changed = "the file has changed on the server" if start == self.offset else "sends another part"
                self._start_over(changed)
                raise _FailedError(changed)
        elif status == 200:
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            origin = _Origin.of(self.wanted.url, response, total)
            if self.offset:
                differs = self.origin is not None and self.origin.differs(origin)
                self._start_over("the file has changed on the server" if differs else "the server cannot resume")
        else:
            raise MirrorError(f"{url}: {status_in_words(status)}")
        if total is not None and self.wanted.size not in {None, total}:
            raise MirrorError(f"{url}: has {total} bytes instead of {self.wanted.size}")
        if total is not None and total > self.wanted.limit:
            raise MirrorError(f"{url}: has {decimal(total)}, more than the {decimal(self.wanted.limit)} it may have")
        self.room((total or self.wanted.size or 0) - self.offset)
        if self.offset == 0:
            discard(self.part)
            write_atomically(_note_of(self.part), json.dumps(asdict(origin)))
        self.origin = origin
        self.answers += 1
        self.web.meter.restart(self.offset, total)

    def _receive(self, response: requests.Response) -> None:
        total = self.origin.size if self.origin else None
        with self.part.open("ab") as file:
            try:
                if self.offset == 0 and self.wanted.opening:
                    self._write(file, self._opening(response))
                # Whatever has arrived is taken at once: a slow server's bytes are not lost to a cut.
                while block := response.raw.read1(_BLOCK):
                    self._write(file, block)
            except NETWORK_ERRORS as error:
                raise _FailedError(reason(error, self.web.patience)) from None
            if total is not None and self.offset < total:
                raise _FailedError(f"the connection was cut at {decimal(self.offset)} of {decimal(total)}")
            file.flush()
            os.fsync(file.fileno())

    def _opening(self, response: requests.Response) -> bytes:
        data: bytes = response.raw.read(max(len(self.wanted.opening), 16))
        if data and not data.startswith(self.wanted.opening[: len(data)]):
            start = plain(data.decode("latin-1"), 20)
            raise MirrorError(f"{shown(self.wanted.url)}: is not the archive; it begins with {start!r}")
        return data

    def _write(self, file: BinaryIO, block: bytes) -> None:
        if self.offset + len(block) > self.wanted.limit:
            self._forget()
            raise MirrorError(f"{shown(self.wanted.url)}: sends more than the {decimal(self.wanted.limit)} it may have")
        file.write(block)
        self.hash.update(block)
        self.offset += len(block)
        self.web.meter.advance(len(block))


def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _noted(part: Path) -> _Origin | None:
    try:
        return _Origin(**json.loads(_note_of(part).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
