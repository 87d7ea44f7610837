"""Where a run comes from: its settings, its environment, and what happened to it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from harmonic_core.profile.explain import fields
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import value_text
from harmonic_core.run.records import Row
from harmonic_core.run.words import count, duration
from harmonic_core.sharing.report.record import Record
from harmonic_core.sharing.report.shareable import Shareable
from harmonic_core.sharing.report.words import moment

_EVERYDAY = frozenset({"phase", "checkpoint", "sample", "refused"})
"""Kinds of events that say nothing to somebody who was not there."""
_WORDS = {
    "evaluation": "measured",
    "diagnosis": "verdict",
    "control": "command",
    "oom": "memory",
    "rollback": "went back",
    "resume": "resumed",
}
_BAD = frozenset({"failure", "oom", "disk", "rollback", "skipped"})
_LOOK = frozenset({"warning", "signal", "resume", "control"})
_MOST_EVENTS, _MOST_REFUSED = 120, 60


class Setting(NamedTuple):
    """One setting of the profile."""

    leaf: str
    value: str
    changed: bool
    """Whether it is not the default."""
    default: str
    origin: str
    """What set it; empty where nobody did, or it is not known."""
    doc: str


class Event(NamedTuple):
    """Something that happened."""

    when: str
    kind: str
    hue: str
    message: str


class Happened(NamedTuple):
    """What happened, oldest first, and how much is left out."""

    events: list[Event]
    left_out: int
    refused: list[str]
    refused_count: int


def settings(profile: Profile, starts: list[dict[str, Any]], shareable: Shareable) -> dict[str, list[Setting]]:
    """Every setting by section, with what differs from the defaults marked."""
    newest = starts[-1].get("values") if starts else None
    origins: Mapping[str, Any] = newest if isinstance(newest, dict) else {}
    told: dict[str, list[Setting]] = {}
    for field in fields():
        value = getattr(getattr(profile, field.section), field.leaf)
        changed = value != field.default
        origin = str(origins.get(field.key, "")) if changed else ""
        told.setdefault(field.section, []).append(
            Setting(
                leaf=field.leaf,
                value="not set" if value is None or value == () else shareable(value_text(value), 400),
                changed=changed,
                default=shareable(field.default_text, 200),
                origin=shareable(origin if origin != "default" else "", 200),
                doc=field.doc,
            )
        )
    return told


def environment(record: Record, shareable: Shareable) -> list[tuple[str, str]]:
    """Programs, machine and command, without folders and without the name of the machine."""
    rows: list[tuple[str, str]] = []
    start = record.starts[-1] if record.starts else {}
    command = command_of(start, shareable)
    if command:
        rows.append(("command", command))
    if len(record.starts) > 1:
        rows.append(("starts", f"{len(record.starts)}, the newest of them {moment(start.get('time'))}"))
    versions = start.get("versions")
    if isinstance(versions, dict):
        rows += [(shareable(name, 60), shareable(version, 60)) for name, version in versions.items()]
    git = start.get("git")
    if isinstance(git, dict):
        changed = ", with changes that were not committed" if git.get("changed") else ""
        rows.append(("source", f"commit {shareable(str(git.get('commit', ''))[:12])}{changed}"))
    if start.get("platform"):
        rows.append(("system", shareable(start["platform"], 120)))
    status = record.status
    if status:
        devices = [status.device, *(rank.device for rank in status.ranks[1:])]
        names = [shareable(f"{device.kind}: {device.name}" if device.name else device.kind, 80) for device in devices]
        rows.append(("device", ", ".join(names)))
        rows.append(("ran for", duration(status.heartbeat - status.started_at)))
    return rows


def command_of(start: Mapping[str, Any], shareable: Shareable) -> str:
    """The command line of a start, as it is typed."""
    words = start.get("argv")
    if not isinstance(words, list) or not words:
        return ""
    return " ".join(["harmonic", *(shlex.quote(shareable(word, 400)) for word in words[1:])])


def happened(rows: list[Row], shareable: Shareable) -> Happened:
    """Events that matter, the newest hundred, and refused files apart from them, each once."""
    matter = [row for row in rows if row.get("kind") not in _EVERYDAY]
    refused = {str(row.get("title") or row.get("message")): row for row in rows if row.get("kind") == "refused"}
    return Happened(
        events=[_event(row, shareable) for row in matter[-_MOST_EVENTS:]],
        left_out=max(0, len(matter) - _MOST_EVENTS),
        refused=[shareable(row.get("message", ""), 400) for row in list(refused.values())[:_MOST_REFUSED]],
        refused_count=len(refused),
    )


def _event(row: Row, shareable: Shareable) -> Event:
    kind = shareable(row.get("kind", ""), 20)
    hue = "bad" if kind in _BAD else "look" if kind in _LOOK else "muted"
    return Event(moment(row.get("time")), _WORDS.get(kind, kind), hue, shareable(row.get("message", ""), 1000))


def music_rows(record: Record, shareable: Shareable) -> list[tuple[str, str, str, str]]:
    """Name, tracks, length and held-out tracks of each genre, the whole first; none where it is not known."""
    music = record.music
    if music is None:
        return []
    groups = [("all", music.division), *((shareable(each.name, 80) or "no genre", each) for each in music.genres)]
    return [
        (name, count(each.whole.tracks), duration(each.whole.seconds), count(each.validation.tracks))
        for name, each in (groups if len(groups) > 2 else groups[:1])
    ]
