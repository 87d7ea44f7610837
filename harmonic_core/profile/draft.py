"""A profile that is being changed: what was typed, what is wrong with it, and how it differs from the file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harmonic_core.profile.explain import Key, Kind, find_key, sections
from harmonic_core.profile.explain import field as explain_field
from harmonic_core.profile.layers import Layer, Problem, from_environment, parse, refusal
from harmonic_core.profile.resolve import DEFAULT, examine
from harmonic_core.profile.search import find
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import display_name, read_chain
from harmonic_core.profile.write import value_text

TYPED = "typed"
"""Origin of what a draft says itself."""

_NUMERIC: frozenset[Kind] = frozenset({"integer", "number"})


@dataclass(frozen=True)
class Changed:
    """A setting that a draft gives another value than its profile."""

    key: Key
    before: object
    after: object
    text: str
    """The new value as it was typed."""

    @property
    def name(self) -> str:
        """Key path, such as "train.epochs"."""
        return ".".join(self.key)


class Draft:
    """Changes to a profile, as texts that need not be right (yet).

    Parameters
    ----------
    source
        Name or path of the profile.
    texts
        What was typed before, by key path; what is no setting any more is passed over.
    environ
        Environment variables. Default: this process's.

    Raises
    ------
    ProfileError
        If the profile itself cannot be read, or says something that is no setting.
    """

    def __init__(
        self, source: str | Path, texts: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.source = source
        self.path = find(source)
        self._layers: list[Layer] = [
            *read_chain(self.path),
            from_environment(os.environ if environ is None else environ),
        ]
        base = examine(self._layers, check=False)
        if base.problems:
            raise refusal(display_name(self.path), base.problems)
        self.base: Profile = base.profile
        """The profile without any change."""
        self._origins = {key: entry.origin for key, entry in base.entries.items()}
        self._texts: dict[Key, str] = {}
        for name, text in (texts or {}).items():
            key = find_key(name)
            if key is not None:
                self._texts[key] = text
        self._examine()

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong, by itself or together, the order of the settings kept."""
        return self._problems

    @property
    def changes(self) -> list[Changed]:
        """Every setting whose value differs from the profile's, in the order of the sections; none that is invalid."""
        return [
            Changed(key, self.base_value(key), self.value(key), self._texts[key])
            for key in sorted(self._texts, key=_order)
            if key not in self._invalid and self.value(key) != self.base_value(key)
        ]

    @property
    def texts(self) -> dict[str, str]:
        """Everything typed that is no longer as the profile has it, right or wrong, by key path."""
        return {".".join(key): self._texts[key] for key in sorted(self._texts, key=_order)}

    @property
    def profile(self) -> Profile:
        """The profile with every change that is valid by itself."""
        return self._profile

    @property
    def settings(self) -> list[str]:
        """The changes as `--set` takes them."""
        return [f"{name}={text}" for name, text in self.texts.items()]

    @property
    def command(self) -> str:
        """The line that starts the same from a shell."""
        parts = ["harmonic", "train", str(self.source)]
        for setting in self.settings:
            parts += ["--set", setting]
        return shlex.join(parts)

    def value(self, key: Key) -> object:
        """Value in force; the profile's own where what was typed is invalid."""
        return _value(self.base if key in self._invalid else self._profile, key)

    def base_value(self, key: Key) -> object:
        """Value that the profile has."""
        return _value(self.base, key)

    def text(self, key: Key) -> str:
        """A setting as one would type it: as it was typed, or the profile's value."""
        return self._texts[key] if key in self._texts else text_of(key, self.base_value(key))

    def origin(self, key: Key) -> str:
        """Where the profile's value comes from: "profiles/demo.toml:14", "default" and so on."""
        return self._origins.get(key, DEFAULT)

    def is_changed(self, key: Key) -> bool:
        """Whether something else was typed than the profile says."""
        return key in self._texts

    def problem(self, key: Key) -> Problem | None:
        """What is wrong with a setting, or with it and others together."""
        name = ".".join(key)
        return next((each for each in self._problems if each.key == name), None)

    def is_invalid(self, key: Key) -> bool:
        """Whether what was typed is no value of the setting, whatever the others say."""
        return key in self._invalid

    def set_text(self, key: Key, text: str) -> None:
        """Type something. What comes to the profile's own value is no change."""
        self._texts[key] = text
        self._examine()
        if key not in self._invalid and self.value(key) == self.base_value(key):
            del self._texts[key]
            self._examine()

    def undo(self, key: Key) -> None:
        """Go back to the profile's value."""
        if self._texts.pop(key, None) is not None:
            self._examine()

    def undo_all(self) -> None:
        """Forget everything typed."""
        self._texts.clear()
        self._examine()

    def _examine(self) -> None:
        typed = Layer()
        for key, text in self._texts.items():
            typed.set(key, parse(key, text), TYPED)
        examined = examine([*self._layers, typed])
        self._profile, self._invalid = examined.profile, examined.invalid
        self._problems = sorted(examined.problems, key=lambda each: _order(find_key(each.key) or ("", "")))


def text_of(key: Key, value: object) -> str:
    """A value as one would type it after `--set KEY=`; empty where there is none."""
    explanation = explain_field(key)
    assert explanation is not None
    if value is None or (value == () and not explanation.optional):
        return ""
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], Path):
        value = value[0]
    if isinstance(value, str | Path):
        plainly = str(value)
        # What looks like something else has to be quoted.
        return plainly if parse(key, plainly) == plainly else value_text(plainly)
    return value_text(value)


def literal(change: Changed) -> str:
    """The new value as TOML. A number stays as it was typed: `5e-4`."""
    explanation = explain_field(change.key)
    assert explanation is not None
    typed = change.text.strip()
    if explanation.kind in _NUMERIC and not isinstance(parse(change.key, typed), str) and typed.isprintable():
        return typed
    return value_text("" if change.after is None else change.after)


def _value(profile: Profile, key: Key) -> object:
    value: object = getattr(getattr(profile, key[0]), key[1])
    return value


def _order(key: Key) -> tuple[int, int]:

    names = list(sections())
    if key[0] not in names:
        return -1, -1
    return names.index(key[0]), list(sections()[key[0]].model_fields).index(key[1])
