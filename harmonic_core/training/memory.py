"""Smaller parts of a batch where memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from harmonic_core.errors import OutOfMemoryError
from harmonic_core.profile.sections import Profile
from harmonic_core.run.words import size
from harmonic_core.training.distributed import Team
from harmonic_core.training.guard import is_out_of_memory
from harmonic_core.training.journal import Journal
from harmonic_core.training.state import TrainState
from harmonic_core.training.update import half_type

T = TypeVar("T")

_MOMENTS = 3
"""What AdamW keeps of a weight: the number of its updates and two means."""


class MemoryGuard:
    """Does work on parts of a batch, and halves them where they do not fit.

    The update stays that of the whole batch: only `grad_accum_steps` grows.

    Parameters
    ----------
    profile, journal, state
        Of the run; the state's `grad_accum_steps` is what changes.
    batch_size
        Segments of this rank's part of a batch.
    device
        What may be too small.
    """

    def __init__(
        self, profile: Profile, journal: Journal, state: TrainState, batch_size: int, device: torch.device
    ) -> None:
        self._profile, self._journal, self._state = profile, journal, state
        self._batch_size, self._device = batch_size, device

    @property
    def part_size(self) -> int:
        """Segments that are computed at once."""
        return -(-self._batch_size // self._state.grad_accum_steps)

    def fit(self, work: Callable[[], T], *, again: bool = True) -> T:
        """Do `work` again and again in ever smaller parts until it fits; it must leave nothing half-done.

        Parameters
        ----------
        work
            What to do.
        again
            Whether it may be done a second time: not once it has exchanged something with other ranks.

        Raises
        ------
        OutOfMemoryError
            If not even one segment fits, or it may not be done again.
        """
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = (str(error).strip() or "no memory left").splitlines()[0][:160]
                if not again:
                    raise OutOfMemoryError(self._advice_in_a_team(reason)) from error
            # Out here, because within the `except` its frames would keep the memory.
            self.divide(reason)

    def agree(self, team: Team) -> None:
        """Find out how much fits on every rank, before they exchange gradients: none of them can leave that half-way.

        Raises
        ------
        OutOfMemoryError
            If on some rank not even one segment fits.
        """
        while not team.is_alone:
            reason = ""
            try:
                self._try_one_part()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = (str(error).strip() or "no memory left").splitlines()[0][:160]
            if not team.most([bool(reason)])[0]:
                return
            self.divide(reason or "on another rank")

    def _try_one_part(self) -> None:
        model, train = self._state.model, self._profile.train
        # Room for the two moments of each weight, which come with the first update.
        ballast = [] if self._state.optimizer.state else [torch.empty_like(w) for w in model.parameters() for _ in "12"]
        mel = torch.zeros((self.part_size, model.n_mels, model.frames), device=self._device)
        with torch.autocast(self._device.type, dtype=half_type(self._device), enabled=train.mixed_precision):
            reconstruction, _ = model(mel, torch.zeros((self.part_size, model.latent_dim), device=self._device))
        reconstruction.float().mean().backward()
        self._state.optimizer.zero_grad(set_to_none=True)
        del ballast

    def divide(self, reason: str) -> None:
        """Halve the parts of a batch, and say so.

        Raises
        ------
        OutOfMemoryError
            If they are single segments already.
        """
        state, before = self._state, self.part_size
        state.optimizer.zero_grad(set_to_none=True)
        # Memory may have run out between the moments of one weight, or between a scaler's two steps.
        for weights in [weights for weights, moments in state.optimizer.state.items() if len(moments) < _MOMENTS]:
            del state.optimizer.state[weights]
        if state.scaler.is_enabled():
            scaler = torch.amp.GradScaler(self._device.type)
            scaler.load_state_dict(state.scaler.state_dict())
            state.scaler = scaler
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if before <= 1:
            raise OutOfMemoryError(self._advice(reason))
        state.grad_accum_steps *= 2
        message = (
            f"out of memory with {before} segments at once ({reason}); going on with {self.part_size} at once and "
            f"grad_accum_steps {state.grad_accum_steps}, the same batch of {self._profile.train.batch_size}"
        )
        self._journal.event("oom", message, grad_accum_steps=state.grad_accum_steps)
        self._journal.log(f"warning: {message}")
        self._journal.note(grad_accum_steps=state.grad_accum_steps)

    def _advice_in_a_team(self, reason: str) -> str:
        return (
            f"out of memory with {self.part_size} segments at once on this rank ({reason}), in the middle of an "
            "exchange of gradients that no rank can leave; it goes on from its last checkpoint in parts of half the "
            f"size with `harmonic train --resume-from {self._journal.run.path} --grad-accum-steps "
            f"{2 * self._state.grad_accum_steps}`, the same batch of {self._profile.train.batch_size}"
        )

    def _advice(self, reason: str) -> str:
        profile = self._profile
        weights = sum(weight.numel() for weight in self._state.model.parameters())
        widths = ",".join(str(max(1, width // 2)) for width in profile.hidden_dims)
        smaller = f"--hidden-dims {widths}" if widths else f"--latent-dim {max(1, profile.model.latent_dim // 2)}"
        total = ""
        if self._device.type == "cuda":
            total = f" of {size(torch.cuda.get_device_properties(self._device).total_memory)}"
        return (
            f"out of memory{total} with a single segment at once ({reason}): batch_size {profile.train.batch_size} "
            f"cannot be divided further, and weights, gradients and moments take about {size(16 * weights)}; use a "
            f"smaller model (`{smaller}`), or `--segment-length {profile.data.segment_length / 2:g}`"
        )
