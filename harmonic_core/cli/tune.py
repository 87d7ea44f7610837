"""`harmonic tune`."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Objective(StrEnum):
    """What a study minimises."""

    recon_db = "recon_db"


def add_to(app: typer.Typer) -> None:
    """Add the verb to a command line."""
    app.command("tune")(tune)


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
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Epochs of a trial. Default: the profile's.")
    ] = None,
    objective: Annotated[Objective, typer.Option(help="What to minimise.")] = Objective.recon_db,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is tried, not of the training.")] = 0,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Stop after this many seconds, as Ctrl-C would.")
    ] = None,
) -> None:
    """Search for good settings: latent_dim, beta_end, hidden_dims and learning_rate.

    Each trial is a run of its own below DIR/NAME and can be opened in the console. Stop the study in any way; the same
    command continues it.

    Trials are compared by the mean log-mel error in dB on held-out tracks after the last epoch, never by the loss:
    beta weighs in the loss, so a smaller beta always has the smaller one. The error too tends to favour a small beta,
    whose latent follows the prior less closely. So look at the KL that is printed beside it: a high one means good
    copies and poor new music. To hold beta fixed, give `--set loss.beta_end=0.01`.
    """
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.resolve import resolve
    from harmonic_core.text import plain

    resolved = resolve(profile, settings=settings or [], flags={"epochs": epochs})
    for warning in resolved.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if resolved.profile.data.validation_split == 0:
        raise ProfileError(
            "data.validation_split = 0 holds nothing out, and held-out tracks are what trials are compared by; "
            "give a share such as `--set data.validation_split=0.1`"
        )
    name = resolved.name if study is None else study
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ProfileError(
            f"{plain(name)!r} cannot name a study: a name has letters, digits, dots, dashes and underscores, 100 at "
            "most, and begins with a letter or digit; give another with --study NAME"
        )

    from harmonic_core.tuning.space import default_space
    from harmonic_core.tuning.study import Search
    from harmonic_core.tuning.study import tune as run_study

    search = Search(profile, tuple(settings or ()), epochs, resolved, default_space(resolved))
    code = run_study(
        search,
        output_dir / name,
        trials=trials,
        seed=seed,
        timeout_s=timeout,
        result=typer.echo,
        log=lambda line: typer.echo(line, err=True),
    )
    raise typer.Exit(code)
