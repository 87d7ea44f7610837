"""Changes to profiles that were typed and neither saved nor started: kept until they are, over lost links too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

from harmonic_core.run.atomic import write_atomically

_LARGEST = 1_000_000


def drafts_file() -> Path:
    """Where they lie."""
    return platformdirs.user_state_path("harmonic-vae", appauthor=False) / "drafts.json"


def read_drafts() -> dict[str, dict[str, str]]:
    """What was typed, by the profile's path and then by key path; what is damaged counts as nothing."""
    try:
        with drafts_file().open("rb") as file:
            content = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        path: {key: text for key, text in texts.items() if isinstance(text, str)}
        for path, texts in content.items()
        if isinstance(texts, dict)
    }


def kept_draft(profile: Path) -> dict[str, str]:
    """What was typed for one profile."""
    return read_drafts().get(_name(profile), {})


def keep_draft(profile: Path, texts: Mapping[str, str]) -> None:
    """Remember what was typed for a profile; nothing typed is nothing to remember.

    Where the file cannot be written, the draft lives as long as the console does.
    """
    drafts = read_drafts()
    if texts:
        drafts[_name(profile)] = dict(texts)
    elif drafts.pop(_name(profile), None) is None:
        return
    with suppress(OSError):
        drafts_file().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(drafts_file(), json.dumps(drafts, indent=1), durable=False)


def _name(profile: Path) -> str:
    return str(profile.absolute())
