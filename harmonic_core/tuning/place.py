"""Where the trials of a study are kept: a file beside its runs, or a PostgreSQL server that several machines share."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from harmonic_core.errors import ProfileError
from harmonic_core.text import plain

DATABASE = "study.db"

_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SECRET = frozenset({"password", "sslpassword"})
_LIKE = "postgresql://user@host/database"


@dataclass(frozen=True)
class Place:
    """Where the trials of a study are.

    Attributes
    ----------
    url
        For SQLAlchemy; may hold a password.
    study
        Name of the study there.
    words
        The place in words, without password.
    option
        What `--storage` says, without password; None for the file beside the runs.
    file
        The SQLite file; None for a server.
    """

    url: str = field(repr=False)
    study: str
    words: str
    option: str | None
    file: Path | None

    @property
    def libpq_url(self) -> str:
        """For psycopg itself, of a server."""
        return self.url.replace("postgresql+psycopg:", "postgresql:", 1)

    def hidden(self, text: str) -> str:
        """`text` without this place's password, wherever it stands in it."""
        parts = urlsplit(self.url)
        secrets = {parts.password, *(value for key, value in parse_qsl(parts.query) if key in _SECRET)}
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            for written in {secret, unquote(secret)}:
                text = text.replace(written, "…")
        return text


def place_of(storage: str | None, directory: Path, name: str) -> Place:
    """Where a study is kept.

    Parameters
    ----------
    storage
        A URL, "sqlite:///file" or "postgresql://user@host/database"; None for a file in `directory`.
    directory, name
        Of the study.

    Raises
    ------
    ProfileError
        If it is no such URL. The message holds no password.
    """
    if storage is None:
        file = directory / DATABASE
        return Place(_sqlite(file), "study", plain(str(file)), None, file)
    scheme, divided, rest = storage.partition("://")
    if not divided:
        raise ProfileError(
            f"--storage: what was given is no URL; give {_LIKE}, or sqlite:/// and the path of a file, or leave it out "
            "for a file beside the runs"
        )
    if scheme == "sqlite":
        return _file_of(rest, name)
    if scheme not in _POSTGRESQL:
        raise ProfileError(
            f"--storage: a study cannot be kept in {plain(scheme, 40)}; give {_LIKE}, or leave it out for a file "
            "beside the runs"
        )
    return _server_of(storage, name)


def _sqlite(file: Path) -> str:
    # As a URI: Optuna and SQLAlchemy read meaning into braces and question marks of a bare path.
    return f"sqlite:///file:{quote(os.fsencode(file.absolute()))}?uri=true"


def _file_of(rest: str, name: str) -> Place:
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not path or path.endswith("/"):
        raise ProfileError(
            "--storage: sqlite needs the path of a file, such as sqlite:///studies.db, or sqlite:////data/studies.db "
            "from the root"
        )
    option = f"sqlite:///{path}"
    return Place(_sqlite(Path(path)), name, plain(path), option, Path(path))


def _server_of(storage: str, name: str) -> Place:
    try:
        parts = urlsplit(storage)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ProfileError(f"--storage: the host or port of this URL cannot be read; give {_LIKE}") from None
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in _SECRET]
    database = parts.path.removeprefix("/")
    if not database and not any(key == "dbname" for key, _ in query):
        raise ProfileError(f"--storage: this URL names no database; give {_LIKE}")
    # What follows the last @ alone is no secret.
    user = f"{parts.username}@" if parts.username else ""
    where = parts.netloc.rpartition("@")[2]
    shown = urlunsplit(("postgresql", f"{user}{where}", parts.path, urlencode(query, safe="/:"), ""))
    url = urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, parts.query, ""))
    server = next((value for key, value in query if key == "host"), host or "this machine")
    words = f"PostgreSQL database {unquote(database)} on {server}{f':{port}' if port else ''}"
    return Place(url, name, plain(re.sub(r"\s+", " ", words), 300), shown, None)
