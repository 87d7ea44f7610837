"""What a run can be asked for while it runs: in words, what is in force, and why something cannot be done now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from harmonic_core.run.words import UNKNOWN
from harmonic_tui.plain import plain

if TYPE_CHECKING:
    from harmonic_core.run.control import CommandName
    from harmonic_core.run.records import Row
    from harmonic_core.run.status import Status
    from harmonic_tui.runs.messages import ProfileRead, Seen

    RequestName = Literal[CommandName, "kill"]


class Request(NamedTuple):
    """Something that a run can be asked for."""

    name: RequestName
    title: str
    does: str
    """What comes of it, in a few words; empty of a setting, which has its own."""
    more: str = ""
    """A sentence more."""
    takes_value: bool = False
    asks: bool = False
    """Whether it is asked for twice, since there is no way back."""


REQUESTS: dict[str, Request] = {
    each.name: each
    for each in (
        Request(
            "pause",
            "Pause",
            "wait after the step it is in",
            "It keeps all that it has in memory, and takes commands and values meanwhile.",
        ),
        Request("resume", "Go on", "go on with the next step"),
        Request(
            "checkpoint",
            "Checkpoint now",
            "write the whole state",
            "Weights, optimiser and position, to continue from; written after the step it is in.",
        ),
        Request(
            "sample",
            "Sample now",
            "make sounds of the model as it is",
            "They appear among the samples as soon as they are made.",
        ),
        Request(
            "evaluate",
            "Evaluate now",
            "measure it on held-out music",
            "How near, how ordered, how alive, as at its checkpoints; training waits some seconds for it.",
        ),
        Request("learning-rate", "Learning rate", "", takes_value=True),
        Request("beta", "Beta", "", takes_value=True),
        Request("augment-strength", "Augmentation", "", takes_value=True),
        Request("epochs", "Epochs", "", takes_value=True),
        Request(
            "stop",
            "Stop",
            "write a checkpoint and end",
            "It ends after the step it is in, and can be continued from there.",
            asks=True,
        ),
        Request(
            "kill",
            "Kill",
            "end at once, without a checkpoint",
            "What it learnt since its last checkpoint is lost.",
            asks=True,
        ),
    )
}
"""By name, in the order in which they are shown; of `pause` and `resume` one at a time."""


_INACTIVE = {"gone": "its directory is gone", "unreadable": "its status cannot be read"}
_OF_TRAINING = frozenset({"checkpoint", "sample", "evaluate"})
"""What needs a model."""
_REPLAYING = "replaying"
"""The phase of a run that is replayed; it only pauses and goes on."""


class Standing(NamedTuple):
    """What became of a request, or has not yet."""

    obeyed: bool | None
    """None while the trainer has not answered."""
    words: str


def offered(seen: Seen | None) -> list[Request]:
    """What there is to ask for: a paused run goes on, another can be paused."""
    hidden = "pause" if seen is not None and seen.state == "paused" else "resume"
    return [request for request in REQUESTS.values() if request.name != hidden]


def objection(name: str, seen: Seen | None, profile: ProfileRead | None) -> str:
    """Why a request makes no sense now, in a few words; empty where it does."""
    if seen is None:
        return "the run is being read"
    status = seen.status
    if not seen.active:
        return _INACTIVE.get(seen.state, f"the run is {seen.state}")
    reasons = (
        (
            # What would be killed is whoever replays it.
            status is not None and status.phase == _REPLAYING and name not in {"pause", "resume"},
            "this is a replay",
        ),
        (seen.state == "starting", "it has just been started"),
        (name in _OF_TRAINING and seen.state == "preparing", "the music is still made ready"),
        (
            name in {"pause", "resume"} and seen.waits_by_itself,
            f"it waits by itself: {plain(status.why, 30) if status else ''}",
        ),
        (
            name == "evaluate" and profile is not None and profile.epochs > 0 and not profile.evaluated_every,
            "the profile's evaluation_share is 0",
        ),
        (
            name == "evaluate" and status is not None and status.step > 0 and status.mean_spectrum_db is None,
            "nothing is held out",
        ),
    )
    return next((why for applies, why in reasons if applies), "")


def in_force(name: str, status: Status | None) -> str:
    """What a setting stands at, and whose doing it is: `0.000873 by schedule`, `0.0005 by hand`."""
    leaf = name.replace("-", "_")
    if status is None:
        return UNKNOWN
    by_hand = leaf in status.steered
    if name == "epochs":
        return f"{status.epoch} of {status.epochs}" + (" by hand" if by_hand else "")
    value = status.in_force.get(leaf)
    if value is None:
        return UNKNOWN
    if name == "augment-strength" and not value:
        return "off by hand" if by_hand else "off"
    whose = "by schedule" if name in {"learning-rate", "beta"} else "by profile"
    return f"{value:.3g} {'by hand' if by_hand else whose}"


def began_at(name: str, status: Status | None) -> str:
    """What stands in the field at first when a setting is to be changed."""
    value = status.in_force.get(name.replace("-", "_")) if status else None
    if name == "epochs":
        return str(status.epochs) if status else ""
    return f"{value:.6g}" if value is not None else ""


def standing(title: str, sent_at: float, events: Iterable[Row]) -> Standing:
    """What the trainer said to what was sent at `sent_at`.

    Parameters
    ----------
    title
        What was asked for.
    sent_at
        When, as `send_command` gave it.
    events
        The run's, the newest first.
    """
    for row in events:
        if row.get("kind") == "control" and row.get("sent_at") == sent_at:
            if row.get("obeyed") is not True:
                return Standing(False, f"{title}: refused, {plain(str(row.get('why', '')), 160)}")
            told = plain(str(row.get("message", "")), 160)
            if isinstance(row.get("change"), list) or "→" in told:
                return Standing(True, told.removesuffix(" (console)"))
            if outcome := plain(str(row.get("outcome", "")), 160):
                return Standing(True, f"{title}: {outcome}")
            return Standing(True, f"{title}: taken up at step {row.get('step', UNKNOWN)}")
    return Standing(None, f"{title}: asked for; the trainer takes it up after the step it is in")
