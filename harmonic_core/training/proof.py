"""Replays of a run, compared with each other and with what is on the disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open

from harmonic_core.profile.changes import changes
from harmonic_core.profile.resolve import load
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.origin import read_starts
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import Checkpoint, generator_states, snapshot, write_checkpoint
from harmonic_core.training.device import describe_device
from harmonic_core.training.difference import differences
from harmonic_core.training.replay import Replay
from harmonic_core.training.state import TrainState
from harmonic_core.training.steering import MOST_CHANGES

FEW_STEPS = 300
"""Updates between the last two checkpoints that are replayed unasked."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    about: Literal["checkpoints", "exports", "music", "resume", "replay"]
    holds: bool | None
    """None where it was left out."""
    message: str
    """One line: what was found, or why it was left out. Safe to print."""


@dataclass(frozen=True)
class Proof:
    """Replays parts of a run, and judges what comes out.

    Parameters
    ----------
    run
        Only read.
    replay
        What it computes with.
    place
        Folder of its own for what is to be compared.
    """

    run: RunDirectory
    replay: Replay
    place: Path

    def of_resume(self, last: Checkpoint, steps: int) -> Check:
        """One go of `steps` updates against two with a checkpoint between them."""
        end, first = last.step + steps, steps // 2
        what = f"{steps} updates from step {last.step}, in one go and with a checkpoint and a new start after {first}:"
        self._tell(f"replaying {steps} updates from step {last.step}, in one go and in two")
        in_one_go = self._write("in-one-go", self.replay.go_on(last, end))
        half = self._write("half", self.replay.go_on(last, last.step + first))
        continued = self._write("continued", self.replay.go_on(Checkpoint(half), end))
        if not (found := differences(continued, in_one_go)):
            return Check("resume", True, f"{what} the same bytes")
        because = self._why(
            lambda: self.replay.go_on(last, end), in_one_go, "a checkpoint does not hold the whole state"
        )
        return Check("resume", False, f"{what} not the same bytes: {'; '.join(found)}; {because}")

    def of_replay(self, before: Checkpoint, last: Checkpoint) -> Check:
        """What a checkpoint leads to against the next one on the disk."""
        updates = f"{last.step - before.step} updates from step {before.step}"
        epoch = position_of(last)["epoch"]

        def once() -> TrainState:
            return self.replay.go_on(before, last.step, epoch, after=last)

        self._tell(f"replaying {updates} up to what is on the disk")
        replayed = self._write("replayed", once())
        if not (found := differences(replayed, last.path)):
            return Check("replay", True, f"{updates} give again the bytes of the checkpoint of step {last.step}")
        because = self._why(once, replayed, self._circumstances(last))
        differ = f"{updates} do not give again the bytes of the checkpoint of step {last.step}: {'; '.join(found)}"
        return Check("replay", False, f"{differ}; {because}")

    def is_of_this_music(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint was written in training on the music as it is now, as far as it tells."""
        position, steps_per_epoch = position_of(checkpoint), self.replay.loader.steps_per_epoch
        if not 0 <= checkpoint.step - position["epoch"] * steps_per_epoch <= steps_per_epoch:
            return False
        return position["music"] in {None, "", self.replay.material.fingerprint}

    def objection(self, before: Checkpoint, last: Checkpoint, *, full: bool) -> str | None:
        """Say why the updates between two checkpoints are not replayed, or need not come out the same; None if not."""
        earlier, later = position_of(before), position_of(last)
        device = self.replay.device.type
        trained_on = _last_device(self.run).get("kind", device)
        changed = changes(load(before.profile), self.replay.profile)
        differing = [change.key for change in changed if change.remark or not change.harmless]
        updates, ranks = last.step - before.step, _ranks(last)
        objections = (
            (updates > FEW_STEPS and not full, f"{updates} updates lie between them; `--full` replays them"),
            (ranks > 1, f"{ranks} ranks trained it, whose sums are rounded otherwise than those of one"),
            (trained_on != device, f"it was computed on {plain(str(trained_on))}, and {device} rounds differently"),
            (bool(differing), f"settings changed in between: {', '.join(differing)}"),
            (not self.is_of_this_music(before), "the music changed in between"),
            (
                earlier["grad_accum_steps"] != later["grad_accum_steps"],
                "memory ran out in between, and smaller parts of a batch round differently",
            ),
            (_is_forgetful(last), "it was steered more often than a checkpoint remembers"),
            (earlier["rollbacks"] != later["rollbacks"], "the run went back to an earlier checkpoint in between"),
        )
        return next((reason for applies, reason in objections if applies), None)

    def _write(self, name: str, state: TrainState) -> Path:
        """Write a state into a folder of its own, and let go of it."""
        (self.place / name).mkdir(exist_ok=True)
        return write_checkpoint(RunDirectory(self.place / name), snapshot(state, [generator_states()]), "")

    def _why(self, once: Callable[[], TrainState], first: Path, otherwise: str) -> str:
        """Find out whether the device is to blame: then not even two equal replays are equal."""
        self._tell("not the same; replaying once more, to see whether the device repeats itself")
        found = differences(self._write("once-more", once()), first)
        if not found:
            return otherwise
        device = self.replay.device
        way_out = "; `--device cpu` adds in a fixed order" if device.type != "cpu" else ""
        return (
            f"two equal replays differ as well ({'; '.join(found)}), which is the nature of this device "
            f"({describe_device(device, '').name}): it adds in another order every time{way_out}"
        )

    def _circumstances(self, last: Checkpoint) -> str:
        """What may be otherwise than when a checkpoint was written."""
        start = _last_start(self.run)
        now = describe_device(self.replay.device, "")
        pairs = (
            ("torch", (start.get("versions") or {}).get("torch"), torch.__version__),
            (now.kind, _last_device(self.run).get("name"), now.name),
        )
        others = [
            f"{what} was {plain(str(then))} and is {here}"
            for what, then, here in pairs
            if then and str(then).split("+")[0] != here.split("+")[0]
        ]
        if others:
            return f"{', '.join(others)}, which may round differently"
        if not position_of(last)["music"]:
            return "either the music is not what it was, or the updates depend on something that no checkpoint holds"
        return "the updates depend on something that no checkpoint holds"

    def _tell(self, line: str) -> None:
        self.replay.journal.log(line)


def threads_of(run: RunDirectory) -> int | None:
    """Threads that the run's last trainer computed with on a CPU; None if unknown."""
    name = str(_last_device(run).get("name", ""))
    number = name.removesuffix(" threads")
    return int(number) if number != name and number.isascii() and number.isdigit() and len(number) < 4 else None


def position_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What `state.json` of a whole checkpoint says."""
    told = json.loads((checkpoint.path / "state.json").read_bytes())
    return {"epoch": 0, "grad_accum_steps": 1, "rollbacks": 0, "music": None, **told}


def _is_forgetful(checkpoint: Checkpoint) -> bool:
    return len((checkpoint.steering or {}).get("changes", ())) >= MOST_CHANGES


def _ranks(checkpoint: Checkpoint) -> int:
    with safe_open(checkpoint.path / "rng.safetensors", "pt") as file:
        return len({name.split("/")[0] for name in file.keys()})  # noqa: SIM118  it is no dictionary


def _last_start(run: RunDirectory) -> dict[str, Any]:
    starts = read_starts(run)
    return starts[-1] if starts and isinstance(starts[-1], dict) else {}


def _last_device(run: RunDirectory) -> dict[str, Any]:
    device = _last_start(run).get("device")
    return device if isinstance(device, dict) else {}
