"""Going back: to where a run was continued from, or to the last good checkpoint when training went wrong."""

from __future__ import annotations

from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import DivergedError, RunError
from harmonic_core.profile.sections import Train
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.records import Row, read_rows
from harmonic_core.run.resume import ResumePoint
from harmonic_core.training.archive import Archive
from harmonic_core.training.checkpoint import newest_checkpoint
from harmonic_core.training.diagnosis import Diagnosis
from harmonic_core.training.distributed import Team
from harmonic_core.training.journal import Journal
from harmonic_core.training.resume import continue_from, put_later_checkpoints_aside
from harmonic_core.training.state import TrainState
from harmonic_core.training.steering import Change, later_changes


class Recovery:
    """Puts a state, and what was written since, back to an earlier moment.

    Parameters
    ----------
    train, run, journal, team, state, archive, diagnosis, loader
        Of the run.
    """

    def __init__(
        self,
        train: Train,
        run: RunDirectory,
        journal: Journal,
        team: Team,
        state: TrainState,
        archive: Archive,
        diagnosis: Diagnosis,
        loader: BatchLoader,
    ) -> None:
        self._train, self._run, self._journal, self._team = train, run, journal, team
        self._state, self._archive, self._diagnosis, self._loader = state, archive, diagnosis, loader
        self._lost: list[Change] = []

    def begin_with(self, point: ResumePoint) -> None:
        """Go on from `point`, or begin with its weights.

        Raises
        ------
        RunError
            If that cannot be done.
        """
        continued = continue_from(point, self._run, self._state, self._team.rank)
        # Before the event that this is a new beginning; the first rank's events count for all.
        here = later_changes(read_rows(self._run.events), self._state.step) if self._team.is_first else []
        self._lost = self._team.collect(here)[0]
        self._insist_on_one_place()
        self._journal.event("resume", continued.message)
        self._journal.log(continued.message)
        for change in point.changes:
            self._journal.event("warning", f"changed: {change}")
        if continued.begun_anew:
            listed = "; ".join(continued.begun_anew)
            self._journal.warn(f"{len(continued.begun_anew)} weights do not fit and begin anew: {listed}")
        if continued.music not in {"", self._state.music}:
            self._journal.warn(
                "the music is not that of the checkpoint: files were added, removed or changed since; "
                "the result is not that of a training in one go"
            )
        if not point.continues(self._run):
            return
        moved = self._realign()
        if moved or continued.is_elsewhere:
            # Before those that count otherwise go aside, so that there is one whatever happens.
            self._archive.checkpoint(prune=False)
        self._forget_what_came_later(keep=True, epoch_anew=moved)

    def lost_changes(self, point: ResumePoint) -> list[Change]:
        """What was changed after the newest checkpoint, and would be lost with the trainer that ended after it.

        Whoever names another moment than the newest wants it as it was then.
        """
        if not point.continues(self._run) or point.checkpoint or point.export:
            return []
        return self._lost

    def is_needed(self) -> bool:
        """Look at the counts of bad updates, and go back if too many came in a row; tells whether it did."""
        bad = self._state.bad
        bad.look()
        if bad.longest_row < self._train.max_bad_steps:
            return False
        self.go_back(f"loss or gradient were not finite in {bad.longest_row} updates in a row")
        return True

    def go_back(self, why: str) -> None:
        """Return to the last good checkpoint with half the learning rate.

        Raises
        ------
        DivergedError
            If that was done often enough.
        """
        state, limit = self._state, self._train.max_rollbacks
        step, scale, times, skipped = state.step, state.rate_scale / 2, state.rollbacks + 1, state.bad.total
        parts = state.grad_accum_steps
        if times > limit:
            raise DivergedError(self._advice(why))
        checkpoint = newest_checkpoint(self._run, good=True)
        loss_scale, changes = state.scaler.get_scale(), state.steering.changes
        checkpoint.restore(state, self._team.rank)
        # What people asked for is not taken back with the steps.
        state.steering.changes = changes
        state.steering.bring_forward(state.step)
        self._insist_on_one_place()
        self._realign()
        if state.scaler.is_enabled():
            # One that was too large then would be so again.
            saved = state.scaler.state_dict()
            state.scaler.load_state_dict({**saved, "scale": min(loss_scale, saved["scale"])})
        state.rate_scale, state.rollbacks = scale, times
        state.grad_accum_steps = max(parts, state.grad_accum_steps)
        state.bad.restore([skipped, 0, 0])
        self._forget_what_came_later(keep=False)
        message = (
            f"{why} up to step {step}; back to step {state.step} with {scale:g} times the learning rate "
            f"({times} of at most {limit} times)"
        )
        self._journal.event("rollback", message, step=state.step)
        self._journal.log(f"warning: {message}")
        self._journal.note(rollbacks=times, skipped_steps=skipped)
        # So that it stays at that whatever happens next.
        self._archive.checkpoint(milestone=checkpoint.is_milestone)

    def _advice(self, why: str) -> str:
        train, times = self._train, self._state.rollbacks
        tried = f", {times} {'return' if times == 1 else 'returns'} with half the learning rate each did not help"
        return (
            f"{why} up to step {self._state.step}: training diverged{tried if times else ''}; lower `--learning-rate` "
            f"(now {train.learning_rate:g}) or `--set train.grad_clip` (now {train.grad_clip:g}) and continue from the "
            f"last checkpoint with `harmonic train --resume-from {self._run.path} --allow-changes`"
        )

    def _insist_on_one_place(self) -> None:
        """All ranks must have read the same; from here on the first one changes what the others have just read.

        Raises
        ------
        RunError
            If their disks show different checkpoints.
        """
        state = self._state
        places = self._team.collect((state.step, state.epoch, state.grad_accum_steps))
        if any(place != places[0] for place in places):
            raise RunError(
                f"{self._run.path}: the ranks see different checkpoints there; all machines need the same run "
                "directory, on a disk that they share"
            )

    def _forget_what_came_later(self, *, keep: bool, epoch_anew: bool = False) -> None:
        """Later rows would come twice, and a later checkpoint would be taken for this one's successor."""
        epoch, last = self._state.epoch, -1 if epoch_anew else self._state.step

        def came_before(row: Row) -> bool:
            begun = row.get("epoch", 0) == epoch + 1 and row.get("kind") != "epoch" and row.get("step", 0) <= last
            return bool(begun or row.get("epoch", 0) <= epoch)

        self._diagnosis.keep(came_before)
        self._journal.keep_rows(came_before, self._state.step)
        if self._team.is_first:
            put_later_checkpoints_aside(self._run, self._state.step, keep=keep)
        self._archive.put_best_export_back()

    def _realign(self) -> bool:
        """Data or batch size may have changed since: then the step follows from the closed epochs; tells whether."""
        state, steps_per_epoch = self._state, self._loader.steps_per_epoch
        if 0 <= state.step - state.epoch * steps_per_epoch <= steps_per_epoch:
            return False
        state.step = state.epoch * steps_per_epoch
        state.interval.clear()
        state.epoch_means.clear()
        self._journal.event("warning", f"an epoch has other steps than before; going on at step {state.step}")
        return True
