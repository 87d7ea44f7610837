"""What can be set in a profile, read off the sections: types, ranges, defaults and every way to set it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from harmonic_core.profile.sections import Profile, Section
from harmonic_core.profile.words import nearest

Kind = Literal[
    "integer", "number", "switch", "text", "path", "choice", "integers", "paths", "texts", "choices", "table"
]
Key = tuple[str, str]
"""A section and a setting in it, such as ("train", "epochs")."""

_TYPE_TEXT: dict[Kind, str] = {
    "integer": "whole number",
    "number": "number",
    "switch": "switch",
    "text": "text",
    "path": "path",
    "choice": "choice",
    "integers": "list of whole numbers",
    "paths": "path or list of paths",
    "texts": "list of texts",
    "choices": "list of choices",
    "table": "table",
}

_LISTS: dict[Kind, Kind] = {"integer": "integers", "path": "paths", "text": "texts", "choice": "choices"}

# What people look for under a name that is no setting.
_INSTEAD = {
    "input_dim": "input_dim is computed (n_mels × frames) and never asked for; leave it out",
    "beta": "beta rises from `loss.beta_start` to `loss.beta_end`; set both for a constant one",
    "lr": "the learning rate is `train.learning_rate`",
    "mode": "what to do is said by the command, such as `harmonic train`; leave it out",
    "frames": "frames are computed from segment_length, sample_rate and hop_length; leave it out",
}


@dataclass(frozen=True)
class FieldExplanation:
    """One setting, in words."""

    key: str
    """Key path, such as "train.learning_rate"."""
    section: str
    leaf: str
    doc: str
    """What the setting does, on one line."""
    kind: Kind
    optional: bool
    """Whether it may be left without a value."""
    type_text: str
    allowed: str
    """Type and range in words, such as "a whole number from 1 to 512"."""
    default: object
    default_text: str
    flag: str
    """Named flag of `harmonic train`; empty where `--set` is the only way on the command line."""
    env: str


FLAGS = frozenset(
    {
        *("name", "seed"),
        *("dataset", "dataset_dir", "custom_dir", "maestro_dir", "gtzan_dir", "segment_length", "validation_split"),
        *("split", "hours", "years", "composers", "cache_dir"),
        *("sample_rate", "n_fft", "hop_length", "n_mels"),
        *("architecture", "latent_dim", "hidden_dims"),
        *("beta_start", "beta_end", "beta_steps", "beta_schedule", "free_bits"),
        *("epochs", "batch_size", "grad_accum_steps", "learning_rate", "learning_rate_schedule", "ema_decay"),
        *("mixed_precision", "compile", "early_stopping", "resume_from"),
        *("augment", "augment_strength"),
        *("output_dir", "checkpoint_every", "use_tensorboard"),
    }
)
"""Settings with a flag of their own in `harmonic train`; `--set` reaches them all."""


@cache
def _table() -> dict[Key, FieldExplanation]:
    return {(each.section, each.leaf): each for section in sections() for each in _explain_section(section)}


def fields() -> list[FieldExplanation]:
    """Every setting, in the order of the sections."""
    return list(_table().values())


@cache
def sections() -> dict[str, type[Section]]:
    """The sections of a profile and their models, in order."""
    return {name: type(getattr(Profile(), name)) for name in Profile.model_fields}


def field(key: Key) -> FieldExplanation | None:
    """What is known about a setting, or None where there is none of that name."""
    return _table().get(key)


def find_key(text: str) -> Key | None:
    """The setting that `section.leaf` or a bare `leaf` names; dashes count as underscores."""
    parts = tuple(text.strip().replace("-", "_").split("."))
    if len(parts) == 1:
        return next((key for key in _table() if key[1] == parts[0]), None)
    return parts if len(parts) == 2 and parts in _table() else None


def suggest(text: str) -> str:
    """What to say to a key that is none: where it belongs, what comes nearest, or where the list is."""
    leaf = text.strip().replace("-", "_").split(".")[-1]
    if leaf in _INSTEAD:
        return _INSTEAD[leaf]
    home = find_key(leaf)
    if home is not None:
        return f"`{leaf}` belongs to the section [{home[0]}]"
    near = nearest(leaf, [each.leaf for each in fields()])
    key = find_key(near) if near else None
    if near and key:
        return f"there is no such setting; did you mean `{near}` in the section [{key[0]}]?"
    return "there is no such setting; `harmonic profiles explain` lists them all"


def _explain_section(section: str) -> list[FieldExplanation]:
    model = sections()[section]
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return [_explain(section, leaf, properties[leaf], info.default) for leaf, info in model.model_fields.items()]


def _explain(section: str, leaf: str, schema: dict[str, Any], default: object) -> FieldExplanation:
    variants: list[dict[str, Any]] = schema.get("anyOf", [schema])
    value_schema = next(each for each in variants if each.get("type") != "null")
    kind = _kind(value_schema)
    return FieldExplanation(
        key=f"{section}.{leaf}",
        section=section,
        leaf=leaf,
        doc=" ".join(str(schema.get("description", "")).split()),
        kind=kind,
        optional=len(variants) > 1,
        type_text=_TYPE_TEXT[kind],
        allowed=_allowed(kind, {**value_schema, "examples": schema.get("examples")}),
        default=default,
        default_text=_default_text(default),
        flag="--" + leaf.replace("_", "-") if leaf in FLAGS else "",
        env="HARMONIC_" + leaf.upper(),
    )


def _kind(schema: dict[str, Any]) -> Kind:
    if "enum" in schema or "const" in schema:
        return "choice"
    if schema.get("format") == "path":
        return "path"
    if schema["type"] == "array":
        return _LISTS[_kind(schema["items"])]
    kinds: dict[str, Kind] = {"integer": "integer", "number": "number", "boolean": "switch", "object": "table"}
    return kinds.get(schema["type"], "text")


def _allowed(kind: Kind, schema: dict[str, Any]) -> str:
    match kind:
        case "switch":
            text = "true or false"
        case "choice":
            *others, last = [str(each) for each in schema.get("enum", [schema.get("const")])]
            text = f"{', '.join(others)} or {last}" if others else last
        case "path":
            text = "a path"
        case "text":
            # The only text with a pattern is a name that becomes a directory.
            text = "up to 100 letters, digits, dots, dashes or underscores" if "pattern" in schema else "text"
        case "paths":
            text = "a path or a list of paths"
        case "texts":
            text = "a list of texts"
        case "choices":
            text = f"a list of {', '.join(schema['items']['enum'])}"
        case "table":
            text = "a table of settings, each with a list of values, or with low and high"
        case "integers":
            count = f"{schema['minItems']} to {schema['maxItems']}"
            text = f"a list of {count} whole numbers{_range(schema['items'])}"
            text += f", such as {schema['examples'][0]}" if schema["examples"] else ""
        case "integer" | "number":
            text = f"a {_TYPE_TEXT[kind]}{_range(schema)}"
    return text


def _range(schema: dict[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    limits = [
        f"{word} {limit}"
        for word, limit in (("at least", low), ("above", above), ("at most", high), ("below", below))
        if limit is not None
    ]
    return " " + " and ".join(limits) if limits else ""


def _default_text(default: object) -> str:
    match default:
        case None:
            return "not set"
        case bool():
            return "true" if default else "false"
        case "":
            return "empty"
        case ():
            return "not set"
    return str(default)
