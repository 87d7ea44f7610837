"""A study opened by name, and one of its trials made into a profile. No Optuna."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from harmonic_core.errors import ProfileError, RunError
from harmonic_core.profile.draft import Draft
from harmonic_core.profile.layers import refusal
from harmonic_core.profile.save import free_name, save_as
from harmonic_core.profile.search import find
from harmonic_core.profile.space import words_of
from harmonic_core.profile.toml_file import display_name, read_text
from harmonic_core.profile.words import nearest, shown, shown_path
from harmonic_core.run.studies import STUDY_ROOTS, Found, Study, Trial, list_studies, study_file
from harmonic_core.text import plain
from harmonic_core.tuning.best import completed, objective_words, value_of

_DATABASE = "study.db"
_LONGEST_COMMAND = 4000


def open_study(name_or_path: str, roots: Sequence[Path] = STUDY_ROOTS) -> tuple[Path, Study]:
    """Find a study and read what it wrote down.

    Parameters
    ----------
    name_or_path
        Its name below `roots`, or its directory.
    roots
        Folders of studies.

    Raises
    ------
    RunError
        There is no such study, an older version made it and wrote nothing down, or what it wrote cannot be read.
    """
    directory = _find(name_or_path, roots)
    file = study_file(directory)
    try:
        return directory, Study.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise RunError(
            f"{shown_path(directory)}: an older version made this study and wrote no {file.name}; give its "
            "`harmonic tune` command once more, which adds it"
        ) from None
    except OSError as error:
        raise RunError(f"{shown_path(file)} cannot be read: {(error.strerror or 'no reason given').lower()}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = plain(f"{where}: {first['msg']}" if where else str(first["msg"]), 160)
        raise RunError(
            f"{shown_path(file)} cannot be read ({reason}); the study's `harmonic tune` command writes it anew"
        ) from None


def read_studies(roots: Sequence[Path] = STUDY_ROOTS) -> list[Found]:
    """All studies below `roots`, the most recently changed first; without a `Study` where that cannot be read."""
    found = []
    for path in list_studies(roots):
        try:
            found.append(Found(path=path, study=open_study(str(path.absolute()))[1]))
        except RunError:
            found.append(Found(path=path, study=None))
    return found


def chosen_trial(study: Study, number: int) -> Trial:
    """A completed trial by its number.

    Raises
    ------
    RunError
        There is none, or it was not completed.
    """
    trial = next((each for each in study.trials if each.number == number), None)
    numbers = ", ".join(str(each.number) for each in completed(study)) or "none"
    if trial is None:
        raise RunError(f"study {plain(study.name)} has no trial {number}; completed were: {numbers}")
    if trial not in completed(study):
        reason = f" ({plain(trial.reason, 160)})" if trial.reason else ""
        raise RunError(f"trial {number} of {plain(study.name)} is {trial.state}{reason}; completed were: {numbers}")
    return trial


def fixed_settings(study: Study) -> dict[str, str]:
    """What `--set` held fixed for all trials of a study, by key path as it was given."""
    try:
        words = shlex.split(study.again_command)
    except ValueError:
        raise RunError(
            f"study {plain(study.name)} does not say in full what `--set` held fixed, so its settings are not known"
        ) from None
    given = [after for word, after in pairwise(words) if word == "--set"]
    return dict(setting.split("=", 1) for setting in given if "=" in setting)


def settings_of(study: Study, trial: Trial) -> dict[str, str]:
    """Everything in which a trial differs from the study's profile, by key path, as `--set` takes it."""
    return {**fixed_settings(study), **{key: words_of(value) for key, value in trial.params.items()}}


def train_command(study: Study, trial: Trial) -> str:
    """What trains with a trial's settings in full."""
    if trial.number == study.best and study.best_command:
        return plain(study.best_command, _LONGEST_COMMAND)
    given = [word for key, value in settings_of(study, trial).items() for word in ("--set", f"{key}={value}")]
    return plain(shlex.join(["harmonic", "train", study.profile, *given]), _LONGEST_COMMAND)


def save_profile(study: Study, trial: Trial, path: Path, *, overwrite: bool = False) -> Path:
    """Write a copy of the study's profile with a trial's settings in it, comments and all.

    Parameters
    ----------
    study, trial
        Whose settings.
    path
        The new file; its folder is made, and `.toml` added where it is not there.
    overwrite
        Whether a file of this name may be replaced.

    Raises
    ------
    ProfileError
        If the study's profile is not there any more, or its settings are no longer valid; if the name cannot be one,
        or is taken.
    DiskError
        If it cannot be written.
    """
    folder, name = path.parent, path.name.removesuffix(".toml")
    target = folder / f"{name}.toml"
    if path.is_dir() and path.name != target.name:
        raise ProfileError(f"{shown_path(path)} is a folder; give a file, such as {shown_path(path / 'mine.toml')}")
    if target.exists() and not target.is_dir() and not overwrite:
        free = shown_path(folder / f"{free_name(name, folder)}.toml")
        raise ProfileError(f"{shown_path(target)} is there already; --force replaces it, or take a name such as {free}")
    # What the environment says now is no part of the study, and would be missing in the file.
    draft = Draft(_source(study), settings_of(study, trial), environ={})
    if draft.problems:
        raise refusal(f"The settings of trial {trial.number} in {display_name(draft.path)}", list(draft.problems))
    return save_as(draft.path, draft.changes, name, folder, overwrite=overwrite, text=_with_origin(study, trial, draft))


def train_word(path: Path) -> str:
    """How `harmonic train` is given the profile of a file: its name where that finds it, else its path."""
    try:
        if find(path.stem).samefile(path):
            return path.stem
    except (ProfileError, OSError):
        pass
    text = str(path)
    return text if "/" in text else f"./{text}"


def _with_origin(study: Study, trial: Trial, draft: Draft) -> str:
    """The text of the study's profile under a line that says where the copy's settings come from."""
    figures = ", ".join(
        f"{objective_words(each)} {value:.4g} {each.unit}".strip()
        for each in study.objectives or (study.objective,)
        if (value := value_of(trial, each)) is not None
    )
    budget = f" after {study.budget}" if study.budget else ""
    said = f"# Trial {trial.number} of study {plain(study.name)}: {plain(figures)}{plain(budget)}.\n"
    return said + read_text(draft.path)


def _source(study: Study) -> Path:
    if not study.profile:
        raise RunError(f"study {plain(study.name)} does not say which profile its trials have, so none can be saved")
    try:
        return find(study.profile)
    except ProfileError as error:
        where = f"It is the profile of study {plain(study.name)}: go to the folder in which that was begun."
        raise ProfileError(f"{error} {where}") from None


def _find(name_or_path: str, roots: Sequence[Path]) -> Path:
    below = [root / name_or_path for root in roots]
    for directory in (*below, Path(name_or_path)):
        try:
            if study_file(directory).is_file() or (directory / _DATABASE).is_file():
                return directory
        except (OSError, ValueError):
            continue
    known = [path.name for path in list_studies(roots)]
    near = nearest(name_or_path, known)
    hint = f" Did you mean `{plain(near)}`?" if near else ""
    listed = ", ".join(plain(each) for each in known) or "none yet; `harmonic tune PROFILE` begins one"
    where = ", ".join(shown_path(root) for root in roots)
    raise RunError(f"There is no study {shown(name_or_path)}.{hint} Below {where} there are: {listed}.")
