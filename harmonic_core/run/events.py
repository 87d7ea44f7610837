"""What happened in a run, for people: one object a line in `events.jsonl`."""

from __future__ import annotations

import time
from typing import Any, Literal

from harmonic_core.run.records import Row

EventKind = Literal[
    "phase",
    "checkpoint",
    "sample",
    "evaluation",
    "refused",
    "resume",
    "signal",
    "control",
    "warning",
    "failure",
    "skipped",
    "rollback",
    "oom",
    "disk",
    "diagnosis",
]
"""`refused` is an audio file that was not used; `control` a command that was obeyed or refused; `skipped` are updates
that were no numbers, `rollback` a return to an earlier checkpoint, `oom` memory that ran out and what followed,
`disk` a wait for room and its end, `diagnosis` a new verdict on the run."""


def event_row(kind: EventKind, message: str, **details: Any) -> Row:
    """An event: when it was, its kind, one sentence, and whatever a program may want to know."""
    return {"time": time.time(), "kind": kind, "message": message, **details}
