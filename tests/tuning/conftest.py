"""Profiles for studies: one whose trials train in moments, one whose trials are all refused at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from database_server import DatabaseServer
from programs import TINY, Programs

NOT_TINY = {"model.latent_dim"}
"""Settings of the tiny runs that a study has to be free to search."""


@pytest.fixture
def quick(harmonic: Programs) -> list[str]:
    """Arguments of `harmonic tune` for trials that train in moments; study `quick`."""
    (harmonic.place / "quick.toml").write_text('extends = "demo"\n\n[loss]\nbeta_start = 0.005\nbeta_end = 0.01\n')
    tiny = {**TINY, "data.validation_split": "0.3", "train.batch_size": "8", "output.checkpoint_every": "100000"}
    fixed = [word for key, value in tiny.items() if key not in NOT_TINY for word in ("--set", f"{key}={value}")]
    return ["./quick.toml", *fixed]


@pytest.fixture
def refused(harmonic: Programs) -> list[str]:
    """Arguments of `harmonic tune` for trials that end at once: each beta lies below the first; study `no`."""
    (harmonic.place / "no.toml").write_text('extends = "demo"\n\n[loss]\nbeta_start = 0.5\nbeta_end = 1.0\n')
    return ["./no.toml"]


@pytest.fixture
def studies(harmonic: Programs) -> Path:
    """Where the studies are."""
    return harmonic.place / "output" / "tuning"


@pytest.fixture
def stubbed(harmonic: Programs) -> Programs:
    """The command line, with trainers that train nothing and are done at once; see `stub_trainer`."""
    harmonic.environment["PYTHONPATH"] = str(Path(__file__).parent / "stub_trainer")
    return harmonic


@pytest.fixture(scope="session")
def server() -> Iterator[DatabaseServer]:
    """A PostgreSQL of this session's own."""
    begun = DatabaseServer()
    try:
        begun.start()
        yield begun
    finally:
        begun.stop()
