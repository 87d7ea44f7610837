"""Talking to servers: addresses fit to be shown, failures in words, and how long to be patient."""

from __future__ import annotations

import http
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3.exceptions

from harmonic_core import __version__
from harmonic_core.data.download.progress import Meter
from harmonic_core.errors import DataError, ProfileError
from harmonic_core.text import plain

CONNECT_TIMEOUT_S = 10.0

TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which asking again may help."""

NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)
"""What `Web.get` and reading an answer raise."""

_NO_TLS = (requests.exceptions.SSLError, urllib3.exceptions.SSLError)
_NO_ADDRESS = (requests.exceptions.InvalidURL, urllib3.exceptions.LocationParseError)


class MirrorError(DataError):
    """What one server has is not to be had or not what it should be; another server may do better."""


@dataclass(frozen=True)
class Patience:
    """How long a server may keep silent, and how often it is asked again."""

    stall_s: float = 30.0
    """Seconds without a single byte after which a connection counts as lost."""

    tries: int = 5
    """Requests in a row that may fail without one more byte than before."""

    first_wait_s: float = 1.0
    """Pause after the first failure; each further one doubles it."""

    longest_wait_s: float = 30.0

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect, seconds between two bytes."""
        return min(CONNECT_TIMEOUT_S, self.stall_s), self.stall_s

    def wait_s(self, failures: int, asked_for: float | None = None) -> float:
        """Seconds to wait after the given number of failures in a row; a server may ask for up to a minute."""
        own = min(self.first_wait_s * 2.0 ** (failures - 1), self.longest_wait_s)
        return own if asked_for is None else max(own, min(asked_for, 60.0))


@dataclass(frozen=True)
class Web:
    """What every request needs: the session, patience with servers, and somebody to tell."""

    session: requests.Session
    patience: Patience
    meter: Meter

    @classmethod
    def open(cls, patience: Patience | None = None) -> Web:
        """Open a session that tells stderr how it goes; answers come as they are stored, never compressed once more."""
        session = requests.Session()
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": f"harmonic-vae/{__version__}"})
        return cls(session, patience or Patience(), Meter())

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Ask for `url`, following redirects; the body is left to be read.

        Raises
        ------
        requests.RequestException
            If no answer comes.
        """
        try:
            return self.session.get(url, headers=dict(headers or {}), stream=True, timeout=self.patience.timeout)
        except requests.RequestException:
            raise
        except ValueError as error:
            # A redirect to what urllib cannot even take apart.
            raise requests.exceptions.InvalidURL(str(error)) from None


def checked_base_url(text: str) -> str:
    """Address of a mirror's folder.

    Raises
    ------
    ProfileError
        If it is no HTTP address.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise ProfileError(
            f"--base-url {shown(text)!r} is not an address that can be downloaded from; it begins with http:// or "
            "https:// and names the folder in which the archive lies"
        )
    return text


def address(base_url: str, name: str) -> str:
    """Address of the file `name` in the folder `base_url`; a query (such as a token) stays at the end."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}", fragment=""))


def shown(url: str) -> str:
    """Address without name, password, query and fragment, which may be secret."""
    try:
        parts = urlsplit(url)
        return plain(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")))
    except ValueError:
        return plain(url.rpartition("@")[2])


def status_in_words(status: int) -> str:
    """`HTTP 404 (not found)`."""
    try:
        return f"HTTP {status} ({http.HTTPStatus(status).phrase.lower()})"
    except ValueError:
        return f"HTTP {status}"


def reason(error: BaseException, patience: Patience) -> str:
    """Why a request failed, in words without addresses."""
    causes = list(_causes(error))
    for kind, words in (
        (requests.TooManyRedirects, "redirects that never end"),
        (requests.exceptions.InvalidSchema, "redirects to an address that is not HTTP"),
        (_NO_ADDRESS, "leads to an address that is none"),
        ((urllib3.exceptions.NameResolutionError, socket.gaierror), "the server's name is unknown here"),
        (_NO_TLS, "no secure connection (TLS)"),
        (ConnectionRefusedError, "the connection was refused"),
        (requests.ConnectTimeout, f"no connection within {patience.timeout[0]:g} s"),
        ((urllib3.exceptions.TimeoutError, requests.Timeout, TimeoutError), f"not a byte for {patience.stall_s:g} s"),
        ((urllib3.exceptions.ProtocolError, requests.exceptions.ChunkedEncodingError), "the connection was cut"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__


def is_final(error: BaseException) -> bool:
    """Whether asking again cannot help: the address itself leads nowhere, or to nobody to be trusted."""
    final = (requests.TooManyRedirects, requests.exceptions.InvalidSchema, *_NO_ADDRESS, *_NO_TLS)
    return any(isinstance(cause, final) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was made from; urllib3 keeps causes in `reason`, requests in `args`."""
    for _ in range(8):
        if error is None:
            return
        yield error
        inside = [item for item in (getattr(error, "reason", None), *error.args) if isinstance(item, BaseException)]
        error = inside[0] if inside else error.__cause__ or error.__context__
