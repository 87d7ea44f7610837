"""The flat `config.json`: the same settings without sections, in JSON."""

from __future__ import annotations

import json
from pathlib import Path

from harmonic_core.errors import ProfileError
from harmonic_core.profile.explain import find_key, suggest
from harmonic_core.profile.layers import Layer, Problem
from harmonic_core.profile.toml_file import read_text
from harmonic_core.profile.words import shown_path
from harmonic_core.text import plain

_WITH_A_MODEL = ("generate", "interpolate", "blend", "reconstruct", "encode", "decode", "visualize", "evaluate")

INSTEAD_OF_MODE = {
    "preprocess": "that is `harmonic data preprocess`",
    "validate_data": "that is `harmonic data validate`",
    "download": "that is `harmonic data download`",
    "tune": "that is `harmonic tune`",
    **{verb: f"that is `harmonic {verb}`" for verb in _WITH_A_MODEL},
}
"""What to do instead of asking training for another mode."""


class _DuplicateKeyError(Exception):
    """A key that stands twice in one object."""


def read_config(path: Path) -> Layer:
    """Read a flat `config.json`.

    Raises
    ------
    ProfileError
        It cannot be read, is not a JSON object, or has a key twice.
    """
    name = shown_path(path)
    document = _parse(read_text(path), name)
    layer = Layer()
    for leaf, value in document.items():
        key = find_key(leaf) if "." not in leaf else None
        if leaf == "mode":
            _check_mode(value, name, layer)
        elif key is None:
            message = "settings stand side by side here, without sections" if isinstance(value, dict) else suggest(leaf)
            layer.problems.append(Problem(name, leaf, message, value))
        else:
            layer.set(key, value, name)
    return layer


def _parse(text: str, name: str) -> dict[str, object]:
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        reason = plain(error.msg, limit=200)
        raise ProfileError(f"{name}:{error.lineno}, column {error.colno}: this is not JSON: {reason}.") from None
    except _DuplicateKeyError as error:
        raise ProfileError(f"{name}: `{plain(str(error))}` stands there twice; take one out.") from None
    except (ValueError, RecursionError):
        raise ProfileError(f"{name} cannot be read: a number is too long or lists are nested too deep.") from None
    if not isinstance(document, dict):
        raise ProfileError(f'{name} is not a JSON object; it should look like {{"dataset": "gtzan", "epochs": 100}}.')
    return document


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document: dict[str, object] = {}
    for key, value in pairs:
        if key in document:
            raise _DuplicateKeyError(key)
        document[key] = value
    return document


def _check_mode(value: object, name: str, layer: Layer) -> None:
    if value == "train":
        return
    message = INSTEAD_OF_MODE.get(value) if isinstance(value, str) else None
    message = message or "only train can stand here"
    layer.problems.append(Problem(name, "mode", message, value))
