"""The figures of a study: what matters, how the search went, and what was traded for what. No torch, no Optuna."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from harmonic_core.errors import DiskError
from harmonic_core.evaluation.picture_style import picture_style
from harmonic_core.profile.words import shown_path
from harmonic_core.run.studies import Study, read_study
from harmonic_core.text import plain
from harmonic_core.tuning.best import completed, objective_words
from harmonic_core.tuning.figure_parts import nothing, title_of
from harmonic_core.tuning.front_figure import pareto
from harmonic_core.tuning.history_figure import history


def write_figures(study: Study, folder: Path) -> list[Path]:
    """Draw `importance.png`, `history.png` and `pareto.png` into `folder`, which is made.

    Parameters
    ----------
    study
        Its trials, as far as they are.
    folder
        Where to; figures of before are replaced.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    DiskError
        If they cannot be written.
    """
    drawings: dict[str, Callable[[Study], Figure]] = {"importance": importance, "history": history, "pareto": pareto}
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with picture_style():
            for name, draw in drawings.items():
                path = folder / f"{name}.png"
                # Whoever looks while it is drawn anew sees the one of before.
                temporary = path.with_name(f".{path.name}.tmp")
                draw(study).savefig(temporary, format="png")
                temporary.replace(path)
                written.append(path)
    except OSError as error:
        reason = error.strerror or error
        raise DiskError(f"{shown_path(folder)}: the figures cannot be written there: {reason}") from error
    return written


def draw_beside(directory: Path, log: Callable[[str], None]) -> None:
    """Draw the figures of a study into `figures` of its directory; that they cannot be drawn is told, and no more.

    Parameters
    ----------
    directory
        Of the study.
    log
        Is told.
    """
    study = read_study(directory)
    if study is None:
        return
    try:
        written = write_figures(study, directory / "figures")
    except DiskError as error:
        log(str(error))
    else:
        log(f"drawn: {', '.join(plain(str(path), 400) for path in written)}")


def importance(study: Study) -> Figure:
    """How much of the variance of each objective every setting explains, the most important at the top."""
    shares = {each.name: study.importance.get(each.name, {}) for each in study.objectives}
    keys = sorted(
        dict.fromkeys(key for each in shares.values() for key in each),
        key=lambda key: max(each.get(key, 0.0) for each in shares.values()),
    )
    if not keys:
        number = len(completed(study))
        return nothing(
            f"{title_of(study)}\n\nWhat matters cannot be told yet: {number} trial{'s' * (number != 1)} completed, "
            "five at least\nare needed, and they have to differ."
        )
    told = [each for each in study.objectives if shares[each.name]]
    figure = Figure(figsize=(8.0, 1.6 + (0.3 + 0.26 * len(told)) * len(keys)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(told)
    for place, objective in enumerate(told):
        at = [row + 0.4 - (place + 0.5) * height for row in range(len(keys))]
        values = [100 * shares[objective.name].get(key, 0.0) for key in keys]
        words = f"for the {objective_words(objective)}"
        bars = axes.barh(at, values, height=0.92 * height, color=f"C{place}", label=words)
        axes.bar_label(bars, fmt="%.0f %%", padding=3)
    axes.set_yticks(range(len(keys)), [plain(key, 40) for key in keys])
    axes.set_xlim(0.0, 108.0)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("share of the variance that the setting explains, %")
    axes.set_title(f"functional ANOVA over {study.importance_trials} completed trials", loc="left")
    figure.legend(loc="outside lower center", ncols=len(told), frameon=False)
    figure.suptitle(f"{title_of(study)}: what matters")
    return figure
