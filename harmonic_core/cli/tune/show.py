"""`harmonic tune show`: what studies there are, and what one of them found so far."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from harmonic_core.cli.tune.best import DEFAULT_FOLDER, StudiesFolder

if TYPE_CHECKING:
    from harmonic_core.run.studies import Found, Study

_BESIDE = "."
"""What `--figures` alone stands for: the folder of the study."""
_UNDONE = frozenset({"running", "interrupted"})


class ShowCommand(TyperCommand):
    """Lets `--figures` stand alone or with a folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a `--figures` that stands alone its value."""
        spelled: list[str] = []
        for position, argument in enumerate(args):
            spelled.append(argument)
            following = args[position + 1] if position + 1 < len(args) else "-"
            if argument == "--figures" and following.startswith("-"):
                spelled.append(_BESIDE)
        return super().parse_args(ctx, spelled)


def show(
    study: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="Name of a study, or its directory.", show_default=False)
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="[DIR]",
            help="Draw importance, history and front as PNG. Default of DIR: `figures` in the study's directory.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    output_dir: StudiesFolder = DEFAULT_FOLDER,
) -> None:
    """Show a study: its state, trials, front and what matters; without STUDY, list the studies.

    ◆ is the recommended trial, ◇ others of the front: trials that no other one betters in every objective.
    """
    from harmonic_core.errors import ProfileError
    from harmonic_core.tuning.chosen import open_study, read_studies

    if study is None:
        if figures is not None:
            raise ProfileError("--figures draws one study; name it: `harmonic tune show STUDY --figures`")
        _list(read_studies([output_dir]), output_dir, as_json)
        return
    directory, found = open_study(study, [output_dir])
    written = _draw(found, directory, figures) if figures is not None else []
    if as_json:
        document = {**_summary(directory, found), **json.loads(found.model_dump_json(exclude={"state"}))}
        typer.echo(json.dumps({**document, "figures": list(map(str, written))}, indent=2))
        return
    for line in _lines(directory, found):
        typer.echo(line)
    for path in written:
        typer.echo(f"drawn: {path}")


def _draw(study: Study, directory: Path, folder: Path) -> list[Path]:
    from harmonic_core.tuning.figures import write_figures

    return write_figures(study, directory / "figures" if folder == Path(_BESIDE) else folder)


def _list(studies: list[Found], folder: Path, as_json: bool) -> None:
    from harmonic_core.cli.tune.table import columns, counted, figure, heading
    from harmonic_core.profile.words import shown_path
    from harmonic_core.text import plain
    from harmonic_core.tuning.best import recommended, value_of

    if as_json:
        rows = [
            {"name": each.name, "path": str(each.path), **(_summary(each.path, each.study) if each.study else {})}
            for each in studies
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    if not studies:
        typer.echo(f"There are no studies below {shown_path(folder)}. `harmonic tune demo` begins one.", err=True)
        return
    table = [("STUDY", "STATE", "TRIALS", "BEST", "CHANGED")]
    for each in studies:
        if each.study is None:
            table.append((plain(each.name, 40), "unreadable", "–", "–", "–"))
            continue
        best, objective = recommended(each.study), each.study.objective
        error = figure(value_of(best, objective)) if best else "–"
        done = sum(number for state, number in counted(each.study.trials).items() if state not in _UNDONE)
        wanted = f"/{each.study.wanted}" if each.study.wanted else ""
        unit = heading(objective).partition(" ")[2]
        changed = datetime.fromtimestamp(each.study.updated_at).strftime("%Y-%m-%d %H:%M")
        state = str(_summary(each.path, each.study)["state"])
        table.append((plain(each.name, 40), state, f"{done}{wanted}", f"{error} {unit}".strip(), changed))
    for line in columns(table, left=(0, 1, 4)):
        typer.echo(line)


def _summary(directory: Path, study: Study) -> dict[str, object]:
    """How a study is, as a reader sees it: `lost` where whoever searched is gone."""
    from harmonic_core.cli.tune.table import counted
    from harmonic_core.run.studies import seen_study
    from harmonic_core.tuning.best import recommended

    best = recommended(study)
    return {
        "path": str(directory),
        "state": seen_study(study),
        "numbers": counted(study.trials),
        "wanted": study.wanted,
        "recommended": best.number if best else None,
        "updated_at": study.updated_at,
    }


def _lines(directory: Path, study: Study) -> list[str]:
    from harmonic_core.cli.tune.table import counted, trial_lines, wrapped
    from harmonic_core.text import plain
    from harmonic_core.tuning.best import recommended, why
    from harmonic_core.tuning.chosen import train_command

    summary, best = _summary(directory, study), recommended(study)
    numbers = ", ".join(f"{number} {state}" for state, number in counted(study.trials).items()) or "none begun"
    state = f"{summary['state']}{f' ({plain(study.message, 400)})' if study.message else ''}"
    told = {
        "study": f"{plain(study.name)}, {plain(str(directory), 4096)}",
        "state": state,
        "trials": f"{numbers}; {study.wanted} wanted" if study.wanted else numbers,
        "profile": plain(study.profile),
        "strategy": plain(study.strategy),
        "objective": plain(study.objective_asked),
        "each trial": plain(study.budget or (f"{study.epochs} epochs" if study.epochs else "")),
        "pruning": plain(study.pruner),
        "kept in": plain(study.storage),
        "workers": ", ".join(f"{plain(each.host, 40)} (process {each.pid})" for each in study.workers),
    }
    rows = [*told.items(), *(("searched", f"{plain(key)}: {plain(text, 400)}") for key, text in study.space.items())]
    lines = [line for name, text in rows for line in wrapped(text, f"{name:<12}")]
    if study.trials:
        lines += ["", *trial_lines(study, study.trials, directory)]
    lines += _importance_lines(study)
    if best:
        lines += ["", *wrapped(f"{why(study, best)}.", f"◆ trial {best.number}: "), train_command(study, best)]
    if summary["state"] in {"stopped", "lost"} and study.again_command:
        lines += ["", "This continues the study:", plain(study.again_command, 4000)]
    return lines


def _importance_lines(study: Study) -> list[str]:
    from harmonic_core.cli.tune.table import columns, heading, wrapped
    from harmonic_core.text import plain

    told = [each for each in study.objectives if study.importance.get(each.name)]
    if not told:
        return []
    keys = sorted(
        dict.fromkeys(key for each in told for key in study.importance[each.name]),
        key=lambda key: -max(study.importance[each.name].get(key, 0.0) for each in told),
    )
    rows = [["", *(heading(each).partition(" ")[0] for each in told)]]
    rows += [
        [plain(key, 40), *(f"{100 * study.importance[each.name].get(key, 0.0):.0f} %" for each in told)] for key in keys
    ]
    title = f"share of the variance that a setting explains, {study.importance_trials} trials"
    return ["", *wrapped(title, "What matters: "), *columns(rows)]
