"""What a study may vary, as a profile's `[tune.space]` writes it: settings, and the values that they can take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from harmonic_core.profile.words import shown
from harmonic_core.text import plain

Value = bool | int | float | str | tuple[int, ...]

ARCHITECTURES = ("harmonic", "dense")
"""What values may be conditional on."""

_MOST_VALUES = 1000
_OF_A_RANGE = ("low", "high", "log", "step")


class SpaceError(ValueError):
    """What is no space.

    Attributes
    ----------
    faults
        One sentence each, without a full stop, that begins with the setting.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]

    def table(self) -> object:
        """As TOML holds it."""
        return [list(value) if isinstance(value, tuple) else value for value in self.values]

    def __str__(self) -> str:
        return f"one of {', '.join(map(words_of, self.values))}"


@dataclass(frozen=True)
class Range:
    """Any number from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False
    """Equal ratios are equally likely, not equal differences."""
    step: float | None = None
    """Distance of the numbers; None for any."""

    def table(self) -> object:
        """As TOML holds it."""
        more = {"log": True} if self.log else {"step": self.step} if self.step is not None else {}
        return {"low": self.low, "high": self.high, **more}

    def __str__(self) -> str:
        how = ", by ratio" if self.log else f", in steps of {self.step:g}" if self.step is not None else ""
        return f"{self.low:g} to {self.high:g}{how}"


Domain = Choice | Range


@dataclass(frozen=True)
class Axis:
    """One setting that is varied."""

    key: str
    """As the profile writes it: "model.latent_dim", or "latent_dim" alone."""
    domain: Domain | None
    """Its values whatever the architecture; None where they depend on it."""
    by_architecture: tuple[tuple[str, Domain], ...] = ()
    """Its values with each architecture; with one that is not named the setting is not varied."""

    def domains(self) -> tuple[tuple[str, Domain], ...]:
        """All of them, each with its architecture; that is empty where it does not matter."""
        return self.by_architecture if self.domain is None else (("", self.domain),)

    def within(self, architecture: str) -> Domain | None:
        """Values with an architecture; None where the setting is not varied with it."""
        return self.domain or dict(self.by_architecture).get(architecture)

    def __str__(self) -> str:
        return "; ".join(f"{where}: {domain}" if where else str(domain) for where, domain in self.domains())


@dataclass(frozen=True)
class Space:
    """All that is varied, in the order in which it is written."""

    axes: tuple[Axis, ...]

    def table(self) -> dict[str, object]:
        """As TOML holds it."""
        return {
            axis.key: axis.domain.table()
            if axis.domain is not None
            else {architecture: domain.table() for architecture, domain in axis.by_architecture}
            for axis in self.axes
        }

    def __str__(self) -> str:
        return "; ".join(f"{axis.key} {axis}" for axis in self.axes)


def words_of(value: Value) -> str:
    """One value as a profile would write it."""
    if isinstance(value, tuple):
        return str(list(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_space(content: object) -> Space:
    """Read a space as TOML gives it.

    A setting stands by its name, its key path in quotation marks, or in a table of its section. It has a list of
    values, or a table of `low` and `high` and perhaps `log` or `step`, or a table of either by architecture.

    Raises
    ------
    SpaceError
        If it is written in another way; what the settings themselves take is not looked at.
    """
    if isinstance(content, Space):
        return content
    if not isinstance(content, Mapping):
        raise SpaceError([f"{shown(content)} is no table; write settings with their values below [tune.space]"])
    faults: list[str] = []
    axes: list[Axis] = []
    for name, wanted in _flat(content):
        try:
            if _is_by_architecture(wanted):
                each = ((architecture, _domain(name, domain)) for architecture, domain in wanted.items())
                axes.append(Axis(name, None, tuple(each)))
            else:
                axes.append(Axis(name, _domain(name, wanted)))
        except SpaceError as error:
            faults += error.faults
    if not faults and not axes:
        faults.append("an empty space leaves nothing to search; leave it out for the usual one")
    if faults:
        raise SpaceError(faults)
    return Space(tuple(axes))


def _flat(content: Mapping[Any, object]) -> Iterator[tuple[str, object]]:
    """Settings by name, those in the table of a section with its name before them."""
    for name, value in content.items():
        if (
            isinstance(value, Mapping)
            and value
            and not _is_by_architecture(value)
            and not value.keys() & {*_OF_A_RANGE}
        ):
            for leaf, wanted in value.items():
                yield f"{name}.{leaf}", wanted
        else:
            yield str(name), value


def _is_by_architecture(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping) and bool(value) and value.keys() <= set(ARCHITECTURES)


def _domain(name: str, wanted: object) -> Domain:
    name = f"`{plain(name, 60)}`"
    if isinstance(wanted, Mapping):
        return _range(name, wanted)
    if not isinstance(wanted, list | tuple):
        raise SpaceError([f"{name}: {shown(wanted)} is one value, and a search needs several; give a list of them"])
    if not wanted:
        raise SpaceError([f"{name}: the list is empty; give the values to choose from"])
    if len(wanted) > _MOST_VALUES:
        raise SpaceError([f"{name}: {len(wanted)} values are too many to choose from; give a low and a high"])
    values: list[Value] = []
    for each in wanted:
        value = tuple(each) if isinstance(each, list | tuple) else each
        # True would pass for the number 1.
        is_list = isinstance(value, tuple) and all(type(item) is int for item in value)
        is_number = isinstance(value, float) and math.isfinite(value)
        if not (is_list or is_number or isinstance(value, bool | int | str)):
            raise SpaceError([f"{name}: {shown(each)} is no value of a setting"])
        if value in values:
            raise SpaceError([f"{name}: {shown(each)} stands there twice; take one out"])
        values.append(value)
    return Choice(tuple(values))


def _range(name: str, wanted: Mapping[Any, object]) -> Range:
    unknown = [key for key in wanted if key not in _OF_A_RANGE]
    if unknown:
        raise SpaceError(
            [f"{name}: {shown(str(unknown[0]))} belongs to no range; a range has low, high, and perhaps log or step"]
        )
    missing = [key for key in ("low", "high") if key not in wanted]
    if missing:
        raise SpaceError([f"{name}: a range needs {' and '.join(missing)}"])
    for key in ("low", "high", "step"):
        value = wanted.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise SpaceError([f"{name}: {key} = {shown(value)} is no number"])
    low, high, step = wanted["low"], wanted["high"], wanted.get("step")
    log = wanted.get("log", False)
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    assert step is None or isinstance(step, int | float)
    if not isinstance(log, bool):
        raise SpaceError([f"{name}: log = {shown(log)} is neither true nor false"])
    if low >= high:
        raise SpaceError([f"{name}: low = {low} is not below high = {high}; swap them, or hold the setting fixed"])
    if log and low <= 0:
        raise SpaceError([f"{name}: low = {low} has no ratio to high; take one above 0, or leave log out"])
    if step is not None and (log or step <= 0 or step > high - low):
        why = "log and step exclude each other; leave one out" if log else f"step = {step} fits nowhere in the range"
        raise SpaceError([f"{name}: {why}"])
    return Range(low, high, log, step)
