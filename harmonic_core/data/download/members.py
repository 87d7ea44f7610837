"""Single files out of a zip that stays on its server."""

from __future__ import annotations

import re
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from remotezip import PartialBuffer, RemoteZip, RemoteZipError

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
from harmonic_core.data.download.unpack import write_member
from harmonic_core.errors import DataError

_T = TypeVar("_T")


class _AnswerError(Exception):
    """An answer that is of no use now; asking again may help."""


class _Ranges:
    """Gives remotezip the ranges it asks for.

    Only `first-last` is asked of a server, which more of them understand than `-last`, and what comes is checked to
    be what was asked for, out of the same file as before.
    """

    def __init__(self, web: Web, url: str) -> None:
        self._web = web
        self._url = url
        self._size: int | None = None
        self._etag: str | None = None

    def fetch(self, data_range: tuple[int, int | None], stream: bool = False) -> Any:
        """A range of bytes as a file; a negative start counts from the end."""
        first, last = data_range
        if self._size is None:
            self._ask(0, 0).close()
        assert self._size is not None
        first = first if first >= 0 else max(0, self._size + first)
        last = self._size - 1 if last is None else last
        if not first <= last < self._size:
            raise zipfile.BadZipFile("it refers to bytes beyond its end")
        return PartialBuffer(self._ask(first, last).raw, first, last - first + 1, stream)

    def _ask(self, first: int, last: int) -> Any:
        response = self._web.get(self._url, {"Range": f"bytes={first}-{last}"})
        try:
            self._judge(response, first, last)
        except BaseException:
            response.close()
            raise
        return response

    def _judge(self, response: Any, first: int, last: int) -> None:
        status = response.status_code
        if status in TEMPORARY:
            raise _AnswerError(status_in_words(status))
        if status not in {200, 206}:
            raise MirrorError(f"{shown(self._url)}: {status_in_words(status)}")
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", "").strip())
        if status == 200 or not match:
            raise DataError(
                f"{shown(self._url)}: the server cannot send parts of a file, so single recordings cannot be had from "
                "it; without --hours, --split, --years and --composers the whole archive is downloaded"
            )
        size, etag = int(match[3]), response.headers.get("ETag")
        if self._size not in {None, size} or (etag and self._etag and etag != self._etag):
            raise _AnswerError("the archive has changed on the server")
        if (int(match[1]), int(match[2])) != (first, last):
            raise _AnswerError("the server sends another part than was asked for")
        self._size, self._etag = size, etag


class RemoteArchive:
    """A zip on a server, opened anew whenever the connection is lost."""

    def __init__(self, web: Web, url: str) -> None:
        self._web = web
        self._url = url
        self._zip: Any = None
        self._progressed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def members(self) -> dict[str, zipfile.ZipInfo]:
        """Files by name, both with and without the folder that holds all of them.

        Raises
        ------
        MirrorError
            If the server refuses, or fails too often in a row.
        DataError
            If it cannot send parts of a file.
        """
        found = self._persist("table of contents", self._open).infolist()
        members: dict[str, zipfile.ZipInfo] = {info.filename.partition("/")[2]: info for info in found}
        members.update((info.filename, info) for info in found)
        return members

    def copy(self, info: zipfile.ZipInfo, path: Path, total_before: int, total: int) -> None:
        """Bring a member to `path`, which appears when it is whole and its CRC is right.

        Raises
        ------
        MirrorError
            If the server refuses, fails too often in a row, or sends it damaged each time.
        OSError
            If the disk fails.
        """
        furthest, again = 0, False

        def attempt() -> None:
            nonlocal again
            if again:
                self._web.meter.restart(total_before, total)
            again = True
            received = 0

            def advance(count: int) -> None:
                nonlocal received, furthest
                received += count
                self._web.meter.advance(count)
                if received > furthest:
                    furthest, self._progressed = received, True

            # By name: the archive may have been opened anew since `info` was read.
            with self._open().open(info.filename) as source:
                write_member(source, path, info.file_size, advance)

        self._persist(info.filename.rpartition("/")[2], attempt)

    def _open(self) -> Any:
        if self._zip is None:
            self._zip = RemoteZip(self._url, fetcher=lambda *args, **kwargs: _Ranges(self._web, self._url))
        return self._zip

    def _close(self) -> None:
        if self._zip is not None:
            self._zip.close()
            self._zip = None

    def _persist(self, what: str, action: Callable[[], _T]) -> _T:
        """Do something over the network, again if need be."""
        patience, failures = self._web.patience, 0
        while True:
            self._progressed = False
            try:
                return action()
            except (*NETWORK_ERRORS, RemoteZipError, _AnswerError) as error:
                why = str(error) if isinstance(error, _AnswerError) else reason(error, patience)
                final = is_final(error)
            except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, ValueError) as error:
                why, final = f"damaged: {error}", False
            self._close()
            failures = 1 if self._progressed else failures + 1
            where = f"{shown(self._url)}: {what}: {why}"
            if final or failures >= patience.tries:
                raise MirrorError(where if final else f"{where}; gave up after {failures} tries without progress")
            pause = patience.wait_s(failures)
            self._web.meter.say(f"{where}; trying again in {pause:g} s ({failures + 1} of {patience.tries})")
            time.sleep(pause)
