"""`harmonic tune best`: the trial to train in full, and a profile of it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from harmonic_core.run.studies import Study, Trial

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study, or its directory.")]
StudiesFolder = Annotated[Path, typer.Option("--output-dir", metavar="DIR", help="Folder of the studies.")]
DEFAULT_FOLDER = Path("output/tuning")


def best(
    study: StudyName,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a profile of it, such as profiles/mine.toml.", show_default=False),
    ] = None,
    trial: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Take this trial instead.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    output_dir: StudiesFolder = DEFAULT_FOLDER,
) -> None:
    """Say which trial is best and why, how it is trained in full, and save it as a profile.

    A study of two objectives has a front: trials that no other one betters in both. The one recommended is the knee, as
    near to the best of both as any. `--trial` takes another.

    The profile is a copy of the study's own with the values chosen in it; `harmonic train mine` then trains it with all
    its epochs.
    """
    from harmonic_core.cli.tune.table import wrapped
    from harmonic_core.errors import RunError
    from harmonic_core.text import plain
    from harmonic_core.tuning.best import recommended, why
    from harmonic_core.tuning.chosen import chosen_trial, open_study, save_profile, train_command, train_word

    directory, found = open_study(study, [output_dir])
    picked = recommended(found) if trial is None else chosen_trial(found, trial)
    if picked is None:
        raise RunError(f"{plain(found.name)}: no trial was completed yet ({_numbers(found)}), so there is no best one")
    saved = save_profile(found, picked, save, overwrite=force) if save else None
    train = shlex.join(["harmonic", "train", train_word(saved)]) if saved else train_command(found, picked)
    if as_json:
        typer.echo(json.dumps(_document(directory, found, picked, train, saved), indent=2))
        return
    for line in _lines(directory, found, picked):
        typer.echo(line)
    for line in wrapped(f"{why(found, picked)}.", f"Trial {picked.number}: "):
        typer.echo(line)
    if saved:
        typer.echo(f"Saved as {plain(str(saved), 4096)}; to train it in full:")
    typer.echo(train)


def _lines(directory: Path, study: Study, picked: Trial) -> list[str]:
    from harmonic_core.cli.tune.table import trial_lines
    from harmonic_core.text import plain
    from harmonic_core.tuning.best import front_of

    front = front_of(study)
    shown = front if picked in front else [*front, picked]
    what = "trials on the front" if len(front) > 1 else "the best trial"
    return [f"Study {plain(study.name)}, {_numbers(study)}; {what}:", *trial_lines(study, shown, directory)]


def _document(directory: Path, study: Study, picked: Trial, train: str, saved: Path | None) -> dict[str, object]:
    from harmonic_core.tuning.best import front_of, recommended, why
    from harmonic_core.tuning.chosen import settings_of

    best = recommended(study)
    return {
        "study": study.name,
        "path": str(directory),
        "objectives": [_plainly(each) for each in study.objectives],
        "objective_asked": study.objective_asked,
        "trial": _plainly(picked),
        "why": why(study, picked),
        "recommended": best.number if best else None,
        "front": [_plainly(each) for each in front_of(study)],
        "settings": settings_of(study, picked),
        "command": train,
        "saved": str(saved) if saved else None,
    }


def _plainly(record: BaseModel) -> object:
    """As JSON has it: what is no finite number is null."""
    return json.loads(record.model_dump_json())


def _numbers(study: Study) -> str:
    from harmonic_core.cli.tune.table import counted

    return ", ".join(f"{number} {state}" for state, number in counted(study.trials).items()) or "none begun"
