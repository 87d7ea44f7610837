"""The loops that ours is measured against: a bare one, and that of PyTorch Lightning's Trainer.

    python tests/benchmarks/rivals.py bare|lightning PROFILE FOLDER --first 20 --last 520

Started by `harness.py`. Both train what `harmonic train PROFILE` trains: the same weights on the same batches with the
same noise. FOLDER gets `metrics.jsonl`, when which step was done, `weights.safetensors` at the end, and `facts.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from harmonic_core.audio.features import LogMel
from harmonic_core.data.cache import Cache, default_cache_dir
from harmonic_core.data.inspect import faults
from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.prepare import prepare
from harmonic_core.data.segments import TrainingSegments
from harmonic_core.data.sources import find_tracks
from harmonic_core.data.split import split_tracks
from harmonic_core.evaluation.validation import typical_mels
from harmonic_core.model.build import build_model
from harmonic_core.model.loss import vae_loss
from harmonic_core.model.vae import VAE
from harmonic_core.profile.resolve import resolve
from harmonic_core.profile.sections import Profile
from harmonic_core.training.device import choose_device
from harmonic_core.training.schedule import beta, learning_rate
from harmonic_core.training.update import step_noise


@dataclass
class Parts:
    """What a loop is made of."""

    profile: Profile
    model: VAE
    optimizer: torch.optim.Optimizer
    features: LogMel
    loader: BatchLoader

    @property
    def steps(self) -> int:
        """Updates of the whole training."""
        return self.profile.train.epochs * self.loader.steps_per_epoch


class Clock:
    """Says when a step was done: every `every` steps, and at the ends of the stretch that is measured.

    Parameters
    ----------
    file
        Gets a line for each.
    every
        Steps between two lines.
    ends
        First and last step of the stretch; there, and nowhere else, the device is waited for.
    """

    def __init__(self, file: TextIO, every: int, ends: tuple[int, int]) -> None:
        self._file, self._every, self._ends = file, every, ends

    def done(self, step: int) -> None:
        """Take note that `step` updates are made."""
        if step in self._ends and torch.cuda.is_available():
            torch.cuda.synchronize()
        if step % self._every == 0:
            self._file.write(json.dumps({"kind": "step", "step": step, "time": time.time()}) + "\n")
            self._file.flush()


def assemble(profile: Profile) -> Parts:
    """Fresh weights, and the batches of the tracks that the profile names."""
    data, seed = profile.data, profile.run.seed
    outcomes = prepare(
        find_tracks(data, seed).tracks,
        profile.audio.sample_rate,
        Cache(data.cache_dir or default_cache_dir()),
        lambda _: None,
    )
    sound = [
        each.cached
        for each in outcomes
        if each.cached and each.facts and not any(fault.refuses for fault in faults(each.facts, data.min_clip_length))
    ]
    segments = TrainingSegments(split_tracks(sound, data, seed).training, profile.segment_samples, seed)
    device, _ = choose_device(profile.run.device)
    loader = BatchLoader(segments, profile.train.batch_size, device)
    features = LogMel(profile.audio).to(device)
    torch.manual_seed(seed)
    model = build_model(profile.model, profile.audio, profile.segment_frames)
    model.to(device).begin_with(typical_mels(segments, features, loader.batch_size))
    train = profile.train
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay, fused=True
    )
    return Parts(profile, model, optimizer, features, loader)


def bare(parts: Parts, clock: Clock, updates: int) -> None:
    """Train as briefly as it can be written."""
    loader, features, model, optimizer = parts.loader, parts.features, parts.model, parts.optimizer
    loss, train, seed = parts.profile.loss, parts.profile.train, parts.profile.run.seed
    for step in range(updates):
        mel = features(loader.batch(step))
        noise = step_noise(seed, step, (len(mel), model.latent_dim)).to(mel.device, non_blocking=True)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(train, step, parts.steps)
        reconstruction, posterior = model(mel, noise)
        weight = beta(loss, step / loader.steps_per_epoch)
        terms = vae_loss(mel, reconstruction, posterior, weight, loss.reconstruction)
        terms.loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(model.parameters(), train.grad_clip)
        optimizer.step()
        optimizer.zero_grad()
        clock.done(step + 1)


def lightning(parts: Parts, clock: Clock, folder: Path) -> None:
    """Train with Lightning's Trainer: figures every `log_every` steps into a CSV file, checkpoints as often as ours."""
    import lightning as pl
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import CSVLogger

    profile, loader = parts.profile, parts.loader

    class Batches:
        """Those of the epoch that is trained."""

        def __len__(self) -> int:
            return loader.steps_per_epoch

        def __iter__(self) -> Iterator[Tensor]:
            first = trainer.current_epoch * len(self)
            return (loader.batch(step) for step in range(first, first + len(self)))

    class Module(pl.LightningModule):
        """One update, as Lightning wants it."""

        def __init__(self) -> None:
            super().__init__()
            self.model = parts.model

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return parts.optimizer

        def training_step(self, samples: Tensor, _: int) -> Tensor:
            step = self.global_step
            with torch.no_grad():
                mel = parts.features(samples)
            noise = step_noise(profile.run.seed, step, (len(mel), self.model.latent_dim)).to(
                mel.device, non_blocking=True
            )
            for group in parts.optimizer.param_groups:
                group["lr"] = learning_rate(profile.train, step, parts.steps)
            reconstruction, posterior = self.model(mel, noise)
            weight = beta(profile.loss, step / loader.steps_per_epoch)
            terms = vae_loss(mel, reconstruction, posterior, weight, profile.loss.reconstruction)
            self.log_dict({name: getattr(terms, name) for name in ("loss", "recon", "mel_l1", "kl")})
            return terms.loss

        def on_train_batch_end(self, *_: Any) -> None:
            clock.done(self.global_step)

    trainer = pl.Trainer(
        max_epochs=profile.train.epochs,
        accelerator="gpu" if loader.device.type == "cuda" else loader.device.type,
        devices=1,
        logger=CSVLogger(folder),
        log_every_n_steps=profile.train.log_every,
        gradient_clip_val=profile.train.grad_clip,
        callbacks=[ModelCheckpoint(every_n_epochs=profile.output.checkpoint_every)],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), Batches())


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, then write the weights and what else is to be known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rival", choices=("bare", "lightning"))
    parser.add_argument("profile")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0, help="step at which the measured stretch begins")
    parser.add_argument("--last", type=int, default=0, help="step at which it ends")
    parser.add_argument("--updates", type=int, help="end the bare loop early")
    options = parser.parse_args(arguments)

    parts = assemble(resolve(options.profile).profile)
    with parts.loader, (options.folder / "metrics.jsonl").open("w") as file:
        clock = Clock(file, parts.profile.train.log_every, (options.first, options.last))
        if options.rival == "bare":
            bare(parts, clock, options.updates or parts.steps)
        else:
            lightning(parts, clock, options.folder)
    weights = {name: values.cpu() for name, values in parts.model.state_dict().items()}
    save_file(weights, options.folder / "weights.safetensors")
    device = parts.loader.device
    facts = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "steps_per_epoch": parts.loader.steps_per_epoch,
    }
    (options.folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
