"""Studies as `harmonic tune` writes them down, made without one, and the music of a run as a trainer does."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recorded_run import NOW, Recording, record_run

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.music import Amount, Bin, Division, Group, Music, write_music
from harmonic_core.run.status import process_identity
from harmonic_core.run.studies import Objective, Process, Study, Trial, write_study

ROOT = Path("output/tuning")
OBJECTIVES = (Objective(name="recon_db", unit="dB"), Objective(name="mel_fd", unit="dB²"))
WORKER = Process(**process_identity(os.getpid()))
OTHER = WORKER.model_copy(update={"pid": 1})
_WIDTHS = ("[128, 128, 192, 256]", "[64, 96, 128, 192]", "[192, 192, 256, 320]")
BEST_COMMAND = "harmonic train gtzan --set model.latent_dim=64 --set train.learning_rate=0.0011"
AGAIN_COMMAND = "harmonic tune gtzan --trials 20"


def trial(number: int, state: Any = "complete", **changes: Any) -> Trial:
    """One trial, with figures that a real one could have."""
    error = 5.4 + 1.6 * math.exp(-number / 4) + 0.5 * math.sin(2.3 * number) ** 2
    distance = 2400.0 - 260.0 * error + 500.0 * math.cos(1.7 * number) ** 2
    ended = state in {"complete", "pruned"}
    values = {"recon_db": round(error, 3), "mel_fd": round(distance, 1) if state == "complete" else None}
    given: dict[str, Any] = {
        "number": number,
        "state": state,
        "run": f"trial-{number:04d}",
        "params": {
            "model.latent_dim": (64, 128, 256)[number % 3],
            "loss.beta_end": (0.001, 0.01, 0.1)[number // 2 % 3],
            "model.hidden_dims": _WIDTHS[number % 3],
            "train.learning_rate": 1.1e-3 / (1 + number % 5),
        },
        "values": values if ended else {},
        "kl_nats": 160.0 - 4 * number if ended else None,
        "epoch": {"complete": 30, "pruned": 9}.get(state, 0),
        "reason": {"pruned": "after epoch 9", "failed": "diverged, exit status 4: no number"}.get(state, ""),
        "started_at": NOW - 4000.0 + 200 * number,
        "host": WORKER.host,
        "worker": WORKER if state == "running" else None,
        "ended_at": None if state == "running" else NOW - 3850.0 + 200 * number,
    }
    return Trial(**{**given, **changes})


def front_of(trials: Sequence[Trial]) -> tuple[int, ...]:
    """Numbers of the completed trials that no other one betters in both objectives."""
    both = [
        (each.values["recon_db"] or 0.0, each.values["mel_fd"] or 0.0, each.number)
        for each in trials
        if each.epoch == 30
    ]
    return tuple(
        number
        for error, far, number in sorted(both)
        if not any(e <= error and f <= far for e, f, n in both if n != number)
    )


def a_study(name: str = "gtzan", **changes: Any) -> Study:
    """A search in its midst: eleven completed trials, one pruned, one failed, and one that runs."""
    states = ["complete"] * 5 + ["pruned", "complete", "failed"] + ["complete"] * 5 + ["running"]
    trials = tuple(trial(number, state) for number, state in enumerate(states))
    front = front_of(trials)
    given: dict[str, Any] = {
        "name": name,
        "state": "searching",
        "profile": "gtzan",
        "wanted": 20,
        "epochs": 30,
        "budget": "30 epochs",
        "strategy": "tpe",
        "objective_asked": "pareto",
        "pruner": "median",
        "objectives": OBJECTIVES,
        "space": dict.fromkeys(trials[0].params, "any"),
        "trials": trials,
        "importance": {
            "recon_db": {"train.learning_rate": 0.58, "model.latent_dim": 0.31, "loss.beta_end": 0.11},
            "mel_fd": {"loss.beta_end": 0.72, "train.learning_rate": 0.21, "model.latent_dim": 0.07},
        },
        "importance_trials": 11,
        "front": front,
        "best": front[len(front) // 2],
        "best_command": BEST_COMMAND,
        "again_command": AGAIN_COMMAND,
        "supervisor": WORKER,
        "workers": (WORKER, OTHER),
        "updated_at": NOW - 42.0,
    }
    return Study(**{**given, **changes})


def record_study(study: Study, *runs: int, root: Path = ROOT) -> Path:
    """Write a study down, with runs of the trials named; the one that runs is at epoch 12 of 30."""
    directory = root / study.name
    directory.mkdir(parents=True, exist_ok=True)
    for number in runs:
        running = study.trials[number].state == "running"
        recording = Recording(
            state="training" if running else "finished",
            epochs_done=12 if running else 30,
            epochs=30,
            sample_epochs=(),
            **process_identity(os.getpid()),
        )
        record_run(directory / f"trial-{number:04d}", recording)
    write_study(directory, study)
    return directory


def _amount(tracks: int, seconds_each: float = 30.0) -> Amount:
    return Amount(tracks=tracks, seconds=tracks * seconds_each, segments=10 * tracks)


GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def the_music(**changes: Any) -> Music:
    """A thousand clips of GTZAN but for one, and some piano."""
    genres = [Group(name=name, training=_amount(90), validation=_amount(10)) for name in GENRES]
    genres.insert(0, Group(name="", training=_amount(20, 400.0), validation=_amount(3, 400.0), aside=_amount(4, 400.0)))
    sources = [
        Group(name="gtzan", training=_amount(900), validation=_amount(100)),
        Group(name="maestro", training=_amount(20, 400.0), validation=_amount(3, 400.0), aside=_amount(4, 400.0)),
    ]
    given: dict[str, Any] = {
        "written_at": NOW - 3600.0,
        "sample_rate": 22_050,
        "segment_s": 3.0,
        "division": Division(
            training=sources[0].training + sources[1].training,
            validation=sources[0].validation + sources[1].validation,
            aside=sources[1].aside,
        ),
        "validated": 512,
        "epoch": 9200,
        "genres": tuple(genres),
        "sources": tuple(sources),
        "durations": tuple(
            Bin(from_s=edge, tracks=number)
            for edge, number in ((0, 0), (10, 0), (30, 1000), (60, 0), (180, 12), (600, 15), (1800, 0))
        ),
    }
    return Music(**{**given, **changes})


def record_music(run: RunDirectory, music: Music | None = None) -> None:
    """Write the music of a run down."""
    write_music(run, music or the_music())
