"""A profile as TOML that reads back as exactly the same profile."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from harmonic_core.profile.sections import Profile


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
            if value is None:
                continue
            if comments:
                lines += ["", *(f"# {line}" for line in (field.description or "").splitlines())]
            lines.append(line_of(leaf, value))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def line_of(leaf: str, value: object) -> str:
    """One setting as a line of TOML."""
    if isinstance(value, tuple):
        return f"{leaf} = [{', '.join(str(item) for item in value)}]"
    line = tomli_w.dumps({leaf: str(value) if isinstance(value, Path) else value}).strip("\n")
    # TOML lets characters through that a terminal may obey: C1 controls, reversed writing.
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in line)
