"""One source of settings: what it sets, where each value stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import tomli

from harmonic_core.errors import ProfileError
from harmonic_core.profile.explain import Key, Kind, fields, find_key, sections, suggest
from harmonic_core.profile.explain import field as explain_field
from harmonic_core.profile.words import nearest, shown
from harmonic_core.text import plain

PREFIX = "HARMONIC_"
_NO_VALUE = object()


@dataclass(frozen=True)
class Entry:
    """A value and where it comes from, such as "profiles/gtzan.toml:14" or "--set"."""

    value: object
    origin: str


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, with the place to mend it."""

    origin: str
    key: str
    message: str
    value: object = _NO_VALUE

    def lines(self) -> list[str]:
        """The problem as two lines of text: where and what, then why."""
        value = "" if self.value is _NO_VALUE else f" = {shown(self.value)}"
        message = self.message if self.message.endswith(("?", ".")) else self.message + "."
        return [f"  {self.origin}: {plain(self.key)}{value}", f"      {message[0].upper()}{message[1:]}"]


@dataclass
class Layer:
    """What one source says."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def set(self, key: Key, value: object, origin: str) -> None:
        """Take a value for a setting that exists."""
        explanation = explain_field(key)
        assert explanation is not None
        if explanation.kind == "paths":
            # An empty value takes a folder away that a layer below has set.
            value = [each for each in value if each != ""] if isinstance(value, list) else value or []
        if isinstance(value, str) and explanation.kind in {"integers", "texts", "choices"} and value:
            value = [part.strip() for part in value.strip().strip("[]").split(",")]
        if value == "" and explanation.optional:
            value = None
        self.entries[key] = Entry(value, origin)

    def only(self, keys: Collection[Key], origin: str) -> Layer:
        """Of what the source says, the settings `keys`, as if they came from `origin`."""
        return Layer({key: Entry(entry.value, origin) for key, entry in self.entries.items() if key in keys})


def refusal(what: str, problems: Sequence[Problem]) -> ProfileError:
    """All problems as one block, those in files first, line by line.

    Parameters
    ----------
    what
        What cannot be used, such as "profiles/gtzan.toml".
    """
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [line for problem in sorted(problems, key=_place) for line in problem.lines()]
    return ProfileError("\n".join([f"{what} cannot be used: {count}.", *lines]))


def _place(problem: Problem) -> tuple[bool, str, int]:
    file, _, line = problem.origin.rpartition(":")
    return (False, file, int(line)) if line.isdecimal() else (True, problem.origin, 0)


def from_tables(document: Mapping[str, object], origin_of: Mapping[tuple[str, ...], str], otherwise: str) -> Layer:
    """Read the tables of a parsed profile.

    Parameters
    ----------
    document
        What the TOML says, without `extends`.
    origin_of
        File and line of each key path.
    otherwise
        The origin of a key path that is not in `origin_of`.
    """
    layer = Layer()
    for section, table in document.items():
        origin = origin_of.get((section,), otherwise)
        if section not in sections():
            layer.problems.append(Problem(origin, section, _unknown_section(section, table)))
        elif not isinstance(table, dict):
            hint = f": write [{section}] and {section} = {shown(table)} below it" if find_key(section) else ""
            layer.problems.append(Problem(origin, section, f"[{section}] is a section and takes a table{hint}", table))
        else:
            for leaf, value in table.items():
                origin = origin_of.get((section, leaf), otherwise)
                if explain_field((section, leaf)) is None:
                    message = _unknown_leaf(section, leaf)
                    layer.problems.append(Problem(origin, f"{section}.{leaf}", message, value))
                else:
                    layer.set((section, leaf), value, origin)
    return layer


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Read `HARMONIC_LEARNING_RATE`, `HARMONIC_TRAIN_LEARNING_RATE` or `HARMONIC_TRAIN__LEARNING_RATE`.

    The longer name wins over the shorter. An empty variable counts as not there, an unknown one gives a warning.
    """
    layer = Layer()
    known = environment_names()
    for name, key in known.items():
        if environ.get(name):
            layer.set(key, parse(key, environ[name]), name)
    for name in sorted(set(environ) - set(known)):
        if name.startswith(PREFIX):
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else "it is ignored."
            layer.warnings.append(f"The environment variable {plain(name)} is no setting; {hint}")
    return layer


def environment_names() -> dict[str, Key]:
    """Every environment variable that sets something; of two for the same setting the later is more exact."""
    forms = (PREFIX + "{leaf}", PREFIX + "{section}_{leaf}", PREFIX + "{section}__{leaf}")
    return {
        form.format(section=each.section.upper(), leaf=each.leaf.upper()): (each.section, each.leaf)
        for form in forms
        for each in fields()
    }


def from_settings(settings: Sequence[str]) -> Layer:
    """Read `--set train.learning_rate=1e-3`; of two for the same setting the later wins."""
    layer = Layer()
    for setting in settings:
        name, equals, text = setting.partition("=")
        key = find_key(name)
        if not equals:
            layer.problems.append(Problem("--set", name, "give KEY=VALUE, such as --set train.learning_rate=1e-3"))
        elif key is None:
            layer.problems.append(Problem("--set", name, suggest(name), text))
        else:
            layer.set(key, parse(key, text), "--set")
    return layer


def from_flags(flags: Mapping[str, object]) -> Layer:
    """Read named flags, `{"learning_rate": 1e-3}`; None means that the flag was not given."""
    layer = Layer()
    for name, value in flags.items():
        if value is None:
            continue
        key = find_key(name)
        flag = "--" + name.replace("_", "-")
        if key is None:
            layer.problems.append(Problem(plain(flag), name, suggest(name), value))
        else:
            layer.set(key, parse(key, value) if isinstance(value, str) else value, flag)
    return layer


def parse(key: Key, text: str) -> object:
    """Read a value from a command line or the environment: as TOML where it is, else as it stands."""
    explanation = explain_field(key)
    assert explanation is not None
    textual: tuple[Kind, ...] = ("text", "path", "choice")
    try:
        value = tomli.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    parsed = value["value"]
    if len(value) > 1 or (explanation.kind in textual and not isinstance(parsed, str)):
        return text
    if explanation.kind in {"paths", "texts", "integers"} and not isinstance(parsed, str | list):
        return text
    return parsed


def _unknown_section(section: str, table: object) -> str:
    if not isinstance(table, dict):
        return suggest(section)
    near = nearest(section, sections())
    hint = f"did you mean [{near}]?" if near else f"there are {', '.join(sections())}"
    return f"there is no section of this name; {hint}"


def _unknown_leaf(section: str, leaf: str) -> str:
    near = nearest(leaf, list(sections()[section].model_fields))
    if near and find_key(leaf) is None:
        return f"there is no such setting; did you mean `{near}`?"
    return suggest(leaf)
