"""A web server on loopback that serves files from memory and misbehaves as it is told."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast


@dataclass
class Manner:
    """How one path is answered; with `times`, only so often, and properly afterwards."""

    times: int | None = None
    status: int | None = None
    """Answer with this status and no file."""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    stall_after: int | None = None
    """Fall silent after so many bytes of the body, until the server is closed."""
    too_long_by: int = 0
    """Promise so many bytes more than there are, or fewer."""
    no_length: bool = False
    """Close the connection at the end instead of saying how much there is."""
    chunked: bool = False
    drip: int | None = None
    """Send so many bytes at a time, with pauses."""
    pause_s: float = 0.01
    only_ranges: bool = False
    """Leave requests for the whole alone."""
    ignores_if_range: bool = False
    wrong_start: bool = False
    """Answer a range with another one."""

    def applies(self, asked: str | None) -> bool:
        """Whether a request, with the range it asks for, is answered in this manner."""
        return self.times != 0 and (asked is not None or not self.only_ranges)


@dataclass
class MisbehavingServer:
    """Serves `files` by path; `manners` says how to misbehave for a path, `requests` what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    manners: dict[str, list[Manner]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    ranges: bool = True
    suffix_ranges: bool = False
    etags: bool = True
    authorization: list[str | None] = field(default_factory=list)
    silences: int = 0
    """Answers in which it has fallen silent."""

    def __enter__(self) -> Self:
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        cast(Any, self._server).misbehaving = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Address of its root folder, without a slash."""
        return f"http://127.0.0.1:{self.port}"

    def misbehave(self, path: str, **manner: Any) -> None:
        """Answer `path` in this manner; one manner after the other where several are given."""
        self.manners[path].append(Manner(**manner))

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for asked, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def served(self) -> MisbehavingServer:
        return cast(MisbehavingServer, cast(Any, self.server).misbehaving)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""

    def handle(self) -> None:
        """Clients that are killed reset their connections."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        served, asked = self.served, self.headers.get("Range")
        path = self.path.partition("?")[0]
        served.requests.append((path, asked))
        served.authorization.append(self.headers.get("Authorization"))
        manner = next((each for each in served.manners[path] if each.applies(asked)), Manner())
        if manner.times is not None:
            manner.times -= 1
        if manner.status is not None or path not in served.files:
            self._refuse(manner.status or 404, manner.headers)
            return
        data = served.files[path]
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"' if served.etags else None
        first, last = 0, len(data) - 1
        wanted = self._range(asked, len(data))
        if_range = self.headers.get("If-Range")
        fits = if_range is None or if_range == etag or manner.ignores_if_range
        partial = served.ranges and asked is not None and fits
        if partial:
            if wanted is None:
                self._refuse(416, {"Content-Range": f"bytes */{len(data)}", **manner.headers})
                return
            first, last = wanted
            if manner.wrong_start:
                first = max(0, first - 1)
        self.send_response(206 if partial else 200)
        if etag:
            self.send_header("ETag", etag)
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        for key, value in manner.headers.items():
            self.send_header(key, value)
        body = data[first : last + 1]
        if manner.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif not manner.no_length:
            self.send_header("Content-Length", str(len(body) + manner.too_long_by))
        self.end_headers()
        self._send(body, manner)

    def _refuse(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _range(self, asked: str | None, size: int) -> tuple[int, int] | None:
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked or "")
        if not match or (not match[1] and not self.served.suffix_ranges):
            return None
        first = int(match[1]) if match[1] else max(0, size - int(match[2]))
        last = int(match[2]) if match[1] and match[2] else size - 1
        return (first, min(last, size - 1)) if first < size else None

    def _send(self, body: bytes, manner: Manner) -> None:
        write: Callable[[bytes], object] = self.wfile.write
        if manner.chunked:
            write = self._write_chunk
        limits = (manner.cut_after, manner.stall_after)
        end = min(len(body), *(limit for limit in limits if limit is not None), len(body))
        step = manner.drip or (1 << 16)
        for start in range(0, end, step):
            if manner.drip and self.served.closing.wait(manner.pause_s):
                break
            write(body[start : min(start + step, end)])
        if manner.stall_after is not None:
            self.wfile.flush()
            self.served.silences += 1
            self.served.closing.wait()
        if manner.chunked and end == len(body):
            self.wfile.write(b"0\r\n\r\n")
        elif end < len(body) or manner.too_long_by or manner.no_length or manner.chunked:
            self.close_connection = True

    def _write_chunk(self, block: bytes) -> None:
        self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
