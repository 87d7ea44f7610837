"""What trials of a study are compared by: two figures of the same weights, on the same music, by the same chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.segments import ValidationSegments, spread_evenly
from harmonic_core.errors import DataError
from harmonic_core.evaluation.draws import judge_draws
from harmonic_core.evaluation.validation import validate
from harmonic_core.run.resume import ResumePoint
from harmonic_core.training.material import prepare_material
from harmonic_core.training.measurement import MOST_SEGMENTS
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.signals import StoppedError
from harmonic_core.training.trained import load_trained

_DRAWN = 64
_AT_ONCE = 16


@dataclass(frozen=True)
class Judgement:
    """What a model came to."""

    recon_db: float
    """Mean absolute log-mel error on all held-out segments, in dB, as a validation measures it."""
    kl_nats: float
    """KL divergence on them, in nats a segment."""
    mel_fd: float
    """Fréchet distance between the mel frames of 64 samples from the prior and of held-out music, in dB²: that
    of `Draws`."""
    step: int
    """Updates that the weights have had."""
    epoch: int
    """Epochs that they have closed."""
    segments: int
    """Held-out segments."""


@torch.no_grad()
def judge(point: ResumePoint, journal: Narrator, stopped: Callable[[], bool] = lambda: False) -> Judgement:
    """Measure the weights at `point` without rendering any sound. Nothing is written.

    The samples follow from the profile's seed, so trials of one study draw alike.

    Parameters
    ----------
    point
        A run (its newest checkpoint), a checkpoint or an export.
    journal
        Tells what goes on.
    stopped
        Asked now and then.

    Raises
    ------
    HarmonicError
        If there are no weights, or no two held-out segments.
    StoppedError
        If `stopped` says so.
    """
    trained = load_trained(point)
    profile, model, features = trained.profile, trained.model, trained.features
    material = prepare_material(profile, journal, stopped)
    if material is None:
        raise StoppedError
    held_out = material.validation
    if len(held_out) < 2:
        raise DataError(
            f"held-out music: {len(held_out)} segments, and samples from the prior need two to be compared with; "
            "hold more tracks out with a larger data.validation_split"
        )
    batch = max(1, profile.train.batch_size // profile.train.grad_accum_steps)
    figures = validate(model, features, held_out, profile.loss, profile.loss.beta_end, batch, stopped=stopped)
    if figures is None:
        raise StoppedError
    mel = torch.cat(list(_spread_mels(held_out, features)))
    noise = torch.randn((_DRAWN, model.latent_dim), generator=torch.Generator().manual_seed(profile.run.seed))
    drawn = torch.cat([model.sample(part.to(mel.device)) for part in torch.split(noise, _AT_ONCE)])
    draws = judge_draws(drawn, mel, None, profile.audio.dynamic_range_db, profile.run.seed)
    return Judgement(figures.recon_db, figures.kl_nats, draws.mel_fd, trained.step, trained.epoch, len(held_out))


def _spread_mels(held_out: ValidationSegments, features: LogMel) -> Iterator[Tensor]:
    """Mels of up to `MOST_SEGMENTS` segments, spread evenly over all."""
    order = spread_evenly(len(held_out))[:MOST_SEGMENTS]
    for first in range(0, len(order), _AT_ONCE):
        places = [held_out.places[index] for index in order[first : first + _AT_ONCE]]
        pcm = np.stack([cached.read(start, held_out.segment_samples) for cached, start in places])
        yield features(torch.from_numpy(pcm).to(features.window.device).float() / 32768.0)
