"""What a run leaves on the disk: checkpoints, exports, sounds and pictures. Only the first rank writes them."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from typing import Any

from harmonic_core.audio.vocoder import Refine
from harmonic_core.errors import RunError
from harmonic_core.model.refiner import Refiner
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml, without_place
from harmonic_core.run.atomic import free_bytes
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import step_folder
from harmonic_core.run.words import size
from harmonic_core.training.checkpoint import (
    Snapshot,
    checkpoint_bytes,
    checkpoint_steps,
    generator_states,
    open_checkpoint,
    prune_checkpoints,
    snapshot,
    write_checkpoint,
)
from harmonic_core.training.distributed import Team
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.journal import Journal
from harmonic_core.training.orders import Orders
from harmonic_core.training.picture_source import PictureSource
from harmonic_core.training.pictures import PictureQueue
from harmonic_core.training.refining import Closer, compare, read_refiner, write_refiner
from harmonic_core.training.saving import PatientWriter
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.sounds import SoundWriter
from harmonic_core.training.state import TrainState
from harmonic_core.training.weights import export_bytes, read_export, write_export

_AT_LEAST_EVERY_S = 300.0
_BEST_MAY_COST = 0.01
"""Share of the time that goes into checkpoints of best moments at once; else they come with the next one."""
_BYTES_A_SAMPLE = 2
NO_ROOM = "the run was told to end before there was room on the disk"


class Archive:
    """Writes the state of a run and what it sounds and looks like; waits where there is no room.

    Parameters
    ----------
    profile, run, journal, orders, team
        Of the run.
    state
        What is written; it changes under way.
    sounds, picture_source, pictures
        What is heard and seen of it.
    """

    def __init__(
        self,
        profile: Profile,
        run: RunDirectory,
        journal: Journal,
        orders: Orders,
        team: Team,
        state: TrainState,
        sounds: SoundWriter,
        picture_source: PictureSource,
        pictures: PictureQueue,
    ) -> None:
        self.pictures = pictures
        self.patience = PatientWriter(run, journal, orders, team)
        self._profile, self._run, self._journal, self._orders = profile, run, journal, orders
        self._team, self._state = team, state
        self._sounds, self._picture_source = sounds, picture_source
        self._profile_toml = to_toml(without_place(profile))
        self._last, self._seconds = time.monotonic(), 0.0
        self._written: tuple[int, int] | None = None
        self._milestone = False
        self._best: Snapshot | None = None
        self._refine: Refine | None = None

    def drawing(self) -> Any:
        """Block in which pictures are drawn; at its end it waits for the last of them."""
        return self.pictures if self._team.is_first else nullcontext()

    def checkpoint(self, *, milestone: bool = False, prune: bool = True) -> bool:
        """Write the whole state and `prune` older ones; False where it was told to end while there was no room."""
        state, began = self._state, time.monotonic()
        state.elapsed_s += began - self._last
        self._last = began
        generators = self._team.collect(generator_states())
        # One that is written a second time stays what it was.
        self._milestone = milestone or (self._milestone and self.is_written())

        moments = [*self._best_put_aside(), snapshot(state, generators)]

        def write() -> None:
            # Rows of steps that the checkpoint has behind it would never come again.
            self._journal.insist_on_rows()
            for moment in moments:
                milestone = self._milestone and moment.step == state.step
                write_checkpoint(self._run, moment, self._profile_toml, milestone=milestone)

        if not self.patience.insist(write, "a checkpoint", len(moments) * checkpoint_bytes(state)):
            return False
        self._best = None
        self._written = state.step, state.epoch
        self._last = time.monotonic()
        self._seconds = self._last - began
        if self._team.is_first and prune:
            prune_checkpoints(self._run, self._profile.output.keep, state.best.step if state.best else None)
        message = f"step {state.step}, written in {self._seconds:.1f} s"
        self._journal.event("checkpoint", message, step=state.step, path=f"step-{state.step:08d}")
        return True

    def put_best_aside(self) -> None:
        """Keep a copy of this moment, the best so far: it is written together with the next checkpoint."""
        generators = self._team.collect(generator_states())
        if self._team.is_first:
            self._best = snapshot(self._state, generators, copy=True)

    def _best_put_aside(self) -> list[Snapshot]:
        """The moment that was put aside, if it is still the best one and comes before the present one."""
        taken, best = self._best, self._state.best
        wanted = taken is not None and best is not None and taken.step == best.step < self._state.step
        return [taken] if taken is not None and wanted else []

    def is_written(self) -> bool:
        """Whether this very state was written."""
        return self._written == (self._state.step, self._state.epoch)

    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint of this step, from now or from before."""
        return bool(self._team.most([self._state.step in checkpoint_steps(self._run)])[0])

    def is_due(self, *, best: bool) -> bool:
        """Tell whether it is time for a checkpoint: after some minutes, and of a `best` moment if that costs little."""
        since = time.monotonic() - self._last
        due = self.is_late() or (best and self._seconds < _BEST_MAY_COST * since)
        return bool(self._team.most([due and self._team.is_first])[0])

    def is_late(self) -> bool:
        """Tell, on this rank alone, whether the last checkpoint is some minutes old."""
        return time.monotonic() - self._last > _AT_LEAST_EVERY_S

    def export(self, label: str) -> bool:
        """Write the weights alone, under the name that belongs to the `label`."""
        state, path = self._state, self._run.export(label)
        return self.patience.insist(
            lambda: write_export(path, state.judged.state_dict(), self._profile_toml, state.step, state.epoch),
            path.name,
            export_bytes(state),
        )

    def put_best_export_back(self) -> None:
        """Export the best moment anew where the state went back behind the one that is exported."""
        path, best = self._run.export("best"), self._state.best
        if not self._team.is_first or not path.exists():
            return
        if best is None:
            path.unlink()
            return
        with suppress(RunError):
            if read_export(path)["step"] == best.step:
                return
        try:
            weights = open_checkpoint(self._run.checkpoints / f"step-{best.step:08d}").judged_weights()
        except RunError as error:
            self._journal.warn(f"{path.name} is of a later moment than the run goes on from, and stays: {error}")
            return
        write_export(path, weights, self._profile_toml, best.step, best.epoch)

    def sound(self) -> str:
        """Write sounds; why that was given up, empty where it was not."""
        began, step = time.monotonic(), self._state.step
        count, trouble, given_up = 0, "", False

        def write() -> None:
            nonlocal count, trouble, given_up
            try:
                count = self._sounds.write(self._state.judged, step, self._state.epoch, self.refine)
            except StoppedError:
                given_up = True
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                trouble = str(error).splitlines()[0][:160]

        if not self.patience.insist(write, "samples", self.sound_bytes()):
            return NO_ROOM
        if given_up:
            self._journal.event("sample", "given up: the run is to end", step=step)
            return "given up, as the run is to end"
        if trouble:
            self._journal.warn(f"no samples of step {step}: out of memory ({trouble})")
            return f"out of memory ({trouble})"
        if self._team.is_first:
            self._journal.event("sample", f"{count} written in {time.monotonic() - began:.1f} s", step=step)
            self._journal.sounds(step_folder(self._run, step), step)
        return ""

    @property
    def refine(self) -> Refine | None:
        """The vocoder's network that betters most what is heard of held-out music, if one does."""
        return self._refine or (self._state.refining.refine if self._state.refining else None)

    def compare_vocoder(self) -> None:
        """See whether the vocoder's network betters what is heard of held-out music, and keep it where it does.

        It contends with the one that is kept, which somebody may have trained longer, on the same segments.
        """
        if not self._profile.train.refine_vocoder:
            return
        refining, closer, kept = self._state.refining, None, None
        if refining is not None:
            try:
                closer = refining.compare(self._sounds.segments)
                kept = self._kept_vocoder() if closer else None
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._journal.warn(f"the vocoder's network was not judged: out of memory ({str(error)[:160]})")
        is_best = closer is not None and closer.is_better and (kept is None or closer.refined_db < kept[1].refined_db)
        if refining is not None and closer is not None:
            self._refine = refining.refiner if is_best else kept[0] if kept and kept[1].is_better else None
            self._journal.event(
                "evaluation",
                f"vocoder: levels {closer.refined_db:.2f} dB from the true ones with its network, "
                f"{closer.plain_db:.2f} dB without; it is {'used' if is_best else 'not used'}"
                + (f": one that is kept reaches {kept[1].refined_db:.2f} dB" if kept and not is_best else ""),
                step=self._state.step,
            )

        def write() -> None:
            if refining is not None and is_best:
                write_refiner(self._run.vocoder, refining, self._profile.audio)

        # All ranks wait for room together.
        self.patience.insist(write, self._run.vocoder.name, checkpoint_bytes(self._state))

    def _kept_vocoder(self) -> tuple[Refiner, Closer] | None:
        """The network in the run directory, and how it stands on this run's held-out music."""
        try:
            refiner, _ = read_refiner(self._run.vocoder, self._sounds.features, self._profile.audio)
        except RunError:
            return None
        standing = compare(refiner, self._sounds.features, self._sounds.segments)
        return (refiner, standing) if standing else None

    def draw(self) -> None:
        """Have pictures drawn."""
        evaluation = self._profile.evaluation
        something = evaluation.prior_samples or evaluation.reconstructions or len(self._sounds.segments)
        if self._team.is_first and something and not self._orders.is_signalled():
            self.pictures.add(self._picture_source.gather(self._state.judged, self._state.epoch), self._state.step)

    def sound_bytes(self) -> int:
        """Bytes of one set of sounds."""
        evaluation = self._profile.evaluation
        items = evaluation.prior_samples + 3 * evaluation.reconstructions
        return items * self._profile.segment_samples * _BYTES_A_SAMPLE

    def warn_of_little_room(self) -> None:
        """Say at the start if the disk will be full before the end."""
        output = self._profile.output
        milestones = self._profile.train.epochs // output.checkpoint_every
        needed = (
            # The newest, the best, and the next one beside them.
            (output.keep + 2 + milestones) * checkpoint_bytes(self._state)
            + (1 + milestones) * export_bytes(self._state)
            + milestones * self.sound_bytes()
        )
        free = free_bytes(self._run.path)
        if self._team.is_first and free < needed:
            self._journal.warn(
                f"this run will write about {size(needed)} into {self._run.path}, where {size(free)} are free; it will "
                "pause when the disk is full: free some room, or raise `--checkpoint-every`"
            )
