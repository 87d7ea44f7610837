"""What a run measured of itself last, and how far its profile's promises are kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harmonic_core.run.directory import RunDirectory
from harmonic_tui.plain import plain
from harmonic_tui.runs.messages import ProfileRead, Seen

if TYPE_CHECKING:
    from harmonic_core.run.case_study import Goal
    from harmonic_core.run.evaluations import Report


class Evaluated:
    """Everything that panels on evaluation show, put together from what is read of a run.

    Attributes
    ----------
    report
        The newest evaluation; None before the first.
    goals
        How each promise of the profile stands; none where it makes none.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.report: Report | None = None
        self.goals: list[Goal] = []
        self._run = run
        self._profile: ProfileRead | None = None
        self._epoch = self._epochs = 0
        self._goes_on = True

    def tell_profile(self, profile: ProfileRead) -> None:
        """Take note of what is promised, and of when the run measures itself."""
        self._profile = profile
        self._judge()

    def tell_report(self, report: Report | None) -> None:
        """Take note of another evaluation; None where those before no longer count."""
        self.report = report
        self._judge()

    def tell_seen(self, seen: Seen) -> None:
        """Take note of how far the run is."""
        self._epoch = seen.status.epoch if seen.status else 0
        self._goes_on = seen.active
        epochs = seen.status.epochs if seen.status else 0
        if epochs != self._epochs:
            self._epochs = epochs
            self._judge()

    @property
    def is_there(self) -> bool:
        """Whether there is anything to show: figures, or a promise."""
        return self.report is not None or bool(self.goals)

    @property
    def kept(self) -> tuple[int, int]:
        """How many promises are kept, of how many."""
        return sum(goal.standing == "reached" for goal in self.goals), len(self.goals)

    @property
    def measured(self) -> str:
        """When the run was measured; where it was not, when it will be or why not."""
        if self.report is not None:
            return f"measured at epoch {self.report.epoch}"
        every = self._profile.evaluated_every if self._profile else 0
        if self._goes_on and every and self._profile:
            coming = min(every * math.ceil(max(1, self._epoch) / every), max(1, self._planned_epochs))
            return f"first measured at epoch {coming} or later"
        if not self._goes_on and not self._epoch:
            return "not measured, since nothing was trained"
        return f"never measured by itself; harmonic evaluate {plain(str(self._run.path), 120)} does"

    @property
    def _planned_epochs(self) -> int:
        """Epochs that the run is to have; steering may have added some to those of the profile."""
        return self._epochs or (self._profile.epochs if self._profile else 0)

    def _judge(self) -> None:
        promised = self._profile.case_study if self._profile else {}
        if not any(value is not None for value in promised.values()):
            self.goals = []
            return
        from harmonic_core.run.case_study import goals

        self.goals = goals(self.report, promised, self._planned_epochs)
