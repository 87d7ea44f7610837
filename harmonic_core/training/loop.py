"""The whole life of a run, from fresh weights to the last epoch."""

from __future__ import annotations

import math
import socket
import time
from typing import NamedTuple

import torch

from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import DiskError, DivergedError, ExitCode
from harmonic_core.evaluation.validation import Validation, mean_spectrum_db, validate
from harmonic_core.evaluation.verdict import has_exploded
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.steering import SETTINGS
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import ResumePoint
from harmonic_core.run.status import Best, Rank, State
from harmonic_core.training.archive import NO_ROOM, Archive
from harmonic_core.training.assembly import assemble, wrap
from harmonic_core.training.checkpoint import newest_checkpoint
from harmonic_core.training.diagnosis import Diagnosis
from harmonic_core.training.distributed import Team
from harmonic_core.training.figures import Figures, log_line, stamped, training_figures, validation_figures
from harmonic_core.training.helm import Helm
from harmonic_core.training.journal import Journal
from harmonic_core.training.material import Material
from harmonic_core.training.memory import MemoryGuard
from harmonic_core.training.orders import Orders, Wish
from harmonic_core.training.picture_source import PictureSource
from harmonic_core.training.pictures import PictureQueue
from harmonic_core.training.recovery import Recovery
from harmonic_core.training.refining import Refining
from harmonic_core.training.self_evaluation import SelfEvaluation
from harmonic_core.training.signals import StopSignals
from harmonic_core.training.sounds import SoundWriter
from harmonic_core.training.state import RunningMeans
from harmonic_core.training.update import update_weights

_ONCE = frozenset({"checkpoint", "sample"})
"""What is done once for all who ask at the same step."""


class Ending(NamedTuple):
    """How a run ended."""

    state: State
    exit_code: ExitCode
    message: str


class Loop:
    """Updates, epochs, and what people ask for in between.

    Parameters
    ----------
    profile, run, journal, signals, team, device, material, loader
        What the run is made of.
    point
        What to start from; None for fresh weights.

    Raises
    ------
    RunError
        If `point` cannot be used.
    """

    def __init__(
        self,
        profile: Profile,
        run: RunDirectory,
        journal: Journal,
        signals: StopSignals,
        team: Team,
        device: torch.device,
        material: Material,
        loader: BatchLoader,
        point: ResumePoint | None,
    ) -> None:
        self.profile, self.run_directory, self.journal, self.team = profile, run, journal, team
        self.material, self.loader = material, loader
        parts = assemble(profile, material, loader, device)
        self.features, self.state = parts.features, parts.state
        self.listening = parts.listening
        self.state.music = material.fingerprint
        if profile.train.refine_vocoder and team.is_first:
            self.state.refining = Refining(self.features, profile.run.seed)
        self.helm = Helm(profile, journal, self.state, loader, self.features, device)
        self.orders = Orders(journal, signals, team, lambda: self.state.step)
        held_out, evaluation, seed = material.validation, profile.evaluation, profile.run.seed
        learnt, audio = material.training, profile.audio
        self.archive = Archive(
            profile,
            run,
            journal,
            self.orders,
            team,
            self.state,
            SoundWriter(run, self.features, held_out, evaluation, learnt, audio, seed, self.orders.is_signalled),
            PictureSource(self.features, held_out, learnt, evaluation, audio, seed),
            PictureQueue(run, journal, signals),
        )
        part = loader.part.stop - loader.part.start
        self.memory = MemoryGuard(profile, journal, self.state, part, device)
        self.diagnosis = Diagnosis(profile, journal)
        self.recovery = Recovery(profile.train, run, journal, team, self.state, self.archive, self.diagnosis, loader)
        self._describe()
        if point:
            self.recovery.begin_with(point)
            self.helm.bring_back(self.recovery.lost_changes(point))
        self.diagnosis.steer(self.helm.profile, self.helm.risen_after)
        self.forward = wrap(self.state.model, device, team, journal, compiled=profile.train.compile)
        self.baseline_db: float | None = None
        if len(held_out):
            self.baseline_db = mean_spectrum_db(held_out, self.features, self.state.model.band_mean, loader.batch_size)
            journal.log(f"error of always answering with the mean spectrum: {self.baseline_db:.2f} dB")
        self.self_evaluation = SelfEvaluation(
            profile, material, journal, device, self.baseline_db, self.orders.is_signalled
        )
        self._busy_s = self._busy_at_row = self._busy_at_epoch = self._paused_s = 0.0
        self._is_to_pause = False
        """By command: who asked last, to pause or to go on, is obeyed."""
        self._began = time.monotonic()
        self._first_step = self.state.step
        self._at_report = (self.state.step, 0.0)

    def run(self) -> Ending:
        """Train to the end, or until something stops it; the state is then on disk."""
        self.journal.event("phase", f"training from step {self.state.step} to {self.helm.total_steps}")
        self.journal.update(
            state="training",
            **self.helm.told(),
            mean_spectrum_db=self.baseline_db,
            best=self.state.best,
            skipped_steps=self.state.bad.total,
            rollbacks=self.state.rollbacks,
            grad_accum_steps=self.state.grad_accum_steps,
            **self._place(),
        )
        if not self.state.weights_are_finite():
            raise DivergedError(
                "the weights to begin with are not all numbers: training diverged before they were written; "
                "begin with an earlier checkpoint or export, or without `--resume-from`"
            )
        self.archive.warn_of_little_room()
        with self.archive.drawing():
            self.memory.agree(self.team)
            if not self.archive.has_checkpoint():
                self.archive.checkpoint()
            self.diagnosis.tell()
            ended: State = "failed"
            try:
                ending = self._train()
                ended = ending.state
            except DivergedError:
                ended = "diverged"
                raise
            finally:
                self.diagnosis.conclude(ended, rollbacks=self.state.rollbacks)
            return ending

    def _train(self) -> Ending:
        state, steps_per_epoch = self.state, self.loader.steps_per_epoch
        while True:
            if state.step == (state.epoch + 1) * steps_per_epoch and (ending := self._close_epoch()):
                return ending
            # Whoever wants more epochs asks for them while the last one closes.
            was_over = self._is_over()
            ending = self._obey(at_once=was_over)
            if was_over and self._is_over():
                return self._finish()
            if ending:
                return ending
            began = time.monotonic()
            self._update()
            self._busy_s += time.monotonic() - began

    def _make(self, rate: float, weight: float) -> bool:
        """Make one update; False where it was given up.

        Raises
        ------
        DiskError
            If the music cannot be read any more.
        """
        try:
            return self.memory.fit(
                lambda: update_weights(
                    self.state,
                    self.loader,
                    self.features,
                    self.helm.augmentation,
                    self.listening,
                    train=self.profile.train,
                    loss=self.profile.loss,
                    seed=self.profile.run.seed,
                    learning_rate=rate,
                    beta=weight,
                    team=self.team,
                    forward=self.forward,
                    stopped=self.orders.stopped,
                ),
                again=self.team.is_alone,
            )
        except OSError as error:
            # Other ranks would wait for this one's part of a checkpoint.
            if self.team.is_alone:
                self._save()
            raise DiskError(
                f"{error.filename or 'the cache'}: {(error.strerror or str(error)).lower()}: decoded music can no "
                f"longer be read; `harmonic train --resume-from {self.run_directory.path}` decodes it again and goes on"
            ) from error

    def _update(self) -> None:
        state, train = self.state, self.profile.train
        now = self.helm.arrive()
        rate, weight = now.learning_rate, now.beta
        made = self._make(rate, weight)
        if made and state.step % train.log_every == 0 and not self.recovery.is_needed():
            figures = self._training_figures(state.interval, self._busy_at_row, rate, weight)
            self._busy_at_row = self._busy_s
            self.journal.row(stamped("step", state.step, state.epoch + 1, figures))
            if figures["skipped"]:
                updates = "1 update" if figures["skipped"] == 1 else f"{figures['skipped']} updates"
                what = f"{updates} up to step {state.step} left out: loss or gradient not finite"
                self.journal.event("skipped", what, count=figures["skipped"], step=state.step)
            self.journal.note(
                **self._place(),
                segments_per_s=figures["segments_per_s"],
                eta_s=self._eta_s(),
                skipped_steps=state.bad.total,
                **self.helm.told(),
            )
            epoch_text = f"epoch {state.epoch + 1}/{now.epochs}"
            self.journal.show_progress(state.step, self.helm.total_steps, f"{epoch_text}, loss {figures['loss']:.4f}")

    def _close_epoch(self) -> Ending | None:
        """Validate, write the epoch's row and line, and whatever is due at its end; an ending where it was stopped."""
        state, output = self.state, self.profile.output
        past = self.helm.at(state.step - 1)
        rate, weight = past.learning_rate, past.beta
        if self.recovery.is_needed():
            return None
        validation = None
        if len(self.material.validation):
            validation = self._validate(weight)
            if validation is None:
                return self._obey()
        if validation and not self._is_sane(validation):
            self.recovery.go_back(f"the validation error is {validation.recon_db:.3g} dB")
            return None
        figures = self._training_figures(state.epoch_means, self._busy_at_epoch, rate, weight)
        self._busy_at_epoch = self._busy_s
        if validation:
            segment_length, range_db = self.profile.data.segment_length, self.profile.audio.dynamic_range_db
            figures |= validation_figures(validation, segment_length, range_db)
            figures["mean_spectrum_db"] = self.baseline_db
        state.epoch += 1
        steady = (state.step - 1) / self.loader.steps_per_epoch >= self.helm.risen_before(state.step - 1)
        error_db: float = figures["val_recon_db" if validation else "recon_db"]
        state.plateau.hear(error_db, steady)
        row = stamped("epoch", state.step, state.epoch, figures)
        self.journal.row(row)
        # What is in force is what the verdict goes by.
        self.diagnosis.steer(self.helm.profile, self.helm.risen_after)
        self.journal.result(log_line(row, self.helm.epochs))
        self.diagnosis.add(row)
        is_best = self._keep_best(row)
        self.journal.update(**self._place(), best=state.best, eta_s=self._eta_s())
        milestone = state.epoch % output.checkpoint_every == 0
        is_last = self._is_over()
        if milestone or is_last:
            self.archive.export(f"epoch_{state.epoch}")
            self.archive.compare_vocoder()
            self._save(milestone=milestone)
            self.archive.sound()
            if self.team.is_first:
                self.self_evaluation.measure(state, self.archive.refine, self._busy_s, is_last=is_last)
        elif self.archive.is_due(best=is_best):
            self._save()
        elif is_best:
            self.archive.put_best_aside()
        if output.visualize_every and (is_last or state.epoch % output.visualize_every == 0):
            self.archive.draw()
        return None

    def _is_sane(self, validation: Validation) -> bool:
        return math.isfinite(validation.loss) and not has_exploded(validation.recon_db, self.baseline_db)

    def _is_over(self) -> bool:
        """Whether all epochs are done, or no more of them are worth their while."""
        may_end_early = self.state.plateau.should_stop(self.profile.train.early_stopping)
        return may_end_early or self.state.epoch >= self.helm.epochs

    def _validate(self, weight: float) -> Validation | None:
        part = self.team.part(len(self.material.validation))
        return self.memory.fit(
            lambda: validate(
                self.state.judged,
                self.features,
                self.material.validation,
                self.profile.loss,
                weight,
                self.memory.part_size,
                listening=self.listening,
                part=part,
                collect=self.team.collect,
                stopped=self.orders.is_signalled,
            )
        )

    def _keep_best(self, row: Figures) -> bool:
        state = self.state
        if "val_loss" not in row or (state.best and row["val_recon_db"] >= state.best.val_recon_db):
            return False
        state.best = Best(
            epoch=state.epoch, step=state.step, val_loss=row["val_loss"], val_recon_db=row["val_recon_db"]
        )
        self.archive.export("best")
        return True

    def _obey(self, *, at_once: bool = False) -> Ending | None:
        """Do what signals and commands ask for; an ending if they ask for the end."""
        orders = self.orders
        if self.team.is_first and self.archive.is_late():
            orders.asked.add("checkpoint")
        if not orders.look(at_once=at_once) and orders.signal is None:
            return None
        if orders.signal:
            self.journal.event("signal", f"{orders.signal.name}: stopping")
            return self._stop(StopSignals.exit_code_of(orders.signal), f"{orders.signal.name} received")
        if self.team.is_first:
            self.archive.pictures.look()
        if orders.take("room"):
            self.archive.patience.wait_for_rows()
        self._serve()
        if self._is_to_pause and not orders.end:
            self._pause()
        if orders.signal:
            return self._obey()
        if orders.stop is None:
            return None
        ending = self._stop(ExitCode.OK, "stopped by command")
        orders.answer(orders.stop, "all was done already" if self._is_over() else ending.message)
        return ending

    def _serve(self) -> None:
        """Write, change and tell what is wanted, in that order: possible at any step, and while paused."""
        done: dict[str, str] = {}
        for wish in self.orders.take_wishes():
            if wish.name in SETTINGS:
                self.helm.obey(wish)
                self.journal.answered(wish.path)
                # A checkpoint from before is not one of what is in force now.
                done.pop("checkpoint", None)
                continue
            if wish.name not in done or wish.name not in _ONCE:
                done[wish.name] = self._do(wish)
            why = done[wish.name]
            self.orders.answer(wish, "" if wish.name in {"pause", "resume"} else f"done at step {self.state.step}", why)
        if self.orders.take("checkpoint") and "checkpoint" not in done:
            self._save()
        if self.orders.take("report"):
            self._report_ranks()

    def _do(self, wish: Wish) -> str:
        """Do what takes no value; why it was not done, empty where it was."""
        match wish.name:
            case "checkpoint":
                step = self.state.step
                if not self._save():
                    return NO_ROOM
                return "" if self.state.step == step else "the weights are not all numbers, so the run went back"
            case "sample":
                return self.archive.sound()
            case "evaluate" if self.team.is_first:
                return self.self_evaluation.obey(self.state, self.archive.refine, self._busy_s)
            case "pause" | "resume":
                self._is_to_pause = wish.name == "pause"
        return ""

    def _pause(self) -> None:
        """Wait, alive, until told to go on or to end."""
        began, orders = time.monotonic(), self.orders
        self.journal.update(state="paused", why="by command", message="", eta_s=None, **self._place())
        self.journal.log(
            f"paused at step {self.state.step}; `harmonic control {self.run_directory.path} resume` goes on"
        )
        while self._is_to_pause and not orders.end:
            orders.wait()
            self._serve()
            if self.team.is_first:
                self.archive.pictures.look()
        self._is_to_pause = False
        self._paused_s += time.monotonic() - began
        self.journal.update(state="training", why="")

    def _save(self, *, milestone: bool = False) -> bool:
        """Write a checkpoint, unless the weights are ruined: then go back instead; whether the state is on disk."""
        if not self.state.weights_are_finite():
            self.recovery.go_back("the weights are not all numbers")
            return True
        return self.archive.checkpoint(milestone=milestone)

    def _stop(self, code: ExitCode, why: str) -> Ending:
        saved = self.archive.is_written() or self._save()
        self.journal.note(**self._place())
        way_on = f"`harmonic train --resume-from {self.run_directory.path}` continues"
        if saved:
            return Ending("stopped", code, f"{why} at step {self.state.step}; {way_on}")
        last = newest_checkpoint(self.run_directory).step
        code = code or ExitCode.DISK
        return Ending("stopped", code, f"{why} at step {self.state.step}; disk full: {way_on} from step {last}")

    def _finish(self) -> Ending:
        state, best = self.state, self.state.best
        done = f"all {state.epoch} epochs done"
        if state.epoch < self.helm.epochs:
            done = f"nothing better for {state.plateau.since_best} epochs, so it ends early after {state.epoch}"
        if best is None:
            return Ending("finished", ExitCode.OK, done)
        beaten = f", the mean spectrum's {self.baseline_db:.2f} dB" if self.baseline_db else ""
        return Ending(
            "finished",
            ExitCode.OK,
            f"{done}; best validation error {best.val_recon_db:.2f} dB at epoch {best.epoch}{beaten}",
        )

    def _training_figures(self, means: RunningMeans, busy_before: float, rate: float, weight: float) -> Figures:
        count = means.count
        figures = training_figures(
            means.take(),
            latent_dim=self.profile.model.latent_dim,
            segment_length=self.profile.data.segment_length,
            dynamic_range_db=self.profile.audio.dynamic_range_db,
            beta=weight,
            learning_rate=rate,
        )
        busy = self._busy_s - busy_before
        figures["segments_per_s"] = count * self.loader.batch_size / busy if busy > 0 else None
        return figures

    def _place(self) -> dict[str, object]:
        epoch = min(self.state.epoch + 1, self.helm.epochs)
        return {"step": self.state.step, "epoch": epoch, "phase": f"epoch {epoch}"}

    def _eta_s(self) -> float | None:
        done = self.state.step - self._first_step
        if done <= 0:
            return None
        waited = self._paused_s + self.archive.patience.waited_s
        return (time.monotonic() - self._began - waited) / done * (self.helm.total_steps - self.state.step)

    def _report_ranks(self) -> None:
        """Tell of every rank how fast it is and what memory it uses."""
        part = self.loader.part.stop - self.loader.part.start
        steps, busy = self.state.step - self._at_report[0], self._busy_s - self._at_report[1]
        self._at_report = self.state.step, self._busy_s
        mine = Rank(
            rank=self.team.rank,
            host=socket.gethostname(),
            device=self.journal.measure(),
            segments_per_s=steps * part / busy if busy > 0 and steps > 0 else None,
        )
        self.journal.note(ranks=tuple(self.team.collect(mine)))

    def _describe(self) -> None:
        profile, loader = self.profile, self.loader
        parameters = sum(parameter.numel() for parameter in self.state.model.parameters())
        self.journal.log(self.material.summary)
        self.journal.log(
            f"model {profile.model.architecture}, {parameters / 1e6:.2f} million parameters, input_dim "
            f"{profile.input_dim} ({profile.audio.n_mels} mels × {profile.segment_frames} frames), "
            f"latent_dim {profile.model.latent_dim}, {loader.steps_per_epoch} steps of {loader.batch_size} an epoch"
            + ("" if self.team.is_alone else f", divided over {self.team.world_size} ranks")
        )
