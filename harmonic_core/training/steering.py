"""What people change of a run while it runs: a list of changes, each with its step.

What is in force at a step follows from the profile, the list and the step alone. A checkpoint holds the list, so a run
that goes on, or is replayed, does at every step what it did or would have done.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from harmonic_core.profile.sections import Profile
from harmonic_core.profile.steering import SETTINGS

MOST_CHANGES = 1000
"""More are not remembered; the oldest that others have replaced go first."""


class Change(NamedTuple):
    """A setting that was changed."""

    step: int
    """Updates made before; the next one is the first to which it applies."""
    leaf: str
    """`learning_rate`, `beta`, `augment_strength` or `epochs`."""
    value: float | None
    """None: again what the profile says."""
    scale: float = 1.0
    """Of a learning rate: what returns and plateaus had left of it until then, which is in `value` already."""


class Steering:
    """The changes of a run, in the order in which they came into force.

    Parameters
    ----------
    profile
        What the changes depart from. Those made when it said otherwise are not taken over: whoever asks anew is heard.

    Attributes
    ----------
    changes
        Ascending by step. A run that is brought back may have some that are still to come.
    asked_anew
        Settings whose changes a checkpoint held and that were not taken over.
    """

    def __init__(self, profile: Profile) -> None:
        self.changes: list[Change] = []
        self.asked_anew: frozenset[str] = frozenset()
        self._profile_says = _what_it_says(profile)

    def add(self, change: Change) -> None:
        """Remember a change. A second one of the same setting at the same step replaces the first."""
        kept = [each for each in self.changes if (each.step, each.leaf) != (change.step, change.leaf)]
        kept.append(change)
        kept.sort(key=lambda each: each.step)
        if len(kept) > MOST_CHANGES:
            kept.remove(next(each for each in kept if any(_replaces(later, each) for later in kept)))
        self.changes = kept

    def in_force(self, leaf: str, step: int) -> Change | None:
        """The change of a setting that counts for the update after `step` updates; None where the profile does."""
        for change in reversed(self.changes):
            if change.leaf == leaf and change.step <= step:
                return change if change.value is not None else None
        return None

    def value(self, leaf: str, step: int) -> float | None:
        """Its value; None where the profile's counts."""
        change = self.in_force(leaf, step)
        return change.value if change else None

    def by_hand(self, step: int) -> dict[str, float]:
        """All settings that the profile does not decide at a step, and their values."""
        told = {leaf: self.value(leaf, step) for leaf in self._profile_says}
        return {leaf: value for leaf, value in told.items() if value is not None}

    def begins_at(self, leaf: str, step: int) -> bool:
        """Whether a change of a setting comes into force with the update after `step` updates."""
        return any(change.leaf == leaf and change.step == step for change in self.changes)

    def bring_forward(self, step: int) -> None:
        """Put what was changed after `step` into force at `step`: the run went back, and what was asked for stays."""
        later = [change for change in self.changes if change.step > step]
        self.changes = [change for change in self.changes if change.step <= step]
        for change in later:
            self.add(change._replace(step=step))

    def state(self) -> dict[str, Any]:
        """Everything, as JSON can hold it without loss."""
        return {"profile": self._profile_says, "changes": [list(change) for change in self.changes]}

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on from what `state` gave; None is that of a checkpoint from before there was any steering.

        Raises
        ------
        KeyError, TypeError, ValueError
            For anything else.
        """
        told = state or {"profile": {}, "changes": []}
        self.asked_anew = frozenset(
            leaf for leaf, said in told["profile"].items() if self._profile_says.get(leaf) != said
        )
        changes = [_change(*each) for each in told["changes"]]
        self.changes = [change for change in changes if change.leaf not in self.asked_anew]


def later_changes(rows: Iterable[dict[str, Any]], step: int) -> list[Change]:
    """Changes among the events of a run that its checkpoint of `step` knows nothing of, since it was last begun.

    Parameters
    ----------
    rows
        Events, oldest first; anything may stand in them.
    step
        Of the newest checkpoint.
    """
    found: list[Change] = []
    for row in rows:
        if row.get("kind") in {"resume", "rollback"}:
            # What was in force then stands in the checkpoint, or was recorded once more.
            found = []
        if row.get("kind") == "control" and isinstance(told := row.get("change"), list):
            try:
                found.append(_change(*told))
            except (TypeError, ValueError):
                continue
    return [change for change in found if change.step >= step]


def _change(step: Any, leaf: Any, value: Any, scale: Any) -> Change:
    change = Change(int(step), str(leaf), None if value is None else float(value), float(scale))
    if leaf not in {setting.leaf for setting in SETTINGS.values()}:
        raise ValueError(f"{leaf!r} cannot be changed under way")
    if change.step < 0 or not change.scale > 0 or not math.isfinite(change.scale + (change.value or 0.0)):
        raise ValueError(f"{list(change)} is no change that could have been made")
    return change


def _replaces(later: Change, change: Change) -> bool:
    return later.leaf == change.leaf and later.step > change.step


def _what_it_says(profile: Profile) -> dict[str, list[Any]]:
    """Settings of the profile that a change departs from, in the words of JSON."""
    loss, augment = profile.loss, profile.augment
    return {
        "learning_rate": [profile.train.learning_rate],
        "beta": [loss.beta_start, loss.beta_end, loss.beta_steps, loss.beta_schedule, loss.beta_cycles],
        "augment_strength": [augment.augment, augment.augment_strength],
        "epochs": [profile.train.epochs],
    }
