"""What a piece says of itself: the model, and the words that make it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from harmonic_core import __version__
from harmonic_core.sharing.opened import Opened


def tags_of(opened: Opened, title: str, seed: int, words: Sequence[str], genre: str = "") -> dict[str, str]:
    """Tags for a piece that a model made.

    Parameters
    ----------
    opened
        The model.
    title
        What the piece is.
    seed
        What decided it.
    words
        The whole command. Of absolute paths only the last part is kept: where files lie is nobody else's business.
    genre
        That it is meant to be of, if any.
    """
    command = shlex.join(without_places(words))
    comment = (
        f"run: {opened.name}; step: {opened.trained.step}; weights: sha256 {opened.fingerprint}; seed: {seed}; "
        f"command: {command}"
    )
    tags = {
        "title": title,
        "artist": "HarmonicVAE",
        "album": opened.name,
        "software": f"harmonic-vae {__version__}",
        "comment": comment,
    }
    return {**tags, "genre": genre} if genre else tags


def without_places(words: Sequence[str]) -> list[str]:
    """Words of a command, of absolute paths only the last part."""
    return [_without_place(word) for word in words]


def _without_place(word: str) -> str:
    name = Path(word).name
    if not (word.startswith("/") and name):
        return word
    # A name that begins with a dash would be taken for an option.
    return f"./{name}" if name.startswith("-") else name
