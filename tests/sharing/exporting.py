"""`harmonic export`, run in the process of a test."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from harmonic_core.cli import app
from harmonic_core.errors import HarmonicError


def harmonic_export(*arguments: str | Path, expect: int = 0) -> Result:
    """Run `harmonic export` in this process."""
    result = CliRunner().invoke(app, ["export", *map(str, arguments)])
    if isinstance(result.exception, HarmonicError):
        assert result.exception.exit_code == expect, result.exception
    else:
        assert result.exit_code == expect, result.output
    return result


def refusal(*arguments: str | Path, expect: int = 1) -> str:
    """Why `harmonic export` refuses, on one line."""
    words = str(harmonic_export(*arguments, expect=expect).exception)
    assert "\n" not in words
    return words
