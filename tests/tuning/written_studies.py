"""Studies as a search writes them down, made without one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from harmonic_core.cli.tune import app
from harmonic_core.run.studies import Objective, Study, Trial, write_study

OBJECTIVES = (Objective(name="recon_db", unit="dB"), Objective(name="mel_fd", unit="dB²"))
TRADED = ((6.0, 300.0), (5.0, 900.0), (5.2, 400.0), (5.9, 1000.0))
"""Error and distance of four trials: 1, 2 and 0 are the front, and 2 is its knee."""


def trial(number: int, state: Any = "complete", values: Sequence[float | None] = (), **changes: Any) -> Trial:
    """A trial with values by objective."""
    given: dict[str, Any] = {
        "number": number,
        "state": state,
        "run": f"trial-{number:04d}",
        "params": {"model.latent_dim": 64 * 2 ** (number % 3), "train.learning_rate": 1.5e-4 * (1 + number)},
        "values": dict(zip(("recon_db", "mel_fd"), values, strict=False)),
        "kl_nats": 120.0 if values else None,
        "epoch": 30 if state == "complete" else 0,
    }
    return Trial(**{**given, **changes})


def a_study(trials: Sequence[Trial] | None = None, **changes: Any) -> Study:
    """A finished study of the demo profile with two objectives; four trials unless others are given."""
    made = tuple(trial(number, values=pair) for number, pair in enumerate(TRADED)) if trials is None else tuple(trials)
    given: dict[str, Any] = {
        "name": "wide",
        "state": "finished",
        "profile": "demo",
        "wanted": len(made),
        "epochs": 30,
        "budget": "30 epochs",
        "strategy": "tpe",
        "objective_asked": "pareto",
        "pruner": "median",
        "objectives": OBJECTIVES,
        "space": {"model.latent_dim": "one of 64, 128, 256", "train.learning_rate": "0.0001 to 0.002, by ratio"},
        "trials": made,
        "again_command": f"harmonic tune demo --trials {len(made)} --set data.demo_minutes=0.5 --study wide",
    }
    return Study(**{**given, **changes})


def write(study: Study, root: Path = Path("output/tuning")) -> Path:
    """Write a study down below `root`; the directory."""
    directory = root / study.name
    directory.mkdir(parents=True, exist_ok=True)
    write_study(directory, study)
    return directory


def said(*arguments: str) -> str:
    """What `harmonic tune ARGUMENTS`, which succeeds, prints to stdout."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout
