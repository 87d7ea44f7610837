"""What differs between the profile that a run began with and the one that it is to go on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harmonic_core.profile.explain import fields
from harmonic_core.profile.music import same_music
from harmonic_core.profile.sections import CaseStudy, Profile
from harmonic_core.profile.words import shown

_PLACE = frozenset({"output.output_dir", "train.resume_from"})
"""Where a run lies and what it began from is no part of what it is."""

_FOLDERS = frozenset({"data.dataset_dir", "data.custom_dir", "data.maestro_dir", "data.gtzan_dir"})
"""What counts is the music that they come to."""

HARMLESS: dict[str, str] = {
    "run.name": "only a name",
    "run.description": "only words",
    "data.cache_dir": "a recording decodes to the same samples in any cache",
    "train.finetune_learning_rate": "read when a run begins, and kept as its learning_rate",
    "train.refine_vocoder": "heard, never learnt from",
    "train.log_every": "how often figures are written changes none of them",
    "train.early_stopping": "where a run ends changes nothing before",
    "train.max_bad_steps": "matters only where updates fail",
    "train.max_rollbacks": "matters only where updates fail",
    "evaluation.prior_samples": "heard, never learnt from",
    "evaluation.reconstructions": "heard, never learnt from",
    "evaluation.griffin_lim_steps": "heard, never learnt from",
    "evaluation.evaluation_share": "measured, never learnt from",
    **dict.fromkeys((f"case_study.{leaf}" for leaf in CaseStudy.model_fields), "promised, never learnt from"),
    "tune.space": "read by studies, never by a run",
    "output.visualize_every": "what is written changes nothing that is computed",
    "output.checkpoint_every": "what is written changes nothing that is computed",
    "output.keep": "what is kept changes nothing that is computed",
    "output.use_tensorboard": "what is written changes nothing that is computed",
}
"""Settings that may change between two parts of a run, and why: the figures stay the same."""

ROUNDED: dict[str, str] = {
    "run.device": "another device rounds differently",
    "train.compile": "translated code rounds differently",
    "train.grad_accum_steps": "a sum over other parts rounds differently",
}
"""Settings that may change though figures then differ in their last bits."""

_ONLY_WHERE: dict[str, Callable[[Profile], bool]] = {
    "data.demo_minutes": lambda profile: profile.data.dataset == "demo",
    "data.gtzan_weight": lambda profile: profile.data.dataset == "combined",
    "data.maestro_weight": lambda profile: profile.data.dataset == "combined",
    "data.custom_weight": lambda profile: profile.data.dataset == "combined",
    "data.official_parts": lambda profile: profile.data.dataset in {"maestro", "combined"},
    "data.hours": lambda profile: profile.data.dataset in {"maestro", "combined"},
    "data.years": lambda profile: profile.data.dataset in {"maestro", "combined"},
    "data.composers": lambda profile: profile.data.dataset in {"maestro", "combined"},
    "model.kernel_size": lambda profile: profile.model.architecture == "harmonic",
    "model.blocks_per_stage": lambda profile: profile.model.architecture == "harmonic",
    "loss.beta_cycles": lambda profile: profile.loss.beta_schedule == "cyclical",
    "train.epochs": lambda profile: profile.train.learning_rate_schedule == "cosine",
    "train.max_steps": lambda profile: profile.train.learning_rate_schedule == "cosine",
    "train.plateau_patience": lambda profile: profile.train.learning_rate_schedule == "plateau",
    "train.final_learning_rate": lambda profile: profile.train.learning_rate_schedule != "constant",
    "augment.augment_strength": lambda profile: profile.augment.augment,
}
"""Settings that are read only under others. Elsewhere they may change."""


@dataclass(frozen=True)
class Change:
    """One setting, then and now."""

    key: str
    """Key path, such as "train.epochs"."""
    before: object
    after: object
    harmless: bool
    """Whether a run may go on with it unasked."""
    remark: str = ""
    """What a person should know of it all the same."""


def changes(before: Profile, after: Profile) -> list[Change]:
    """Compare two profiles, in the order of the sections.

    What comes to the same is no change: a folder written in another way, a default that is spelled out. Neither is
    where a run lies nor what it began from.

    Parameters
    ----------
    before
        The profile that the run has had.
    after
        The one that it is to go on with.
    """
    passed_over = _PLACE | _FOLDERS if same_music(before.data, after.data) else _PLACE
    return [
        Change(each.key, *values, _is_harmless(each.key, before, after), ROUNDED.get(each.key, ""))
        for each in fields()
        if each.key not in passed_over
        for values in [(_in_force(each.key, before), _in_force(each.key, after))]
        if values[0] != values[1]
    ]


def lines(found: Sequence[Change]) -> list[str]:
    """Changes as text, a line each, aligned: the key, the value then, the value now."""
    told = [(each.key, _told(each.before), _told(each.after), each.remark) for each in found]
    keys, values = (max((len(row[column]) for row in told), default=0) for column in (0, 1))
    return [
        f"{key:<{keys}}  {before:<{values}} → {after}{f'  ({remark})' if remark else ''}"
        for key, before, after, remark in told
    ]


def _is_harmless(key: str, before: Profile, after: Profile) -> bool:
    if key in HARMLESS or key in ROUNDED:
        return True
    is_read = _ONLY_WHERE.get(key)
    return is_read is not None and not is_read(before) and not is_read(after)


def _in_force(key: str, profile: Profile) -> object:
    """The value of a setting, a default that follows from others written out."""
    section, leaf = key.split(".")
    value: object = getattr(getattr(profile, section), leaf)
    match key:
        case "model.hidden_dims":
            value = profile.hidden_dims
        case "audio.f_max" if value is None:
            value = profile.audio.sample_rate / 2
        case "data.split" if value == "auto":
            # What `combined` has of GTZAN and of your own knows no official division and is divided by chance.
            value = "official" if profile.data.dataset in {"maestro", "combined"} else "random"
    return value


def _told(value: object) -> str:
    return "not set" if value in {None, ""} or value == () else shown(value)
