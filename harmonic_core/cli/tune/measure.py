"""`harmonic tune measure RUN`, which a study asks of every trial that came to its end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def measure(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, or a checkpoint or .pt export of one.")],
) -> None:
    """Print what trials are compared by: held-out mel error in dB, and mel-FD of samples from the prior, in dB²."""
    from harmonic_core.training.signals import StopSignals

    with StopSignals() as signals:
        from contextlib import nullcontext
        from pathlib import Path

        from harmonic_core.run.directory import RunDirectory, open_run
        from harmonic_core.run.resume import find_resume_point
        from harmonic_core.training.judging import judge
        from harmonic_core.training.narrator import Narrator
        from harmonic_core.training.signals import StoppedError

        point = find_resume_point(Path(run) if Path(run).exists() else open_run(run).path)

        def tell(line: str) -> None:
            typer.echo(line, err=True)

        narrator = Narrator(
            point.run or RunDirectory(Path(run).parent), tell, lambda total: nullcontext(lambda *_: None)
        )
        try:
            with narrator:
                judgement = judge(point, narrator, lambda: signals.received is not None)
        except StoppedError:
            raise typer.Exit(int(signals.exit_code)) from None
    typer.echo(json.dumps(asdict(judgement)))
