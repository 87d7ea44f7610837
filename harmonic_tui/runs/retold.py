"""How a run was at some moment, as far as it was written down then."""

from __future__ import annotations

from contextlib import suppress

from harmonic_core.errors import ProfileError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row
from harmonic_core.run.status import Best, Device, Status, Verdict
from harmonic_tui.curves.series import is_finite

REPLAYING = "replaying"
"""The phase of a run that is replayed."""

_UNRECORDED = "what the device did then was not recorded"


class Retold:
    """The status as it was, put together from what was written at the time. What nobody recorded is not known.

    Parameters
    ----------
    run
        What is told of.
    last
        Its last status, of which only that counts which never changed.
    """

    def __init__(self, run: RunDirectory, last: Status) -> None:
        self.last = last
        self._steps_per_epoch = last.total_steps / last.epochs if last.epochs else 0.0
        self._planned_epochs, self._parts = _planned(run, last)
        self._best: Best | None = None
        self._verdict: Verdict | None = None
        self._steered: dict[str, float] = {}
        self._skipped = self._rollbacks = 0

    def epoch(self, row: Row) -> None:
        """Take note of the row that closes an epoch."""
        with suppress(ValueError):
            told = Best.model_validate(row, extra="ignore")
            if self._best is None or told.val_recon_db < self._best.val_recon_db:
                self._best = told

    def event(self, row: Row) -> None:
        """Take note of what happened."""
        match row.get("kind"):
            case "diagnosis":
                with suppress(ValueError):
                    self._verdict = Verdict.model_validate(row.get("verdict"))
            case "skipped":
                count = row.get("count")
                self._skipped += count if isinstance(count, int) else 0
            case "rollback":
                self._rollbacks += 1
            case "oom":
                parts = row.get("grad_accum_steps")
                self._parts = parts if isinstance(parts, int) else self._parts
            case "control":
                self._steer(row.get("change"), row.get("after"))

    def _steer(self, change: object, after: object) -> None:
        match change:
            case [_, str(leaf), None, *_]:
                self._steered.pop(leaf, None)
            case [_, str(leaf), *_] if is_finite(after):
                self._steered[leaf] = after

    def status(self, row: Row | None, moment: float, *, paused: bool) -> Status:
        """The status when `row` was the newest and `moment`, seconds since 1970, was now."""
        figures: Row = row or {}
        epochs = int(self._steered.get("epochs", self._planned_epochs))
        in_force = {name: figures[name] for name in ("learning_rate", "beta") if is_finite(figures.get(name))}
        device = self.last.device
        return self.last.model_copy(
            update={
                "state": "paused" if paused else "training" if row else "preparing",
                "why": "by command" if paused else "",
                "phase": REPLAYING,
                "message": "",
                "exit_code": None,
                "step": figures.get("step", 0),
                "epoch": figures.get("epoch", 0),
                "segments_per_s": figures.get("segments_per_s"),
                "epochs": epochs,
                "total_steps": round(epochs * self._steps_per_epoch),
                "eta_s": max(0.0, self.last.heartbeat - moment) if row else None,
                "mean_spectrum_db": self.last.mean_spectrum_db if row else None,
                "best": self._best,
                "verdict": self._verdict,
                "skipped_steps": self._skipped,
                "rollbacks": self._rollbacks,
                "grad_accum_steps": self._parts,
                "in_force": {**in_force, "epochs": float(epochs)},
                "steered": dict(self._steered),
                "ranks": (),
                "device": Device(kind=device.kind, name=device.name, uuid=device.uuid, reason=_UNRECORDED),
            }
        )


def _planned(run: RunDirectory, last: Status) -> tuple[int, int]:
    """Epochs and parts of a batch as they were planned; as they were at the end where the profile cannot be read."""
    from harmonic_core.profile.resolve import load

    try:
        train = load(run.profile).train
    except ProfileError:
        return last.epochs, last.grad_accum_steps
    return train.epochs, train.grad_accum_steps
