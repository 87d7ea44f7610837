"""The default architecture against a dense VAE: equal wall-clock time, the same tracks, held-out error in dB.

    python tests/benchmarks/baseline.py DIR --seconds 90

Both train on the audio under DIR in turns of a few seconds, so that a noisy machine is noisy for both. Segments of
3 s, latent_dim 128, beta constant at 1e-3; `dense` with mean squared error, `harmonic` with its own defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track as progress_over

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import Cache, default_cache_dir
from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.prepare import prepare
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.split import split_tracks
from harmonic_core.evaluation.validation import Validation, band_statistics, mean_spectrum_db, validate
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Data, Loss, Model, Profile, Train
from harmonic_core.training.schedule import learning_rate
from harmonic_core.training.state import TrainState
from harmonic_core.training.update import make_state, update_weights

TURN_S = 3.0
HELD_OUT = 0.2
SHORTEST_S = 3.0
BETA = 1e-3
SCHEDULE_STEPS = 100_000

CONTENDERS = {
    "dense": (Model(architecture="dense", latent_dim=128), Loss(reconstruction="mse"), Train(learning_rate=1e-3)),
    "harmonic": (
        Model(architecture="harmonic", latent_dim=128),
        Loss(reconstruction="l1"),
        Train(batch_size=16, learning_rate=2e-3),
    ),
}


@dataclass
class Contender:
    """A model in training, and the time it has had."""

    state: TrainState
    loader: BatchLoader
    loss: Loss
    train: Train
    spent_s: float = field(default=0.0)

    def take_turn(self, features: LogMel, seconds: float, budget_s: float) -> None:
        """Train for `seconds`; the learning rate follows the share of the budget that is spent."""
        end = time.monotonic() + min(seconds, budget_s - self.spent_s)
        began = last = time.monotonic()
        while last < end:
            spent = (self.spent_s + last - began) / budget_s
            warm = min(1.0, (self.state.step + 1) / max(1, self.train.warmup_steps))
            schedule = Train(**{**self.train.model_dump(), "warmup_steps": 0})
            update_weights(
                self.state,
                self.loader,
                features,
                train=self.train,
                loss=self.loss,
                seed=0,
                learning_rate=warm * learning_rate(schedule, round(spent * SCHEDULE_STEPS), SCHEDULE_STEPS),
                beta=BETA,
            )
            last = time.monotonic()
        self.spent_s += last - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both, print their figures, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=90.0, help="training time of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    profile = Profile()
    data = Data(dataset="custom", custom_dir=options.directory, validation_split=HELD_OUT)
    music = find_tracks(data, options.seed)
    console = Console(stderr=True)
    outcomes = prepare(music.tracks, profile.audio.sample_rate, Cache(default_cache_dir()), lambda _: None)
    usable = [each.cached for each in outcomes if each.cached and each.facts and each.facts.seconds >= SHORTEST_S]
    split = split_tracks(usable, data, options.seed)
    training, validation = split.training, split.validation
    segments = TrainingSegments(training, profile.segment_samples, options.seed)
    held_out = ValidationSegments(validation, profile.segment_samples, 400)
    features = LogMel(profile.audio)
    mean, std = band_statistics(segments, features, 32)
    console.print(f"{len(training)} tracks to train on, {len(validation)} held out, {len(held_out)} held-out segments")

    with ExitStack() as stack:
        contenders = {
            name: _contender(stack, segments, (mean, std), options.seed, *parts) for name, parts in CONTENDERS.items()
        }
        turns = round(options.seconds / TURN_S)
        for _ in progress_over(range(turns), "training", console=console):
            for contender in contenders.values():
                contender.take_turn(features, options.seconds / turns, options.seconds)

    figures: dict[str, Validation] = {}
    for name, contender in contenders.items():
        figures[name] = validate(contender.state.model, features, held_out, contender.loss, BETA, 32)
        console.print(
            f"{name}: {contender.state.step} steps in {contender.spent_s:.1f} s, {figures[name].recon_db:.2f} dB, "
            f"{figures[name].kl_nats:.0f} nats"
        )
    dense, harmonic = figures["dense"], figures["harmonic"]
    line = {
        "dense_db": round(dense.recon_db, 3),
        "harmonic_db": round(harmonic.recon_db, 3),
        "mean_db": round(mean_spectrum_db(held_out, features, mean, 32), 3),
        "ratio": round(harmonic.recon_db / dense.recon_db, 4),
        "dense_kl_nats": round(dense.kl_nats, 1),
        "harmonic_kl_nats": round(harmonic.kl_nats, 1),
    }
    sys.stdout.write(json.dumps(line) + "\n")


def _contender(
    stack: ExitStack,
    segments: TrainingSegments,
    statistics: tuple[torch.Tensor, torch.Tensor],
    seed: int,
    model: Model,
    loss: Loss,
    train: Train,
) -> Contender:
    profile, cpu = Profile(), torch.device("cpu")
    torch.manual_seed(seed)
    vae = build_model(model, profile.audio.n_mels, profile.segment_frames)
    vae.set_band_statistics(*statistics)
    return Contender(
        make_state(vae, train, cpu), stack.enter_context(BatchLoader(segments, train.batch_size, cpu)), loss, train
    )


if __name__ == "__main__":
    main()
