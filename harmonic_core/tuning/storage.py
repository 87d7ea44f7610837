"""The memory of a study, in a database: opened, claimed for a moment, and told in plain words when it fails."""

from __future__ import annotations

import binascii
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from harmonic_core.errors import DiskError, HarmonicError, RunError
from harmonic_core.text import plain
from harmonic_core.tuning.lock import LOOK_S, StoppedError, held_file
from harmonic_core.tuning.place import DATABASE, Place

_HEARTBEAT_LIMIT_S = 150
"""Longer than a trainer may take to end, while its supervisor waits for it."""
_HEARTBEAT_S = 10.0
_PATIENCE_S = 60
"""How long a file that others write is waited for."""
_CONNECT_S = 15
_OF_A_FILE = {"connect_args": {"timeout": _PATIENCE_S}}
# A server that was set up without a locale would give bytes in the place of text.
_OF_A_SERVER = {
    "pool_pre_ping": True,
    "connect_args": {"client_encoding": "utf8", "connect_timeout": _CONNECT_S, "application_name": "harmonic tune"},
}
_CONDITIONS = "conditions"
OPENING = 0x4A52
"""Lock of a server under which tables are made."""


class ServerLostError(RunError):
    """A server that a study is kept on can be used no more, in the midst of it."""


class Memory:
    """A study in its database.

    Parameters
    ----------
    study
        As Optuna knows it.
    storage, place
        Where it is.

    Attributes
    ----------
    study
        As Optuna knows it.
    """

    def __init__(self, study: optuna.Study, storage: RDBStorage, place: Place) -> None:
        self.study = study
        self._storage, self._place = storage, place
        self._beaten = 0.0

    @contextmanager
    def claim(self, stopped: Callable[[], bool]) -> Iterator[None]:
        """Be the only one, on all machines, who begins trials or begins them again, for the length of the block.

        Raises
        ------
        StoppedError
            If `stopped` says so while somebody else is.
        """
        wait = held_file(self._place.file, stopped) if self._place.file else self._held_server(stopped)
        with wait:
            yield

    @contextmanager
    def _held_server(self, stopped: Callable[[], bool]) -> Iterator[None]:
        key = binascii.crc32(f"harmonic tune {self._place.study}".encode())
        with self._storage.engine.connect() as connection:
            try:
                while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({key})").scalar():
                    if stopped():
                        raise StoppedError
                    time.sleep(LOOK_S)
                yield
            finally:
                # The lock is the connection's, and goes with it: also where this process is killed.
                connection.invalidate()

    def beat(self, trial: optuna.Trial, *, at_once: bool = False) -> None:
        """Say now and then that a trial's supervisor is there; another machine takes up what falls silent."""
        now = time.monotonic()
        if at_once or now - self._beaten >= _HEARTBEAT_S:
            self._beaten = now
            self._storage.record_heartbeat(trial._trial_id)

    @contextmanager
    def told_plainly(self) -> Iterator[None]:
        """Turn what a database fails with into one line.

        Raises
        ------
        ServerLostError
            If a server cannot be used any more.
        DiskError
            If a file cannot.
        """
        try:
            yield
        except (StorageInternalError, SQLAlchemyError) as error:
            cause = (error.__cause__ or error) if isinstance(error, StorageInternalError) else error
            if self._place.file:
                raise _failure(self._place, cause) from error
            raise ServerLostError(
                f"--storage: {self._place.words} was lost: {_said(self._place, cause)}; once it is there again, the "
                "same command continues the study"
            ) from error


def open_study(
    place: Place, directory: Path, conditions: Mapping[str, object], parts: int, stopped: Callable[[], bool]
) -> Memory:
    """Open a study, or begin it.

    Parameters
    ----------
    place
        Where its trials are kept.
    directory
        Where its runs are; made if it is not there.
    conditions
        What all trials share, by key path, and what is searched: JSON values. Figures measured under other conditions
        say nothing about each other.
    parts
        Numbers that a trial comes to, all to be minimised.
    stopped
        Asked while others open it.

    Raises
    ------
    RunError
        If the directory or the database holds something else, a study under other conditions, or the server cannot be
        used.
    DiskError
        If a file cannot be written.
    StoppedError
        If `stopped` says so.
    """
    with _held_for_opening(place, directory, stopped):
        try:
            storage = RDBStorage(
                place.url,
                engine_kwargs=_OF_A_FILE if place.file else _OF_A_SERVER,
                heartbeat_interval=int(_HEARTBEAT_S),
                grace_period=_HEARTBEAT_LIMIT_S,
            )
            study = optuna.create_study(
                storage=storage, study_name=place.study, directions=["minimize"] * parts, load_if_exists=True
            )
            _insist_on_same_conditions(study, place, directory, conditions, parts)
            if not study.get_trials(deepcopy=False) and any(directory.glob("trial-*")):
                raise RunError(
                    f"{plain(str(directory))}: trials of a study lie here, but {place.words} knows none of them; "
                    "choose another --study"
                )
        except StorageInternalError as error:
            raise _failure(place, error.__cause__ or error) from error
        except SQLAlchemyError as error:
            raise _failure(place, error) from error
        except RuntimeError as error:
            # Optuna's word on tables that another version of it has made.
            raise RunError(f"{place.words}: {plain(place.hidden(str(error)), 300)}") from error
    return Memory(study, storage, place)


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(
            f"{plain(str(directory))}: the study cannot be made there: {error.strerror or error}"
        ) from error


def _look_at(file: Path, directory: Path) -> None:
    """Refuse a file that is no database, before anything is written into it."""
    if not file.exists() and any(directory.glob("trial-*")):
        raise RunError(
            f"{plain(str(directory))}: trials of a study lie here, but not its {file.name}; choose another --study"
        )
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        raise DiskError(f"{plain(str(file))}: the study cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise RunError(f"{plain(str(file))} is not a study ({error}); choose another --study") from error


@contextmanager
def _held_for_opening(place: Place, directory: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Be the only one who makes tables, once it is clear that they can be made."""
    if place.file:
        _make_directory(directory)
        _look_at(place.file, directory)
        with held_file(place.file, stopped):
            yield
        return
    with _reached(place, stopped):
        _make_directory(directory)
        if (directory / DATABASE).exists():
            raise RunError(
                f"{plain(str(directory))}: a study with a database of its own lies here; choose another --study"
            )
        yield


@contextmanager
def _reached(place: Place, stopped: Callable[[], bool]) -> Iterator[None]:
    """Reach a server, and be the only one there who opens a study."""
    try:
        import psycopg
    except ImportError:
        raise RunError(
            "--storage: PostgreSQL needs a driver that is not installed; `pip install 'harmonic-vae[postgresql]'` "
            "brings it"
        ) from None
    try:
        connection = psycopg.connect(place.libpq_url, connect_timeout=_CONNECT_S, autocommit=True)
        while connection.execute("SELECT pg_try_advisory_lock(%s)", (OPENING,)).fetchone() != (True,):
            if stopped():
                connection.close()
                raise StoppedError
            time.sleep(LOOK_S)
    except psycopg.Error as error:
        raise _failure(place, error) from None
    with connection:
        yield


def _said(place: Place, error: BaseException) -> str:
    """What a database complains of, on one line and without password."""
    lines = [line.strip() for line in str(getattr(error, "orig", None) or error).splitlines() if line.strip()]
    # libpq lists every address that it tried; each says the same.
    return plain(place.hidden(next((line for line in lines if "FATAL" in line), lines[0] if lines else "")), 300)


def _failure(place: Place, error: BaseException) -> HarmonicError:
    """Why a study cannot be opened in a database, or a file be used any more."""
    said = _said(place, error)
    if place.file:
        return DiskError(f"{place.words}: the study cannot be read or written: {said}")
    hint = "look at host, port, user and database, and at the password in PGPASSWORD or ~/.pgpass"
    return RunError(f"--storage: {place.words} cannot be used: {said}; {hint}")


def _insist_on_same_conditions(
    study: optuna.Study, place: Place, directory: Path, now: Mapping[str, object], parts: int
) -> None:
    known: Mapping[str, object] | None = study.user_attrs.get(_CONDITIONS)
    if known is None and study.get_trials(deepcopy=False):
        raise RunError(
            f"{place.words}: the study {place.study} there is not one of `harmonic tune`; choose another --study"
        )
    if known is None:
        study.set_user_attr(_CONDITIONS, dict(now))
        known = now
    # A newer version knows more settings than the study's own.
    changed = [key for key in known if key in now and known[key] != now[key]]
    if changed:
        key = changed[0]
        more = f" (and {len(changed) - 1} more settings)" if len(changed) > 1 else ""
        raise RunError(
            f"{plain(str(directory))}: this study has {key} = {plain(str(known[key]))}, now it would be "
            f"{plain(str(now[key]))}{more}, and their figures cannot be compared; repeat what the study was begun "
            "with, or begin another with --study NAME"
        )
    if len(study.directions) != parts:
        raise RunError(
            f"{plain(str(directory))}: the study of this name has {len(study.directions)} objectives, not {parts}; "
            "repeat the --objective that it was begun with (an older version's is recon_db), or begin another with "
            "--study NAME"
        )
