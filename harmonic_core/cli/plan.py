"""What a start of `harmonic train` comes to: a new run, more of an old one, or a fine-tune, and in which directory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harmonic_core.errors import ProfileError, RunError
from harmonic_core.profile.layers import environment_names
from harmonic_core.profile.music import insist_on_music, same_music
from harmonic_core.profile.resolve import DEFAULT, Resolved, resolve
from harmonic_core.profile.words import shown_path
from harmonic_core.run.directory import RUN_ROOTS, RunDirectory, default_directory
from harmonic_core.run.resume import ResumePoint, find_resume_point
from harmonic_core.run.status import read_status

if TYPE_CHECKING:
    from harmonic_core.cli.base_run import Base
    from harmonic_core.profile.changes import Change
    from harmonic_core.profile.explain import Key
    from harmonic_core.profile.sections import Profile

_COMMAND_LINE = frozenset({"--name", "--learning-rate", "--set"})
_FOLDERS = ("dataset_dir", "custom_dir", "maestro_dir", "gtzan_dir")


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    profile: str | None
    config: Path | None
    settings: Sequence[str]
    flags: Mapping[str, object]
    allow_changes: bool = False
    allow_partial: bool = False

    @property
    def names_a_profile(self) -> bool:
        """Whether a profile or a configuration is named."""
        return self.profile is not None or self.config is not None

    def arguments(self, run: RunDirectory) -> list[str]:
        """What follows `harmonic train` in another process that is to train the same in `run`."""
        # Joined by "=", a value that begins with a dash stays one.
        named: list[tuple[str, object]] = [("config", self.config), *(("set", each) for each in self.settings)]
        for flag, value in {**self.flags, "output_dir": run.path}.items():
            named += [(flag, each) for each in (value if isinstance(value, list) else [value])]
        switches = {"--allow-changes": self.allow_changes, "--allow-partial": self.allow_partial}
        return [
            *([] if self.profile is None else [self.profile]),
            *(f"--{name.replace('_', '-')}={value}" for name, value in named if value is not None),
            *(switch for switch, wanted in switches.items() if wanted),
        ]

    def resolved(self, *, base: Base | None = None, check: bool = True) -> Resolved:
        """Put the profile together, above all that `base` says."""
        return resolve(
            self.profile,
            config=self.config,
            settings=self.settings,
            flags=self.flags,
            base=[base.own.layer] if base else (),
            check=check,
        )


@dataclass(frozen=True)
class Plan:
    """A start, decided."""

    resolved: Resolved
    run: RunDirectory
    point: ResumePoint | None = None
    remarks: tuple[str, ...] = ()
    """What a person should read before training begins."""


def plan(asked: Asked, *, alone: bool = True) -> Plan:
    """Decide what to train and where, without a look at the sound; nothing is changed on the disk.

    Parameters
    ----------
    asked
        The command line.
    alone
        Whether no other process has to come to the same decision.

    Raises
    ------
    ProfileError
        Something that was asked for cannot be used, or changes a run that is to go on.
    RunError
        There is nothing to go on from, or its weights do not fit.
    """
    first = asked.resolved(check=False)
    source = first.profile.train.resume_from
    if source is None:
        planned = _begin(asked, alone)
    else:
        point = replace(find_resume_point(source), allow_partial=asked.allow_partial)
        base, unreadable = _base(asked, point)
        whole = first if base is None or asked.names_a_profile else asked.resolved(base=base, check=False)
        run = _continued(whole, point, base)
        planned = _go_on(asked, run, point, base) if run else _fine_tune(asked, first, point, base, alone)
        planned = replace(planned, remarks=(*unreadable, *planned.remarks))
    insist_on_music(planned.resolved.profile.data)
    warnings = [f"warning: {warning}" for warning in planned.resolved.warnings]
    return _after_a_restart(replace(planned, remarks=(*warnings, *planned.remarks)))


def _begin(asked: Asked, alone: bool) -> Plan:
    if not asked.names_a_profile and "dataset" not in asked.flags:
        raise ProfileError(
            "nothing to train: name a profile (`harmonic profiles list`), such as `harmonic train demo`, "
            "or a data set, such as `harmonic train --dataset custom --custom-dir path/to/audio`"
        )
    resolved = asked.resolved()
    return Plan(resolved, _new_directory(resolved, alone))


def _base(asked: Asked, point: ResumePoint) -> tuple[Base | None, tuple[str, ...]]:
    from harmonic_core.cli.base_run import find_base

    try:
        base = find_base(point)
    except ProfileError as error:
        if not asked.names_a_profile:
            raise ProfileError(f"{error}\nName its profile: `harmonic train PROFILE --resume-from …`.") from None
        return None, (f"warning: {error}",)
    return base, tuple(f"warning: {warning}" for warning in base.warnings)


def _continued(resolved: Resolved, point: ResumePoint, base: Base | None) -> RunDirectory | None:
    """The run of `point`, where more of it is meant; None where another is to begin with its weights."""
    profile = resolved.profile
    # A name in a profile is that of its first run; one on the command line is meant for this run.
    named = profile.run.name if resolved.origins["run.name"] in _COMMAND_LINE else None
    meant = profile.output.output_dir or (RUN_ROOTS[0] / named if named else None)
    if meant:
        return RunDirectory(meant) if point.continues(RunDirectory(meant)) else None
    recorded = (base.own, base.trained) if base else ()
    is_same = not recorded or any(same_music(each.profile.data, profile.data) for each in recorded)
    return point.run if is_same else None


def _go_on(asked: Asked, run: RunDirectory, point: ResumePoint, base: Base | None) -> Plan:
    from harmonic_core.profile.changes import changes, lines

    if asked.allow_partial:
        raise ProfileError(
            f"--allow-partial: {shown_path(run.path)} goes on with all of its weights or not at all; leave it out, or "
            "begin another run with those that fit: add `--output-dir DIR` or `--name NAME`"
        )
    resolved = asked.resolved(base=None if asked.names_a_profile else base)
    if not asked.names_a_profile and (status := read_status(run.status)) and status.profile:
        resolved = replace(resolved, name=status.profile)
    found = changes(_as_steered(base, resolved.profile), resolved.profile) if base else []
    if base:
        _insist_on_fit(point, base, resolved, found)
    told = lines(found)
    if base and not asked.allow_changes and not all(each.harmless for each in found):
        raise ProfileError(_refusal(point, base, found, edited=not asked.names_a_profile))
    heading = f"{shown_path(run.path)} goes on with other settings, then → now:"
    remarks = (heading, *(f"  {line}" for line in told)) if told else ()
    return Plan(resolved, run, replace(point, changes=tuple(told)), remarks)


def _as_steered(base: Base, wanted: Profile) -> Profile:
    """What the weights were trained with; epochs that were changed under way to what is wanted now are no change."""
    checkpoint, profile = base.source.checkpoint if base.source else None, base.trained.profile
    told = checkpoint.steering if checkpoint else None
    epochs = [value for _, leaf, value, _ in (told or {}).get("changes", ()) if leaf == "epochs"]
    if not epochs or epochs[-1] != wanted.train.epochs:
        return profile
    train = profile.train.model_copy(update={"epochs": wanted.train.epochs})
    return profile.model_copy(update={"train": train})


def _insist_on_fit(point: ResumePoint, base: Base, resolved: Resolved, found: Sequence[Change]) -> None:
    """Refuse weights that do not fit while the run is still untouched: no `--allow-changes` would help."""
    from harmonic_core.training.resume import insist_on_fit

    if base.source is None:
        return
    try:
        insist_on_fit(point, base.source, resolved.profile)
    except RunError as error:
        raise RunError("\n".join([*_meant(point, found), str(error)])) from None


def _meant(point: ResumePoint, found: Sequence[Change]) -> list[str]:
    """The changes that are not harmless, as lines with a heading; none where there are none."""
    from harmonic_core.profile.changes import lines

    told = lines([each for each in found if not each.harmless])
    named = point.export or point.checkpoint or (point.run.path if point.run else Path())
    heading = f"{shown_path(named)} was trained with other settings, then → now:"
    return [heading, *(f"  {line}" for line in told)] if told else []


def _refusal(point: ResumePoint, base: Base, found: Sequence[Change], *, edited: bool) -> str:
    """What is said of changes; of those by an `edited` profile of the run also where they stand."""
    from harmonic_core.profile.changes import changes

    meant = {each.key for each in found if not each.harmless}
    here = [each.key for each in changes(base.trained.profile, base.own.profile) if edited and each.key in meant]
    back = f"copy {base.trained.place} over it" if base.trained.place.endswith(".toml") else "change it back"
    stands = f"{base.own.place} says otherwise now ({', '.join(here)}); to go on as it was, {back}."
    return "\n".join(
        [
            *_meant(point, found),
            *([stands] if here else []),
            "To go on with these, add `--allow-changes`; the result is then not that of a training in one go."
            + (
                " More or fewer epochs are such a change: they stretch or squeeze the learning rate's cosine."
                * ("train.epochs" in meant)
            ),
            "To begin a new run with its weights instead, give `--name` or `--output-dir`.",
        ]
    )


def _fine_tune(asked: Asked, first: Resolved, point: ResumePoint, base: Base | None, alone: bool) -> Plan:
    if base:
        # The shape is that of the weights, whatever stands beside them by now.
        layer = base.trained.layer.only(_taken_over(asked, first), base.name)
        base = replace(base, own=replace(base.trained, layer=layer))
    resolved = _with_its_learning_rate(asked.resolved(base=base))
    rate = f"{resolved.profile.train.learning_rate:g} ({resolved.origins['train.learning_rate']})"
    source = shown_path(point.export or point.checkpoint or (point.run.path if point.run else Path()))
    run = _new_directory(resolved, alone)
    remark = f"fine-tuning: {shown_path(run.path)} begins with the weights of {source}, learning rate {rate}"
    return Plan(resolved, run, point, (remark,))


def _taken_over(asked: Asked, first: Resolved) -> frozenset[Key]:
    """Settings of the base that a fine-tune keeps unless told otherwise: what shapes the sound and the model."""
    from harmonic_core.profile.explain import fields

    keys = {(each.section, each.leaf) for each in fields() if each.section in {"audio", "model"}}
    keys |= {("data", "segment_length"), ("data", "min_clip_length")}
    if not asked.names_a_profile and first.origins["data.dataset"] == DEFAULT:
        given = [leaf for leaf in _FOLDERS if first.origins[f"data.{leaf}"] != DEFAULT]
        if given:
            flag = "--" + given[0].replace("_", "-")
            raise ProfileError(f"{flag}: say which data set this is, such as `--dataset custom`")
        keys |= {(each.section, each.leaf) for each in fields() if each.section == "data"}
    return frozenset(keys)


def _with_its_learning_rate(resolved: Resolved) -> Resolved:
    """Put `finetune_learning_rate` in force unless this very start asks for a `learning_rate`.

    One that stands in a profile is meant for weights that begin from nothing.
    """
    stood = resolved.origins["train.learning_rate"]
    if stood in _COMMAND_LINE or stood in environment_names():
        return resolved
    train = resolved.profile.train
    origin = resolved.origins["train.finetune_learning_rate"]
    told = "finetune_learning_rate" if origin == DEFAULT else f"finetune_learning_rate, {origin}"
    if stood != DEFAULT:
        told += f", instead of {train.learning_rate:g} from {stood}"
    train = train.model_copy(update={"learning_rate": train.finetune_learning_rate})
    return replace(
        resolved,
        profile=resolved.profile.model_copy(update={"train": train}),
        origins={**resolved.origins, "train.learning_rate": told},
    )


def _new_directory(resolved: Resolved, alone: bool) -> RunDirectory:
    profile = resolved.profile
    if profile.output.output_dir:
        return RunDirectory(profile.output.output_dir)
    if profile.run.name:
        return RunDirectory(RUN_ROOTS[0] / profile.run.name)
    if not alone:
        raise ProfileError(
            "a run on several processes or machines needs a directory that all of them know: "
            "give `--output-dir DIR`, or `--name NAME` for runs/NAME"
        )
    return default_directory(resolved.name, datetime.now())


def _after_a_restart(planned: Plan) -> Plan:
    """Where the launcher has started all ranks anew after a fault, go on with what they had reached."""
    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") in {"", "0"}:
        return planned
    if not any(planned.run.checkpoints.glob("step-*")):
        return planned
    return replace(planned, point=ResumePoint(planned.run))
