"""One update of the weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import DRAWS, Augmentation
from harmonic_core.data.loading import BatchLoader
from harmonic_core.model.listening import Listening
from harmonic_core.model.loss import loss_of
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Loss, Train
from harmonic_core.training.distributed import ALONE, Team
from harmonic_core.training.optimizer import PromptAdamW
from harmonic_core.training.schedule import Plateau
from harmonic_core.training.state import RunningMeans, TrainState

MEASURED = ("loss", "recon", "mel_l1", "kl", "mu_l1")
"""What every update adds to the running means, before the terms of `Listening` and the norm of the gradient."""


def make_state(model: VAE, train: Train, device: torch.device, heard: Iterable[str] = ()) -> TrainState:
    """State before the first update of `model`, which is on `device`; `heard` are the terms of `Listening` in use."""
    names = (*MEASURED, *heard, "grad_norm")
    half = train.mixed_precision and half_type(device) is torch.float16
    return TrainState(
        model,
        make_optimizer(model, train),
        RunningMeans(names, device),
        RunningMeans(names, device),
        averaged=copy.deepcopy(model).requires_grad_(False) if train.ema_decay else None,
        scaler=torch.amp.GradScaler(device.type, enabled=half),
        grad_accum_steps=train.grad_accum_steps,
        grad_accum_asked=train.grad_accum_steps,
        rate_asked=train.learning_rate,
        plateau=Plateau(train.plateau_patience),
    )


def make_optimizer(model: VAE, train: Train) -> torch.optim.Optimizer:
    """AdamW in one fused kernel, the kind that can be told on the device to leave an update out."""
    return PromptAdamW(model.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay, fused=True)


def half_type(device: torch.device) -> torch.dtype:
    """The 16 bits to compute in: bfloat16, which needs no scaled loss, but on GPUs that would only emulate it."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def step_noise(seed: int, step: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise that depends on seed and step alone, made on the CPU so that every device gets the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed((seed << 31) ^ step))


def update_weights(
    state: TrainState,
    loader: BatchLoader,
    features: LogMel,
    augmentation: Augmentation | None = None,
    listening: Listening | None = None,
    *,
    train: Train,
    loss: Loss,
    seed: int,
    learning_rate: float,
    beta: float,
    team: Team = ALONE,
    forward: Callable[..., Any] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Make the update after `state.step` updates. Nothing here waits for the device.

    An update whose loss or gradient is not finite is counted and leaves the weights, their average and the optimiser
    as they were.

    Parameters
    ----------
    state
        Changed: weights, their average, optimiser, running means, step.
    loader
        Gives this rank's part of the step's batch.
    features
        Makes mels of it.
    augmentation
        Makes mels of it instead, of changed sound.
    listening
        Further terms of the loss.
    train, loss, seed
        Of the profile.
    learning_rate, beta
        In force at this step.
    team
        The ranks among which the batch is divided; the update is that of the whole batch.
    forward
        The model as it is called: wrapped for the team, or compiled. Default: as it is.
    stopped
        Asked between the parts of a batch; where it says so the update is given up.

    Returns
    -------
    bool
        Whether the update was made; one that was given up has changed nothing.
    """
    with torch.no_grad():
        samples = loader.batch(state.step)
        mel = augmentation(samples, loader.chance(state.step, DRAWS)) if augmentation else features(samples)
    device, forward = mel.device, forward or state.model
    noise = step_noise(seed, state.step, (loader.batch_size, state.model.latent_dim))[loader.part]
    noise = noise.to(device, non_blocking=True)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate
    measured = torch.zeros(len(state.interval.names) - 1, device=device)
    size = -(-len(mel) // state.grad_accum_steps)
    parts = list(zip(torch.split(mel, size), torch.split(noise, size), strict=True))
    for number, (mel_part, noise_part) in enumerate(parts, 1):
        if stopped():
            state.optimizer.zero_grad(set_to_none=True)
            return False
        share = len(mel_part) / loader.batch_size
        with _without_exchange(forward) if number < len(parts) else nullcontext():
            with torch.autocast(device.type, dtype=half_type(device), enabled=train.mixed_precision):
                reconstruction, posterior = forward(mel_part, noise_part)
            terms = loss_of(mel_part, reconstruction, posterior, beta, loss, listening)
            # Between ranks gradients are averaged, and what is wanted is their sum.
            state.scaler.scale(terms.loss * (share * team.world_size)).backward()  # type: ignore[no-untyped-call]
        measured += terms.measured() * share
    team.add_up(measured)
    good = _apply(state, measured, train.grad_clip)
    if state.averaged is not None:
        decay = min(train.ema_decay, (1 + state.step) / (10 + state.step))
        _average(state.averaged, state.model, good * (1.0 - decay))
    if state.refining is not None:
        state.refining.beside(state.step, samples)
    state.step += 1
    return True


def _apply(state: TrainState, measured: Tensor, grad_clip: float) -> Tensor:
    """Let the optimiser use the gradients, unless they are not finite; whether they are, (), on the device."""
    if state.scaler.is_enabled():
        state.scaler.unscale_(state.optimizer)
    grad_norm = clip_grad_norm_(state.model.parameters(), grad_clip).detach()
    values = torch.cat((measured, grad_norm.unsqueeze(0)))
    good = values.isfinite().all()
    # The way in which a gradient scaler tells fused optimisers, on the device, to leave an update out.
    state.optimizer.grad_scale = None  # type: ignore[attr-defined]
    state.optimizer.found_inf = (~good).float()  # type: ignore[attr-defined]
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    if state.scaler.is_enabled():
        state.scaler.update()
    for means in (state.interval, state.epoch_means):
        means.add(values, good)
    state.bad.add(good)
    return good


@torch.no_grad()
def _average(averaged: VAE, model: VAE, weight: Tensor) -> None:
    """Move the average towards the weights by `weight`, (), on the device."""
    for mean, value in zip(averaged.parameters(), model.parameters(), strict=True):
        mean.lerp_(value, weight)


def _without_exchange(forward: Callable[..., Any]) -> Any:
    """Block in which gradients stay with their rank, as all but the last part of a batch should."""
    return forward.no_sync() if isinstance(forward, DistributedDataParallel) else nullcontext()
