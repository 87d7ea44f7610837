"""What `harmonic train` has asked the trainer for, and how a test asks."""

from __future__ import annotations

from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.profile.resolve import Resolved
from harmonic_core.profile.sections import Profile
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import ResumePoint
from harmonic_core.training.signals import StopSignals


class Asked:
    """What training was asked for."""

    resolved: Resolved
    run: RunDirectory
    point: ResumePoint | None
    signals: StopSignals
    times: int = 0
    said: str = ""
    """What was printed on stderr."""


def profile_of(asked: Asked, *arguments: str) -> Profile:
    """The profile in force with these arguments."""
    result = CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    asked.said = result.stderr
    return asked.resolved.profile
