"""What a study varies with a profile: the profile's own space, or the usual one; and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from harmonic_core.profile.explain import Key, find_key, sections, suggest
from harmonic_core.profile.explain import field as explain_field
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.space import ARCHITECTURES, Axis, Choice, Domain, Range, Space, Value, words_of
from harmonic_core.text import plain

WIDTHS: dict[str, tuple[tuple[int, ...], ...]] = {
    "harmonic": ((128, 128, 192, 256), (64, 96, 128, 192), (192, 192, 256, 320)),
    "dense": ((1024, 512, 256), (512, 256)),
}
"""Hidden dimensions worth trying beside the profile's own, by architecture."""

_SEARCHABLE = ("model", "loss", "train", "augment")
_NOT_VARIED: dict[Key, str] = {
    ("train", "epochs"): "all trials get the same budget; give it to `harmonic tune` with --epochs",
    ("train", "max_steps"): "all trials get the same budget; give it to `harmonic tune` with --steps",
    ("train", "early_stopping"): "all trials get the same budget; set it for all of them",
    ("train", "resume_from"): "each trial begins with weights of its own",
    ("train", "log_every"): "it changes nothing that is learnt",
    ("train", "refine_vocoder"): "it changes nothing that is learnt",
}


def space_of(profile: Profile) -> Space:
    """What a study with a profile varies, settings by key path: the profile's own space, or the usual one.

    The usual one has the latent's size, the KL's last weight, the widths of the profile's architecture, its own among
    them, and the learning rate, in this order.
    """
    if profile.tune.space is not None:
        return Space(tuple(map(_by_key_path, profile.tune.space.axes)))
    widths = dict.fromkeys((profile.hidden_dims, *WIDTHS[profile.model.architecture]))
    return Space(
        (
            Axis("model.latent_dim", Choice((64, 128, 256))),
            Axis("loss.beta_end", Choice((0.001, 0.01, 0.1))),
            Axis("model.hidden_dims", Choice(tuple(widths))),
            Axis("train.learning_rate", Range(1e-4, 2e-3, log=True)),
        )
    )


def _by_key_path(axis: Axis) -> Axis:
    key = find_key(axis.key)
    assert key is not None
    fitting = tuple((name, _in_kind(key, domain)) for name, domain in axis.by_architecture)
    return Axis(".".join(key), axis.domain and _in_kind(key, axis.domain), fitting)


def _in_kind(key: Key, domain: Domain) -> Domain:
    """A range in the numbers of its setting: 0 to 1 of a number has all between them, too."""
    explanation = explain_field(key)
    if isinstance(domain, Choice) or explanation is None:
        return domain
    number = int if explanation.kind == "integer" else float
    step = None if domain.step is None else number(domain.step)
    return Range(number(domain.low), number(domain.high), domain.log, step)


def objections(profile: Profile) -> Iterator[str]:
    """Why a study cannot vary what the profile's space says, a sentence each."""
    if profile.tune.space is None:
        return
    seen: set[Key] = set()
    for axis in profile.tune.space.axes:
        name, key = f"`{plain(axis.key, 60)}`", find_key(axis.key)
        if key is None:
            yield f"{name}: {suggest(axis.key).removesuffix('?')}"
            continue
        if key in seen:
            yield f"{name}: the setting stands there twice; take one out"
        elif why := _unfit(key):
            yield f"{name}: {why}"
        elif key == ("model", "architecture") and axis.domain is None:
            yield f"{name}: it cannot depend on itself; give a list of architectures"
        else:
            yield from (f"{name}: {why}" for _, domain in axis.domains() if (why := _out_of_place(key, domain)))
        seen.add(key)
    yield from _never_read(profile, profile.tune.space)


def _unfit(key: Key) -> str:
    if key in _NOT_VARIED:
        return f"it cannot be varied: {_NOT_VARIED[key]}"
    if key[0] not in _SEARCHABLE:
        return (
            f"a setting of [{key[0]}] cannot be varied, as it decides what trials are measured on or with, and their "
            f"errors would not compare; there are those of {', '.join(f'[{each}]' for each in _SEARCHABLE)}"
        )
    return ""


def _out_of_place(key: Key, domain: Domain) -> str:
    """Why a setting cannot have all values of a domain; empty where it can."""
    explanation = explain_field(key)
    assert explanation is not None
    if isinstance(domain, Choice):
        wrong = next((each for each in domain.values if not _fits(key, each)), None)
        return (
            f"{plain(words_of(wrong), 60)} is not allowed; allowed is {explanation.allowed}"
            if wrong is not None
            else ""
        )
    if explanation.kind not in {"integer", "number"}:
        return f"it has no low and high; give a list of values, each {explanation.allowed}"
    if explanation.kind == "integer":
        broken = [each for each in (domain.low, domain.high, domain.step or 1) if each != int(each)]
        if broken:
            return f"{broken[0]:g} is no whole number; allowed is {explanation.allowed}"
    outside = next((each for each in (domain.low, domain.high) if not _fits(key, each)), None)
    return f"{outside:g} is not allowed; allowed is {explanation.allowed}" if outside is not None else ""


def _fits(key: Key, value: Value) -> bool:
    explanation = explain_field(key)
    assert explanation is not None
    # True would pass for the number 1.
    if isinstance(value, bool) != (explanation.kind == "switch"):
        return False
    try:
        sections()[key[0]].model_validate({key[1]: value})
    except ValidationError:
        return False
    return True


def _never_read(profile: Profile, space: Space) -> Iterator[str]:
    """Settings given for an architecture that no trial has."""
    choices = [axis.domain for axis in space.axes if find_key(axis.key) == ("model", "architecture")]
    tried = choices[0].values if choices and isinstance(choices[0], Choice) else (profile.model.architecture,)
    for axis in space.axes:
        if axis.by_architecture and not any(name in tried for name, _ in axis.by_architecture):
            known = " or ".join(each for each in ARCHITECTURES if each in tried)
            yield f"`{plain(axis.key, 60)}`: it has no values for the architecture {known}, the only one that is tried"
