"""A profile as TOML that reads back as exactly the same profile."""

from __future__ import annotations

import re
from pathlib import Path

import tomli_w

from harmonic_core.profile.sections import Profile
from harmonic_core.profile.space import Space

_BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that TOML takes without quotation marks."""


def to_toml(profile: Profile, comments: bool = False) -> str:
    """Write every setting of a profile that has a value.

    Parameters
    ----------
    profile
        What to write. Settings that are None are left out: that is how TOML says it.
    comments
        Put what each setting does above it.
    """
    blocks = []
    for section in type(profile).model_fields:
        fields = getattr(profile, section)
        lines = [f"[{section}]"]
        for leaf, field in type(fields).model_fields.items():
            value = getattr(fields, leaf)
            if value is None or value == ():
                continue
            if comments:
                lines += ["", *(f"# {line}" for line in (field.description or "").splitlines())]
            lines.append(line_of(leaf, value))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def line_of(leaf: str, value: object) -> str:
    """One setting as a line of TOML."""
    return f"{leaf} = {value_text(value)}"


def value_text(value: object) -> str:
    """One value as TOML, on one line."""
    if isinstance(value, Space):
        return _escaped(_inline(value.table()))
    items = value if isinstance(value, tuple) else (value,)
    written = [_value(str(item) if isinstance(item, Path) else item) for item in items]
    # A folder is written by itself, as people do: `custom_dir = "music"`.
    alone = len(items) == 1 and (value is items[0] or isinstance(items[0], Path))
    text = written[0] if alone else "[" + ", ".join(written) + "]"
    return _escaped(text)


def _escaped(text: str) -> str:
    # TOML lets characters through that a terminal may obey: C1 controls, reversed writing.
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in text)


def _inline(value: object) -> str:
    """A table, or what stands in one, on one line."""
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_inline(each)}" for key, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _value(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    return tomli_w.dumps({"_": value}).removeprefix("_ = ").strip("\n")


def without_place(profile: Profile) -> Profile:
    """Where a run lies and what it began from is no part of what it is: a run may be moved and continued."""
    output = profile.output.model_copy(update={"output_dir": None})
    train = profile.train.model_copy(update={"resume_from": None})
    return profile.model_copy(update={"output": output, "train": train})
