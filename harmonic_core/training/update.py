"""One update of the weights."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import DRAWS, Augmentation
from harmonic_core.data.loading import BatchLoader
from harmonic_core.model.loss import vae_loss
from harmonic_core.model.vae import VAE
from harmonic_core.profile.sections import Loss, Train
from harmonic_core.training.state import TrainState

MEASURED = ("loss", "recon", "mel_l1", "kl", "grad_norm")
"""What every update adds to the running means."""


def make_optimizer(model: VAE, train: Train, device: torch.device) -> torch.optim.Optimizer:
    """AdamW, in one fused kernel where the device has it."""
    return torch.optim.AdamW(
        model.parameters(),
        lr=train.learning_rate,
        weight_decay=train.weight_decay,
        fused=device.type in {"cuda", "cpu"},
    )


def step_noise(seed: int, step: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise that depends on seed and step alone, made on the CPU so that every device gets the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed((seed << 31) ^ step))


def update_weights(
    state: TrainState,
    loader: BatchLoader,
    features: LogMel,
    augmentation: Augmentation | None = None,
    *,
    train: Train,
    loss: Loss,
    seed: int,
    learning_rate: float,
    beta: float,
) -> None:
    """Make the update after `state.step` updates. Nothing here waits for the device.

    Parameters
    ----------
    state
        Changed: weights, optimiser, running means, step.
    loader
        Gives the step's batch.
    features
        Makes mels of it.
    augmentation
        Makes mels of it instead, of changed sound.
    train, loss, seed
        Of the profile.
    learning_rate, beta
        In force at this step.
    """
    with torch.no_grad():
        samples = loader.batch(state.step)
        mel = augmentation(samples, loader.chance(state.step, DRAWS)) if augmentation else features(samples)
    device = mel.device
    noise = step_noise(seed, state.step, (len(mel), state.model.latent_dim)).to(device, non_blocking=True)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate
    measured = torch.zeros(len(MEASURED) - 1, device=device)
    part_size = -(-len(mel) // train.grad_accum_steps)
    for mel_part, noise_part in zip(torch.split(mel, part_size), torch.split(noise, part_size), strict=True):
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=train.mixed_precision):
            reconstruction, posterior = state.model(mel_part, noise_part)
        terms = vae_loss(mel_part, reconstruction, posterior, beta, loss.reconstruction)
        share = len(mel_part) / len(mel)
        (terms.loss * share).backward()  # type: ignore[no-untyped-call]
        measured += torch.stack(terms).detach() * share
    grad_norm = clip_grad_norm_(state.model.parameters(), train.grad_clip)
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    values = torch.cat((measured, grad_norm.detach().unsqueeze(0)))
    state.interval.add(values)
    state.epoch_means.add(values)
    state.step += 1
