"""Downloads as tests try them: impatient, and looked at afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harmonic_core.data.download.archive import Request
from harmonic_core.data.download.connection import Patience, Web
from harmonic_core.data.download.gtzan import download_gtzan
from harmonic_core.data.download.maestro import download_maestro
from harmonic_core.data.download.maestro_part import download_maestro_part
from harmonic_core.profile.sections import Data

IMPATIENT = Patience(stall_s=60.0, tries=3, first_wait_s=0.001, longest_wait_s=0.001)
"""A busy machine may be silent for long without any fault of the server."""

VERY_IMPATIENT = replace(IMPATIENT, stall_s=0.5)
"""For servers that do fall silent."""


def gtzan(folder: Path, url: str | None, patience: Patience = IMPATIENT, **request: object) -> str:
    """Download GTZAN from a server."""
    return download_gtzan(folder, Request(url, **request), Web.open(patience))  # type: ignore[arg-type]


def maestro(folder: Path, url: str | None, **request: object) -> str:
    """Download all of MAESTRO from a server."""
    return download_maestro(folder, Request(url, **request), Web.open(IMPATIENT))  # type: ignore[arg-type]


def maestro_part(folder: Path, url: str | None, patience: Patience = IMPATIENT, **asked: object) -> str:
    """Download recordings of MAESTRO from a server."""
    data = Data.model_validate({"dataset": "maestro", **asked})
    return download_maestro_part(folder, Request(url), data, Web.open(patience))


def tree(folder: Path) -> dict[str, bytes]:
    """Content of every file in a folder, hidden ones included, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def music(folder: Path) -> dict[str, bytes]:
    """As `tree`, without the record of the download."""
    return {name: data for name, data in tree(folder).items() if name != ".harmonic-download.json"}
