"""`harmonic tune PROFILE`: the search."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harmonic_core.profile.resolve import Resolved
    from harmonic_core.tuning.search import Budget, Search


class Strategy(StrEnum):
    """How a study goes through its space."""

    tpe = "tpe"
    stages = "stages"
    grid = "grid"
    random = "random"


class Pruning(StrEnum):
    """What ends hopeless trials early."""

    median = "median"
    hyperband = "hyperband"
    none = "none"


def tune(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Name or path of a profile.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those of earlier calls included.")] = 50,
    study: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the study. Default: the profile's.", show_default=False)
    ] = None,
    output_dir: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the studies.")] = Path("output/tuning"),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Hold anything of the profile fixed; can be given many times."),
    ] = None,
    strategy: Annotated[
        Strategy,
        typer.Option(
            help="What is tried next: tpe looks around the best so far; stages begins with the profile as it is, "
            "sweeps latent_dim and beta, then refines one setting after another; grid tries all; random anything."
        ),
    ] = Strategy.tpe,
    objective: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="What is searched for: pareto, both figures as a front; recon_db or mel_fd alone; or a weighted sum "
            'such as "recon_db + 0.001*mel_fd".',
        ),
    ] = "pareto",
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Epochs of a trial. Default: the profile's.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Updates of a trial, to the end of an epoch; in its place."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="M",
            help="Minutes of training after which a trial is complete; in its place. Schedules, as those of beta and "
            "the learning rate, still span the profile's epochs.",
        ),
    ] = None,
    pruner: Annotated[
        Pruning, typer.Option(help="Which trials are given up early, by their held-out mel error.")
    ] = Pruning.median,
    workers: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Trials at once on this machine; they share its cores.")
    ] = 1,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where trials are kept: postgresql://user@host/database, for several machines that give the same "
            "command; its password comes from PGPASSWORD or ~/.pgpass. Default: a file beside the runs.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is tried, not of the training.")] = 0,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Stop after this many seconds, as Ctrl-C would.")
    ] = None,
    worker_of: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Search for good settings: what [tune.space] of the profile says, else latent_dim, beta, widths and learning rate.

    Each trial is a run of its own below DIR/NAME and can be opened in the console. Stop the study in any way; the same
    command continues it.

    Trials are never compared by their loss: beta weighs in it, so a smaller beta always has the smaller one. Two
    figures of the weights that a trial ends with count: the mean log-mel error in dB on held-out tracks, which favours
    a small beta, and the distance of samples from the prior to held-out music (mel-FD, dB²), which favours a large one.
    Hardly a trial is best in both, so a study ends with a front of those that nothing else betters; `harmonic tune best
    NAME` makes a profile of one.
    """
    from harmonic_core.data.sources import find_tracks
    from harmonic_core.tuning.study import Voice
    from harmonic_core.tuning.study import tune as tune_alone
    from harmonic_core.tuning.workers import tune_together, work_for

    if worker_of is not None and storage == "-":
        storage = sys.stdin.read()
    budget = _budget(epochs, steps, minutes)
    resolved = _resolved(profile, settings or [], budget, warn=worker_of is None)
    search = _search(
        profile, settings or [], budget, resolved, strategy, pruner, objective, trials, seed, storage, output_dir, study
    )
    voice = Voice(typer.echo, lambda line: typer.echo(line, err=True))
    if worker_of is None:
        # What every trial would stumble over is said before the first one.
        find_tracks(resolved.profile.data, resolved.profile.run.seed)
    if worker_of is not None:
        code = work_for(search, workers, worker_of, voice=voice)
    elif workers > 1:
        code = tune_together(search, workers, timeout_s=timeout, voice=voice)
    else:
        code = tune_alone(search, timeout_s=timeout, voice=voice)
    raise typer.Exit(code)


def _budget(epochs: int | None, steps: int | None, minutes: float | None) -> Budget:
    from harmonic_core.errors import ProfileError
    from harmonic_core.tuning.search import Budget

    given = {"--epochs": epochs, "--steps": steps, "--minutes": minutes}
    named = [flag for flag, value in given.items() if value is not None]
    if len(named) > 1:
        raise ProfileError(f"{' and '.join(named)}: a trial has one budget; give one of them")
    return Budget(epochs, steps, minutes)


def _resolved(profile: str, settings: list[str], budget: Budget, *, warn: bool) -> Resolved:
    """The profile of all trials, checked."""
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import resolve

    resolved = resolve(profile, settings=[*settings, *budget.settings])
    for warning in resolved.warnings if warn else ():
        typer.echo(f"warning: {warning}", err=True)
    if resolved.profile.data.validation_split == 0:
        raise ProfileError(
            "data.validation_split = 0 holds nothing out, and held-out tracks are what trials are compared by; "
            "give a share such as `--set data.validation_split=0.1`"
        )
    return resolved


def _search(
    profile: str,
    settings: list[str],
    budget: Budget,
    resolved: Resolved,
    strategy: Strategy,
    pruner: Pruning,
    objective: str,
    trials: int,
    seed: int,
    storage: str | None,
    output_dir: Path,
    study: str | None,
) -> Search:
    from harmonic_core.errors import ProfileError
    from harmonic_core.text import plain
    from harmonic_core.tuning.objective import read_goal
    from harmonic_core.tuning.place import place_of
    from harmonic_core.tuning.search import Search
    from harmonic_core.tuning.space import searched

    name = resolved.name if study is None else study
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ProfileError(
            f"{plain(name)!r} cannot name a study: a name has letters, digits, dots, dashes and underscores, 100 at "
            "most, and begins with a letter or digit; give another with --study NAME"
        )
    goal, place = read_goal(objective), place_of(storage, output_dir / name, name)
    space = searched(resolved)
    if not space.axes:
        raise ProfileError("every setting that a study would vary is held fixed by `--set`; leave one of them out")
    return Search(
        profile=profile,
        settings=tuple(settings),
        budget=budget,
        resolved=resolved,
        space=space,
        strategy=strategy.value,
        pruner=pruner.value,
        goal=goal,
        trials=trials,
        seed=seed,
        place=place,
        directory=output_dir / name,
    )
