"""From everything that says something about a run to one checked profile, knowing where each value came from.

Low to high: defaults, a run that is gone on from, what a profile extends, the profile, a flat `config.json`,
`HARMONIC_*`, `--set`, named flags.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from harmonic_core.profile import checks
from harmonic_core.profile.explain import Key, fields
from harmonic_core.profile.explain import field as explain_field
from harmonic_core.profile.flat_config import read_config
from harmonic_core.profile.layers import Entry, Layer, Problem, from_environment, from_flags, from_settings, refusal
from harmonic_core.profile.search import find
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.space import Space, SpaceError
from harmonic_core.profile.toml_file import display_name, read_chain
from harmonic_core.profile.words import shown_path

DEFAULT = "default"


@dataclass(frozen=True)
class Resolved:
    """A profile in force and how it came about."""

    profile: Profile
    name: str
    """What to call it: the profile's file, else the configuration's, else the data set."""
    origins: dict[str, str]
    """Where each setting comes from: "profiles/gtzan.toml:14", "--set", "default" and so on, by key path."""
    warnings: tuple[str, ...]
    """What was passed over, one sentence each."""


@dataclass(frozen=True)
class Examined:
    """What layers come to, right or wrong."""

    profile: Profile
    """Of all entries that are valid by themselves."""
    entries: dict[Key, Entry]
    """What was said of each setting last."""
    invalid: frozenset[Key]
    """Settings whose entry is not valid by itself."""
    problems: list[Problem]


def resolve(
    source: str | Path | None,
    *,
    config: Path | None = None,
    settings: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    base: Sequence[Layer] = (),
    check: bool = True,
) -> Resolved:
    """Put a profile together and refuse one that cannot work.

    Parameters
    ----------
    source
        Name or path of a profile; None for the defaults. A `.json` file is taken as `config`.
    config
        A flat `config.json`, above the profile.
    settings
        `KEY=VALUE`, as `--set` takes them.
    flags
        Values of named flags by setting, `{"learning_rate": 1e-3}`. Strings are parsed; None is not given.
    environ
        Environment variables. Default: this process's.
    base
        What holds where nothing else is said, the most basic first: settings of the run that is gone on from.
    check
        Whether settings that contradict each other are refused; False to show a profile that still lacks something.

    Raises
    ------
    ProfileError
        Something is wrong with it; the message names everything that is.
    """
    if source is not None and config is None and str(source).endswith(".json"):
        config, source = Path(source), None
    path = None if source is None else find(source)
    layers = [
        *base,
        *(read_chain(path) if path else ()),
        *((read_config(config),) if config else ()),
        from_environment(os.environ if environ is None else environ),
        from_settings(settings),
        from_flags(flags or {}),
    ]
    what = display_name(path) if path else shown_path(config) if config else "These settings"
    profile, entries = _build(what, layers, check=check)
    named_by = path or config
    return Resolved(
        profile=profile,
        name=named_by.stem if named_by else profile.data.dataset,
        origins={each.key: _origin(entries, (each.section, each.leaf)) for each in fields()},
        warnings=tuple(warning for layer in layers for warning in layer.warnings),
    )


def load(path: Path) -> Profile:
    """Read a profile's file by itself, such as a run's own `profile.toml`: no environment, no flags.

    Raises
    ------
    ProfileError
        The file cannot be read or is no valid profile.
    """
    return put_together(display_name(path), read_chain(path))


def put_together(what: str, layers: Sequence[Layer]) -> Profile:
    """Make a profile of layers alone, the most basic first; settings may contradict each other.

    Raises
    ------
    ProfileError
        Something in them is no valid setting; the message begins with `what`.
    """
    return _build(what, layers, check=False)[0]


def examine(layers: Sequence[Layer], *, check: bool = True) -> Examined:
    """Put layers together, the most basic first, and say what is wrong with them instead of refusing.

    Parameters
    ----------
    check
        Whether settings that contradict each other count as problems.
    """
    entries: dict[Key, Entry] = {}
    for layer in layers:
        entries.update(layer.entries)
    profile, invalid = _validate(entries)
    problems = [*chain.from_iterable(layer.problems for layer in layers), *chain.from_iterable(invalid.values())]
    if check:
        found = [each for each in checks.findings(profile) if not invalid.keys() & set(each.keys)]
        problems += [_as_problem(finding, entries, profile) for finding in found]
    return Examined(profile, entries, frozenset(invalid), problems)


def _build(what: str, layers: Sequence[Layer], check: bool) -> tuple[Profile, dict[Key, Entry]]:
    examined = examine(layers, check=check)
    if examined.problems:
        raise refusal(what, examined.problems)
    return examined.profile, examined.entries


def _validate(entries: Mapping[Key, Entry]) -> tuple[Profile, dict[Key, list[Problem]]]:
    """Give the profile of all valid entries, and the problems of each invalid one."""
    invalid = {key for key, entry in entries.items() if _bool_for_a_number(key, entry.value)}
    faults: dict[Key, tuple[str, ...]] = {}
    try:
        profile = Profile.model_validate(_tables(entries, without=invalid))
    except ValidationError as error:
        for each in error.errors(include_url=False):
            key = str(each["loc"][0]), str(each["loc"][1])
            invalid.add(key)
            reason = each.get("ctx", {}).get("error")
            if isinstance(reason, SpaceError):
                faults[key] = reason.faults
        profile = Profile.model_validate(_tables(entries, without=invalid))
    return profile, {key: _invalid(key, entries[key], faults.get(key)) for key in entries if key in invalid}


def _tables(entries: Mapping[Key, Entry], without: set[Key]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for (section, leaf), entry in entries.items():
        if (section, leaf) not in without:
            tables.setdefault(section, {})[leaf] = entry.value
    return tables


def _bool_for_a_number(key: Key, value: object) -> bool:
    explanation = explain_field(key)
    numeric = explanation is not None and explanation.kind in {"integer", "number", "integers"}
    values = value if isinstance(value, list | tuple) else [value]
    return numeric and any(isinstance(each, bool) for each in values)


def _invalid(key: Key, entry: Entry, faults: Sequence[str] | None) -> list[Problem]:
    explanation = explain_field(key)
    assert explanation is not None
    if faults:
        return [Problem(entry.origin, explanation.key, fault) for fault in faults]
    return [Problem(entry.origin, explanation.key, f"allowed is {explanation.allowed}", entry.value)]


def _as_problem(finding: checks.Finding, entries: Mapping[Key, Entry], profile: Profile) -> Problem:
    """Show a finding at the first of its settings that somebody set."""
    key = next((key for key in finding.keys if key in entries), finding.keys[0])
    value = getattr(getattr(profile, key[0]), key[1])
    shown_key = ".".join(key)
    if value is None or isinstance(value, Space):
        return Problem(_origin(entries, key), shown_key, finding.message)
    return Problem(_origin(entries, key), shown_key, finding.message, value)


def _origin(entries: Mapping[Key, Entry], key: Key) -> str:
    return entries[key].origin if key in entries else DEFAULT
