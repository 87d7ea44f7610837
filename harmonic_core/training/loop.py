"""The whole life of a run, from fresh weights to the last epoch."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import torch

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import Augmentation
from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import DivergedError, ExitCode
from harmonic_core.evaluation.validation import band_statistics, mean_spectrum_db, validate
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.write import to_toml
from harmonic_core.run.control import COMMANDS
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.resume import ResumePoint
from harmonic_core.run.status import Best, State
from harmonic_core.text import plain
from harmonic_core.training.checkpoint import prune_checkpoints, write_checkpoint, write_export
from harmonic_core.training.figures import Figures, log_line, stamped, training_figures, validation_figures
from harmonic_core.training.journal import Journal
from harmonic_core.training.material import Material
from harmonic_core.training.picture_source import PictureSource
from harmonic_core.training.pictures import PictureQueue
from harmonic_core.training.resume import continue_from
from harmonic_core.training.schedule import beta, learning_rate
from harmonic_core.training.signals import StopSignals
from harmonic_core.training.sounds import SoundWriter
from harmonic_core.training.state import RunningMeans, TrainState
from harmonic_core.training.update import MEASURED, make_optimizer, update_weights

_LOOK_FOR_COMMANDS_S = 0.2
_CHECKPOINT_AT_LEAST_EVERY_S = 300.0


class Ending(NamedTuple):
    """How a run ended."""

    state: State
    exit_code: ExitCode
    message: str


class Loop:
    """Updates, epochs, and what people ask for in between.

    Parameters
    ----------
    profile, run, journal, signals, device, material, loader
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
        device: torch.device,
        material: Material,
        loader: BatchLoader,
        point: ResumePoint | None,
    ) -> None:
        self.profile, self.run_directory, self.journal, self.signals = profile, run, journal, signals
        self.material, self.loader = material, loader
        self.profile_toml = to_toml(profile)
        self.total_steps = profile.train.epochs * loader.steps_per_epoch
        self.features = LogMel(profile.audio).to(device)

        torch.manual_seed(profile.run.seed)
        model = build_model(profile.model, profile.audio.n_mels, profile.segment_frames)
        mean, std = band_statistics(material.training, self.features, loader.batch_size)
        model.set_band_statistics(mean, std)
        model.to(device)
        self.state = TrainState(
            model,
            make_optimizer(model, profile.train, device),
            RunningMeans(MEASURED, device),
            RunningMeans(MEASURED, device),
        )
        self.augmentation: Augmentation | None = None
        if profile.augment.augment:
            strength = profile.augment.augment_strength
            self.augmentation = Augmentation(profile.audio, self.features, strength, profile.segment_frames).to(device)
        self.sounds = SoundWriter(
            run, self.features, material.validation, profile.evaluation, profile.audio.sample_rate, profile.run.seed
        )
        self.picture_source = PictureSource(
            self.features, material.validation, profile.evaluation, profile.audio, profile.run.seed
        )
        self.pictures = PictureQueue(run, journal, signals)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        journal.log(material.summary)
        journal.log(
            f"model {profile.model.architecture}, {parameters / 1e6:.2f} million parameters, input_dim "
            f"{profile.input_dim} ({profile.audio.n_mels} mels × {profile.segment_frames} frames), "
            f"latent_dim {profile.model.latent_dim}, {loader.steps_per_epoch} steps of {loader.batch_size} an epoch"
        )
        if point:
            message = continue_from(point, run, self.state)
            journal.event("resume", message)
            journal.log(message)
            self._realign()
        self.baseline_db: float | None = None
        if len(material.validation):
            self.baseline_db = mean_spectrum_db(material.validation, self.features, mean, loader.batch_size)
            journal.log(f"error of always answering with the mean spectrum: {self.baseline_db:.2f} dB")
        self._busy_s = 0.0
        self._busy_at_row = self._busy_at_epoch = 0.0
        self._began = self._last_checkpoint = time.monotonic()
        self._paused_s = 0.0
        self._first_step = self.state.step
        self._next_look = 0.0
        self._wanted: set[str] = set()

    def run(self) -> Ending:
        """Train to the end, or until something stops it; the state is then on disk."""
        self.journal.event("phase", f"training from step {self.state.step} to {self.total_steps}")
        self.journal.update(
            state="training", total_steps=self.total_steps, mean_spectrum_db=self.baseline_db, **self._place()
        )
        with self.pictures:
            return self._train()

    def _train(self) -> Ending:
        state, steps_per_epoch = self.state, self.loader.steps_per_epoch
        while True:
            if state.step == (state.epoch + 1) * steps_per_epoch:
                self._close_epoch()
            if state.epoch >= self.profile.train.epochs:
                return self._finish()
            if ending := self._obey():
                return ending
            begin = time.monotonic()
            self._update()
            self._busy_s += time.monotonic() - begin

    def _update(self) -> None:
        state, profile = self.state, self.profile
        rate = learning_rate(profile.train, state.step, self.total_steps)
        weight = beta(profile.loss, state.step / self.loader.steps_per_epoch)
        update_weights(
            state,
            self.loader,
            self.features,
            self.augmentation,
            train=profile.train,
            loss=profile.loss,
            seed=profile.run.seed,
            learning_rate=rate,
            beta=weight,
        )
        if state.step % profile.train.log_every == 0:
            figures = self._training_figures(state.interval, self._busy_at_row, rate, weight)
            self._busy_at_row = self._busy_s
            self.journal.row(stamped("step", state.step, state.epoch + 1, figures))
            self.journal.note(**self._place(), segments_per_s=figures["segments_per_s"], eta_s=self._eta_s())
            epoch_text = f"epoch {state.epoch + 1}/{profile.train.epochs}"
            self.journal.show_progress(state.step, self.total_steps, f"{epoch_text}, loss {figures['loss']:.4f}")

    def _close_epoch(self) -> None:
        """Validate, write the epoch's row and line, and whatever is due at its end."""
        state, profile = self.state, self.profile
        rate = learning_rate(profile.train, state.step - 1, self.total_steps)
        weight = beta(profile.loss, (state.step - 1) / self.loader.steps_per_epoch)
        figures = self._training_figures(state.epoch_means, self._busy_at_epoch, rate, weight)
        self._busy_at_epoch = self._busy_s
        if len(self.material.validation):
            validation = validate(
                state.model, self.features, self.material.validation, profile.loss, weight, self.loader.batch_size
            )
            self._insist_on_finite(validation.loss, rate)
            figures |= validation_figures(validation, profile.data.segment_length)
            figures["mean_spectrum_db"] = self.baseline_db
        state.epoch += 1
        row = stamped("epoch", state.step, state.epoch, figures)
        self.journal.row(row)
        self.journal.result(log_line(row, profile.train.epochs))
        self._keep_best(row)
        self.journal.update(**self._place(), best=state.best, eta_s=self._eta_s())
        due = state.epoch % profile.output.checkpoint_every == 0
        last = state.epoch == profile.train.epochs
        if due or last:
            write_export(self.run_directory.export(f"epoch_{state.epoch}"), state, self.profile_toml)
            self._checkpoint()
            self._write_sounds()
        elif time.monotonic() - self._last_checkpoint > _CHECKPOINT_AT_LEAST_EVERY_S:
            self._checkpoint()

    def _keep_best(self, row: Figures) -> None:
        state = self.state
        if "val_loss" not in row or (state.best and row["val_recon_db"] >= state.best.val_recon_db):
            return
        state.best = Best(
            epoch=state.epoch, step=state.step, val_loss=row["val_loss"], val_recon_db=row["val_recon_db"]
        )
        write_export(self.run_directory.export("best"), state, self.profile_toml)

    def _obey(self) -> Ending | None:
        """Do what signals and commands ask for; an ending if they ask for the end."""
        if self.signals.received:
            name = self.signals.received.name
            self.journal.event("signal", f"{name}: stopping")
            return self._stop(self.signals.exit_code, f"{name} received")
        if time.monotonic() < self._next_look:
            return None
        self._next_look = time.monotonic() + _LOOK_FOR_COMMANDS_S
        self._take_commands()
        self._serve()
        if "pause" in self._wanted:
            self._pause()
        if "stop" in self._wanted:
            return self._stop(ExitCode.OK, "stopped by command")
        return None

    def _take_commands(self) -> None:
        self.pictures.look()
        for command in self.journal.commands():
            known = command.name in COMMANDS
            self.journal.event(
                "control", f"{plain(command.name) or 'unreadable command'}{'' if known else ': refused'}"
            )
            if known:
                self._wanted.add(command.name)
            command.done()

    def _serve(self) -> None:
        """Write what is wanted: possible at any step, and while paused."""
        if "checkpoint" in self._wanted:
            self._wanted.discard("checkpoint")
            self._checkpoint()
        if "sample" in self._wanted:
            self._wanted.discard("sample")
            self._write_sounds()

    def _pause(self) -> None:
        """Wait, alive, until told to go on or to end."""
        began = time.monotonic()
        self.journal.update(state="paused", message="paused by command", eta_s=None, **self._place())
        self.journal.log(
            f"paused at step {self.state.step}; `harmonic control {self.run_directory.path} resume` goes on"
        )
        self._wanted.discard("resume")
        while not (self._wanted & {"resume", "stop"} or self.signals.received):
            time.sleep(_LOOK_FOR_COMMANDS_S)
            self._take_commands()
            self._serve()
        self._wanted -= {"pause", "resume"}
        self._paused_s += time.monotonic() - began
        self.journal.update(state="training", message="")

    def _stop(self, code: ExitCode, why: str) -> Ending:
        self._checkpoint()
        self.journal.note(**self._place())
        return Ending(
            "stopped",
            code,
            f"{why} at step {self.state.step}; `harmonic train --resume-from {self.run_directory.path}` continues",
        )

    def _finish(self) -> Ending:
        best = self.state.best
        if best is None:
            return Ending("finished", ExitCode.OK, f"all {self.state.epoch} epochs done")
        beaten = f", the mean spectrum's {self.baseline_db:.2f} dB" if self.baseline_db else ""
        return Ending(
            "finished",
            ExitCode.OK,
            f"all {self.state.epoch} epochs done; best validation error {best.val_recon_db:.2f} dB "
            f"at epoch {best.epoch}{beaten}",
        )

    def _checkpoint(self) -> None:
        state, began = self.state, time.monotonic()
        if not state.weights_are_finite():
            self._insist_on_finite(math.nan, state.optimizer.param_groups[0]["lr"])
        state.elapsed_s += began - self._last_checkpoint
        path = write_checkpoint(self.run_directory, state, self.profile_toml)
        prune_checkpoints(self.run_directory, self.profile.output.keep)
        self._last_checkpoint = time.monotonic()
        seconds = self._last_checkpoint - began
        self.journal.event(
            "checkpoint", f"step {state.step}, written in {seconds:.1f} s", step=state.step, path=path.name
        )

    def _write_sounds(self) -> None:
        began, step = time.monotonic(), self.state.step
        count = self.sounds.write(self.state.model, step, self.state.epoch)
        self.journal.event("sample", f"{count} written in {time.monotonic() - began:.1f} s", step=step)
        self.pictures.add(self.picture_source.gather(self.state.model, self.state.epoch))

    def _training_figures(self, means: RunningMeans, busy_before: float, rate: float, weight: float) -> Figures:
        count = means.count
        values = means.take()
        self._insist_on_finite(values["loss"], rate)
        figures = training_figures(
            values,
            latent_dim=self.profile.model.latent_dim,
            segment_length=self.profile.data.segment_length,
            dynamic_range_db=self.profile.audio.dynamic_range_db,
            beta=weight,
            learning_rate=rate,
        )
        busy = self._busy_s - busy_before
        figures["segments_per_s"] = count * self.loader.batch_size / busy if busy > 0 else None
        return figures

    def _insist_on_finite(self, loss: float, rate: float) -> None:
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss is {loss} at step {self.state.step}: training diverged; lower `--learning-rate` "
                f"(now {rate:g}) or `--set train.grad_clip` (now {self.profile.train.grad_clip:g}) and continue from "
                f"the last checkpoint with `harmonic train --resume-from {self.run_directory.path}`"
            )

    def _place(self) -> dict[str, object]:
        epoch = min(self.state.epoch + 1, self.profile.train.epochs)
        return {"step": self.state.step, "epoch": epoch, "phase": f"epoch {epoch}"}

    def _eta_s(self) -> float | None:
        done = self.state.step - self._first_step
        if not done:
            return None
        return (time.monotonic() - self._began - self._paused_s) / done * (self.total_steps - self.state.step)

    def _realign(self) -> None:
        """Data or batch size may have changed since: then the step follows from the epochs that are closed."""
        steps_per_epoch = self.loader.steps_per_epoch
        if not 0 <= self.state.step - self.state.epoch * steps_per_epoch <= steps_per_epoch:
            self.state.step = self.state.epoch * steps_per_epoch
            self.journal.event("warning", f"an epoch has other steps than before; going on at step {self.state.step}")
