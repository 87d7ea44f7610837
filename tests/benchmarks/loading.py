"""What reading from the cache and augmentation cost the training: batches a second against batches already in memory.

    python tests/benchmarks/loading.py DIR --seconds 30

Three trainers of the default model take turns of a second on the audio under DIR, so that a noisy machine is noisy for
all: one reads its batches from the cache, one has them as tensors in memory, one reads and augments at half strength.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track as progress_over
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.data.augment import Augmentation, stretch
from harmonic_core.data.cache import Cache, default_cache_dir
from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.prepare import prepare
from harmonic_core.data.segments import TrainingSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.evaluation.validation import typical_mels
from harmonic_core.model.build import build_model
from harmonic_core.profile.sections import Data, Profile
from harmonic_core.training.device import choose_device
from harmonic_core.training.state import TrainState
from harmonic_core.training.update import make_state, update_weights

TURN_S = 1.0
STRENGTH = 0.5
IN_MEMORY = 64


class MemoryLoader(BatchLoader):
    """The same batches, gathered beforehand."""

    def gather(self, batches: int) -> None:
        """Read the first `batches` and keep them on the device."""
        self._kept = [super(MemoryLoader, self).batch(step).clone() for step in range(batches)]

    def batch(self, step: int) -> Tensor:
        """One of the kept batches."""
        return self._kept[step % len(self._kept)]


@dataclass
class Trainer:
    """A model in training, and its steps a second in every turn."""

    state: TrainState
    loader: BatchLoader
    features: LogMel
    augmentation: Augmentation | None
    rates: list[float] = field(default_factory=list)

    def take_turn(self, profile: Profile, seconds: float) -> None:
        """Train for `seconds`."""
        first, began = self.state.step, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            update_weights(
                self.state,
                self.loader,
                self.features,
                self.augmentation,
                train=profile.train,
                loss=profile.loss,
                seed=0,
                learning_rate=1e-4,
                beta=1e-3,
            )
            if self.loader.device.type == "cuda":
                torch.cuda.synchronize()
        self.rates.append((self.state.step - first) / spent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Let the three take turns, print their rates, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=30.0, help="training time of each")
    options = parser.parse_args(arguments)

    profile, console = Profile(), Console(stderr=True)
    device, _ = choose_device("auto")
    music = find_tracks(Data(dataset="custom", custom_dir=options.directory), 0)
    outcomes = prepare(music.tracks, profile.audio.sample_rate, Cache(default_cache_dir()), lambda _: None)
    tracks = [outcome.cached for outcome in outcomes if outcome.cached is not None]
    plain = TrainingSegments(tracks, profile.segment_samples, 0)
    longer = TrainingSegments(tracks, profile.segment_samples, 0, stretch(STRENGTH))
    features = LogMel(profile.audio).to(device)
    augmentation = Augmentation(profile.audio, features, STRENGTH, profile.segment_frames).to(device)
    mels = typical_mels(plain, features, profile.train.batch_size)
    console.print(f"{len(tracks)} tracks, {len(plain)} segments, on {device}")

    with ExitStack() as stack:

        def trainer(loader: BatchLoader, augmentation: Augmentation | None = None) -> Trainer:
            torch.manual_seed(0)
            model = build_model(profile.model, profile.audio, profile.segment_frames)
            model.to(device).begin_with(mels)
            return Trainer(
                make_state(model, profile.train, device), stack.enter_context(loader), features, augmentation
            )

        memory = MemoryLoader(plain, profile.train.batch_size, device)
        memory.gather(IN_MEMORY)
        trainers = {
            "cache": trainer(BatchLoader(plain, profile.train.batch_size, device)),
            "memory": trainer(memory),
            "augmented": trainer(BatchLoader(longer, profile.train.batch_size, device), augmentation),
        }
        for each in trainers.values():
            each.take_turn(profile, TURN_S)
            each.rates.clear()
        for _ in progress_over(range(round(options.seconds / TURN_S)), "training", console=console):
            for each in trainers.values():
                each.take_turn(profile, TURN_S)

    rates = {name: each.rates for name, each in trainers.items()}
    line = {f"{name}_batches_per_s": round(statistics.median(values), 2) for name, values in rates.items()}
    # Neighbours in time are compared: the median over turns forgets those in which another program woke up.
    line["vs_memory"] = round(statistics.median(a / b for a, b in zip(rates["cache"], rates["memory"], strict=True)), 3)
    line["augmented_vs_plain"] = round(
        statistics.median(a / b for a, b in zip(rates["augmented"], rates["cache"], strict=True)), 3
    )
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
