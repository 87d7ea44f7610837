"""What a listener thinks of samples: stars and notes, in one file of the run that the console alone writes.

stars.json   {"version": 1, "samples": [{"step": 500, "kind": "prior", "index": 0, "starred": true, "note": "…"}, …]}
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harmonic_core.errors import DiskError, RunError
from harmonic_core.run.atomic import write_atomically
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import Item, Kind

VERSION = 1
MOST_CHARACTERS = 2000
"""Of a note."""


class Spot(NamedTuple):
    """One sample of a run."""

    step: int
    kind: Kind
    index: int  # type: ignore[assignment]

    @property
    def item(self) -> Item:
        """Which of its set it is."""
        return Item(self.kind, self.index)


class Star(BaseModel):
    """What a listener thinks of one sample."""

    # What a newer version adds is kept when this one writes the file.
    model_config = ConfigDict(frozen=True, extra="allow")

    step: int
    kind: Kind
    index: int
    starred: bool = False
    note: str = Field("", max_length=MOST_CHARACTERS)
    title: str = ""
    """What the sample was called, for a report that does not look for it."""

    @property
    def spot(self) -> Spot:
        """The sample."""
        return Spot(self.step, self.kind, self.index)


class _Stars(BaseModel):
    model_config = ConfigDict(extra="allow")

    version: int = VERSION
    samples: list[Star] = Field(default_factory=list)


def read_stars(run: RunDirectory) -> dict[Spot, Star]:
    """All stars and notes of a run, by sample.

    Raises
    ------
    RunError
        If the file is there but says nothing that can be understood.
    """
    return {star.spot: star for star in _read(run).samples}


def keep_star(run: RunDirectory, star: Star) -> dict[Spot, Star]:
    """Set what is thought of one sample, and give all that is then thought. A star taken back without a note goes.

    Raises
    ------
    RunError
        If the file holds something that cannot be understood: it is left as it is.
    DiskError
        If the run cannot be written.
    """
    with _alone(run):
        stars = _read(run)
        kept = {other.spot: other for other in stars.samples}
        kept.pop(star.spot, None)
        if star.starred or star.note:
            kept[star.spot] = star
        whole = stars.model_copy(update={"samples": [kept[spot] for spot in sorted(kept)]})
        try:
            # A replay has a link in its place.
            write_atomically(run.stars.resolve(), whole.model_dump_json(indent=1))
        except OSError as error:
            raise _unwritable(run, error) from error
    return kept


def _read(run: RunDirectory) -> _Stars:
    try:
        return _Stars.model_validate_json(run.stars.read_bytes())
    except FileNotFoundError:
        return _Stars()
    except OSError as error:
        raise RunError(f"{run.stars}: stars and notes cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        raise RunError(
            f"{run.stars}: stars and notes cannot be understood; move the file away to begin with new ones"
        ) from error


@contextmanager
def _alone(run: RunDirectory) -> Iterator[None]:
    """One console at a time changes the file; a lock on the directory needs no file of its own."""
    try:
        descriptor = os.open(run.stars.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(run, error) from error
    try:
        # File systems without locks: then two consoles had better not write in the same moment.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unwritable(run: RunDirectory, error: OSError) -> DiskError:
    return DiskError(f"{run.stars}: cannot be written: {error.strerror or error}; the star or note is not kept")
