"""A real PostgreSQL, begun by tests, for studies that several machines share."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from programs import wait_until

PASSWORD = "s3cret/with@signs"


@dataclass
class DatabaseServer:
    """A server with one user, `harmonic`, whose password is `PASSWORD`, on a port of this machine alone."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="harmonic-postgresql-")))
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make a cluster and begin to serve it; the server refuses to be root."""
        data, secret = self.folder / "data", self.folder / "password"
        data.mkdir()
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (self.folder, data, secret):
                shutil.chown(path, self._user)
        self._do("initdb", "-D", str(data), "-U", "harmonic", "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.serve()

    def serve(self) -> None:
        """Serve the cluster, for the first time or again."""
        data = self.folder / "data"
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "fsync": "off"}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self._process = subprocess.Popen(
            [self._program("postgres"), "-D", str(data), "-p", str(self.port), *options],
            cwd=self.folder,
            user=self._user,
            stderr=(self.folder / "log").open("ab"),
        )
        wait_until(self._answers, "the database answers")

    def url(self, database: str, password: str = "s3cret%2Fwith%40signs") -> str:
        """What `--storage` takes; the database is made if it is not there."""
        with self._connect("postgres") as connection, suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {database}")
        return f"postgresql://harmonic:{password}@127.0.0.1:{self.port}/{database}"

    def pause(self) -> None:
        """End it; `serve` has it back with all that it had."""
        if self._process:
            # SIGTERM would have it wait for its clients.
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def stop(self) -> None:
        """End it, and take away what it had."""
        self.pause()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="harmonic", password=PASSWORD, dbname=database, autocommit=True
        )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        with suppress(psycopg.OperationalError), self._connect("postgres"):
            return True
        return False

    @property
    def _user(self) -> str | None:
        if os.getuid():
            return None
        known = {each.pw_name for each in pwd.getpwall()}
        return "postgres" if "postgres" in known else "nobody"

    def _do(self, program: str, *arguments: str) -> None:
        environment = {**os.environ, "LC_ALL": "C"}
        subprocess.run(
            [self._program(program), *arguments],
            cwd=self.folder,
            user=self._user,
            env=environment,
            check=True,
            capture_output=True,
        )

    @staticmethod
    def _program(name: str) -> str:
        """Debian keeps the server's programs off the path."""
        installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = shutil.which(name) or (str(installed[-1]) if installed else "")
        assert found, f"PostgreSQL's {name} is missing; `make test-deps` installs it"
        return found
