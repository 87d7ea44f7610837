"""`harmonic verify`."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harmonic_core.training.proof import Check

_MARKS = {True: "✓", False: "✗", None: "–"}


class ReplayDevice(StrEnum):
    """Where to compute."""

    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("verify")(verify)


def verify(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Path of a run, or its name below runs/ or output/.")],
    steps: Annotated[
        int, typer.Option(metavar="N", min=2, max=100_000, help="Updates to replay from the last checkpoint.")
    ] = 8,
    full: Annotated[
        bool, typer.Option("--full", help="Replay from the checkpoint before the last, however far it is.")
    ] = False,
    device: Annotated[
        ReplayDevice | None,
        typer.Option(help="Where to replay. Default: as the run's profile says.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prove that a run is whole and can go on exactly where it was.

    Every file is compared with its hash, and updates are replayed and compared byte for byte. Nothing of the run is
    written. Exit 0 if all holds, 1 if not.
    """
    from harmonic_core.run.directory import open_run
    from harmonic_core.training.signals import StopSignals

    directory = open_run(run)
    with StopSignals() as signals:
        from harmonic_core.cli.data.progress import bar
        from harmonic_core.training.signals import StoppedError
        from harmonic_core.training.verify import verify as checks_of

        found: list[Check] = []
        try:
            for check in checks_of(
                directory,
                steps=steps,
                full=full,
                device=device.value if device else None,
                stopped=lambda: signals.received is not None,
                tell=lambda line: typer.echo(line, err=True),
                watch=bar,
            ):
                found.append(check)
                if not as_json:
                    typer.echo(f"{_MARKS[check.holds]} {check.message}")
        except StoppedError:
            typer.echo(f"stopped after {len(found)} checks", err=True)
            raise typer.Exit(int(signals.exit_code)) from None
    holds = all(check.holds is not False for check in found)
    if as_json:
        document = {"run": str(directory.path), "holds": holds, "checks": [asdict(check) for check in found]}
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(_summary(found))
    raise typer.Exit(0 if holds else 1)


def _summary(found: Sequence[Check]) -> str:
    failed, left_out = (sum(check.holds is state for check in found) for state in (False, None))
    made = len(found) - left_out
    besides = f", {left_out} left out" if left_out else ""
    return f"{failed} of {made} checks failed{besides}" if failed else f"all {made} checks hold{besides}"
