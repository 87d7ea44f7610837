"""Updates and ends of epochs made once more, just as in a run, with nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from harmonic_core.data.augment import Augmentation
from harmonic_core.data.loading import BatchLoader
from harmonic_core.errors import OutOfMemoryError
from harmonic_core.evaluation.validation import Validation, validate
from harmonic_core.profile.sections import Profile
from harmonic_core.run.status import Best
from harmonic_core.training.assembly import Assembly, assemble, wrap
from harmonic_core.training.checkpoint import Checkpoint
from harmonic_core.training.distributed import ALONE
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.helm import Helm
from harmonic_core.training.in_force import InForce
from harmonic_core.training.journal import Journal
from harmonic_core.training.material import Material
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.state import TrainState
from harmonic_core.training.update import update_weights

Watch = Callable[[float], AbstractContextManager[Callable[[float, str], None]]]
"""Makes, for an amount of work, a block in which to tell how much of it is done, and words beside it."""


@contextmanager
def unwatched(total: float) -> Iterator[Callable[[float, str], None]]:
    """Show nobody how far it is."""
    yield lambda done, words: None


@dataclass(frozen=True)
class Replay:
    """What a run computes with, ready to go on from any of its checkpoints, alone."""

    profile: Profile
    material: Material
    loader: BatchLoader
    device: torch.device
    journal: Journal
    stopped: Callable[[], bool] = lambda: False
    watch: Watch = unwatched

    def go_on(self, checkpoint: Checkpoint, step: int, epoch: int = 0, after: Checkpoint | None = None) -> TrainState:
        """Put a checkpoint into a state that is made from scratch, and make its updates up to `step`.

        Parameters
        ----------
        checkpoint
            Where to begin; only read.
        step
            Updates made at the end.
        epoch
            Epochs closed at the end at least. One that ends at `step` stays open otherwise.
        after
            A later checkpoint, which knows what people changed until then. Default: nobody changed anything.

        Returns
        -------
        TrainState
            As the run has it there; `elapsed_s` aside.

        Raises
        ------
        StoppedError
            If `stopped` says so.
        OutOfMemoryError
            If it does not fit into memory now.
        RunError
            If the checkpoint is of another model.
        """
        try:
            return self._go_on(checkpoint, step, epoch, after or checkpoint)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"out of memory on {self.device.type} while replaying: do it when the device is free, "
                "or on the CPU with `--device cpu`"
            ) from error

    def _go_on(self, checkpoint: Checkpoint, step: int, epoch: int, after: Checkpoint) -> TrainState:
        parts = assemble(self.profile, self.material, self.loader, self.device)
        state = parts.state
        state.music = self.material.fingerprint
        checkpoint.restore(state)
        state.steering.restore(after.steering)
        helm = Helm(self.profile, self.journal, state, self.loader, parts.features, self.device)
        forward = wrap(state.model, self.device, ALONE, self.journal, compiled=self.profile.train.compile)
        first = state.step
        with self.watch(step - first) as move:
            while True:
                epoch_is_full = state.step == (state.epoch + 1) * self.loader.steps_per_epoch
                if epoch_is_full and (state.step < step or state.epoch < epoch):
                    self._close_epoch(parts, helm)
                now = helm.arrive()
                if state.step >= step:
                    return state
                self._update(parts, helm.augmentation, now, forward)
                move(state.step - first, f"step {state.step} of {step}")

    def _update(
        self, parts: Assembly, augmentation: Augmentation | None, now: InForce, forward: Callable[..., Any]
    ) -> None:
        state, train = parts.state, self.profile.train
        made = update_weights(
            state,
            self.loader,
            parts.features,
            augmentation,
            parts.listening,
            train=train,
            loss=self.profile.loss,
            seed=self.profile.run.seed,
            learning_rate=now.learning_rate,
            beta=now.beta,
            forward=forward,
            stopped=self.stopped,
        )
        if not made:
            raise StoppedError
        if state.step % train.log_every == 0:
            state.bad.look()
            state.interval.clear()

    def _close_epoch(self, parts: Assembly, helm: Helm) -> None:
        """Do to the state what the end of an epoch does."""
        state, profile = parts.state, self.profile
        state.bad.look()
        last = state.step - 1
        validation = self._validate(parts, helm.at(last).beta) if len(self.material.validation) else None
        means = state.epoch_means.take()
        state.epoch += 1
        error_db = validation.recon_db if validation else means["mel_l1"] * profile.audio.dynamic_range_db
        state.plateau.hear(error_db, last / self.loader.steps_per_epoch >= helm.risen_before(last))
        if validation and not (state.best and error_db >= state.best.val_recon_db):
            state.best = Best(epoch=state.epoch, step=state.step, val_loss=validation.loss, val_recon_db=error_db)

    def _validate(self, parts: Assembly, weight: float) -> Validation:
        state, loss = parts.state, self.profile.loss
        at_once = -(-self.loader.batch_size // state.grad_accum_steps)
        found = validate(
            state.judged,
            parts.features,
            self.material.validation,
            loss,
            weight,
            at_once,
            listening=parts.listening,
            stopped=self.stopped,
        )
        if found is None:
            raise StoppedError
        return found
