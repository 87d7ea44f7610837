"""Everything that can be said of a trained model: how near, how ordered, how alive."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.vocoder import mel_to_sound
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.loading import BatchLoader
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.errors import DataError
from harmonic_core.evaluation.closeness import Closeness, Ears
from harmonic_core.evaluation.draws import Draws, judge_draws
from harmonic_core.evaluation.latent_space import LABELS, Smoothness, Telling, principal_shares, smoothness, tell_apart
from harmonic_core.evaluation.validation import active_units, band_statistics, mean_spectrum_db, sparsity
from harmonic_core.model.build import build_model
from harmonic_core.model.loss import kl_per_dim
from harmonic_core.model.vae import VAE, Posterior
from harmonic_core.profile.resolve import load, put_together
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import read_recorded
from harmonic_core.run.resume import ResumePoint
from harmonic_core.text import plain
from harmonic_core.training.device import choose_device
from harmonic_core.training.material import prepare_material
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.proof import position_of
from harmonic_core.training.replay import StoppedError
from harmonic_core.training.resume import Source, find_source
from harmonic_core.training.weights import load_weights

_HEARD = 64
"""Held-out segments that are rendered, the slow part."""
_SEEN = 512
"""Segments whose latents and mels are looked at."""
_DRAWN = 64
_AT_ONCE = 16


@dataclass(frozen=True)
class Report:
    """What was measured. Units as the field's own docstrings say."""

    weights: str
    """What was evaluated: the file or folder."""
    step: int
    epoch: int
    music: str
    """One line on the music."""
    segments: int
    """Held-out segments that were looked at."""
    mean_spectrum_db: float
    """Error of always answering with the mean spectrum, in dB: what a model has to beat."""
    vocoder: Closeness
    """Original against itself through mels and back: what no model can better."""
    model: Closeness
    """Original mels against the model's, before any sound is made."""
    model_and_vocoder: Closeness
    """Original against what is heard of its reconstruction."""
    kl_nats: float
    """A segment's, in nats."""
    kl_bits_per_s: float
    kl_per_dim: tuple[float, ...]
    active_units: int
    latent_dim: int
    sparsity: float
    principal_shares: dict[int, float]
    tells_apart: dict[str, Telling]
    smoothness: Smoothness | None
    draws: Draws | None
    """None where there are too few segments to compare with."""


def evaluate(
    point: ResumePoint,
    journal: Narrator,
    *,
    folder: Path | None = None,
    device: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Measure the weights at `point` on music that they were not trained on. Nothing is written.

    Parameters
    ----------
    point
        A run (its newest checkpoint), a checkpoint or an export.
    journal
        Tells what goes on.
    folder
        Audio to measure on, all of it, instead of the profile's held-out tracks.
    device
        Where to compute. Default: what the profile says.
    stopped
        Asked now and then.

    Raises
    ------
    HarmonicError
        If there are no weights, or no music.
    StoppedError
        If `stopped` says so.
    """
    if folder is not None and not folder.is_dir():
        raise DataError(f"{plain(str(folder))}: no such folder; name the folder of your audio with `--data DIR`")
    source = find_source(point)
    profile = _profile_of(source, point)
    if folder is not None:
        data = {"dataset": "custom", "dataset_dir": None, "custom_dir": (folder,), "validation_split": 0.0}
        profile = profile.model_copy(update={"data": profile.data.model_copy(update=data)})
    place = choose_device(device or profile.run.device)[0]
    model = build_model(profile.model, profile.audio.n_mels, profile.segment_frames)
    load_weights(model, _weights_of(source), str(point.export or point.checkpoint or point.run))
    model.to(place).eval()
    material = prepare_material(profile, journal, stopped)
    if material is None:
        raise StoppedError
    training = material.training
    if folder is not None:
        held_out = ValidationSegments(training.tracks, profile.segment_samples, _SEEN)
    else:
        held_out = ValidationSegments(_tracks_of(material.validation), profile.segment_samples, _SEEN)
    if not len(held_out):
        raise DataError("nothing is held out in this run, so there is nothing to evaluate on; name music with `--data`")
    step, epoch = _place_of(source)
    measured = _Measuring(profile, model, training, held_out, place, stopped, journal)
    return measured.report(_name_of(source, point), step, epoch, material.summary, own_music=folder is None)


class _Measuring:
    def __init__(
        self,
        profile: Profile,
        model: VAE,
        training: TrainingSegments,
        held_out: ValidationSegments,
        device: torch.device,
        stopped: Callable[[], bool],
        journal: Narrator,
    ) -> None:
        self._profile, self._model, self._training, self._held_out = profile, model, training, held_out
        self._device, self._stopped, self._journal = device, stopped, journal
        self._ears = Ears(profile.audio).to(device)

    @torch.no_grad()
    def report(self, name: str, step: int, epoch: int, music: str, *, own_music: bool) -> Report:
        profile, model, ears = self._profile, self._model, self._ears
        self._journal.log(f"encoding {len(self._held_out)} held-out segments")
        mel = torch.cat([self._ears.features(samples) for samples in self._samples()])
        posterior = Posterior(
            *map(torch.cat, zip(*(model.encode(part) for part in torch.split(mel, _AT_ONCE)), strict=True))
        )
        mu = posterior.mu.float().cpu().numpy()
        tracks = np.array([cached.track.title for cached, _ in self._held_out.places])
        nats = kl_per_dim(posterior).tolist()
        closeness = self._closeness(posterior)
        with BatchLoader(self._training, profile.train.batch_size, self._device) as loader:
            mean, _ = band_statistics(self._training, ears.features, loader.batch_size)
        noise = torch.randn((_DRAWN, model.latent_dim), generator=torch.Generator().manual_seed(profile.run.seed))
        enough = len(mel) >= 2
        learnt = self._training_mels() if own_music else mel
        return Report(
            weights=name,
            step=step,
            epoch=epoch,
            music=music,
            segments=len(mel),
            mean_spectrum_db=mean_spectrum_db(self._held_out, ears.features, mean, _AT_ONCE),
            vocoder=closeness[0],
            model=closeness[1],
            model_and_vocoder=closeness[2],
            kl_nats=math.fsum(nats),
            kl_bits_per_s=math.fsum(nats) / math.log(2.0) / profile.data.segment_length,
            kl_per_dim=tuple(nats),
            active_units=active_units(posterior.mu.float().cpu()),
            latent_dim=model.latent_dim,
            sparsity=sparsity(posterior.mu.float().cpu()),
            principal_shares=principal_shares(mu) if enough else {},
            tells_apart=tell_apart(mu, self._metadata(), tracks),
            smoothness=smoothness(model, posterior.mu, mel, tracks, profile.run.seed),
            draws=judge_draws(
                model.sample(noise.to(self._device)), mel, learnt, profile.audio.dynamic_range_db, profile.run.seed
            )
            if enough
            else None,
        )

    def _samples(self, most: int = _SEEN) -> list[Tensor]:
        """Held-out segments as float samples, (≤ 16, samples) each."""
        parts = []
        for first in range(0, min(most, len(self._held_out)), _AT_ONCE):
            if self._stopped():
                raise StoppedError
            pcm = self._held_out.batch(first, min(_AT_ONCE, most - first))
            parts.append(torch.from_numpy(pcm).to(self._device).float() / 32768.0)
        return parts

    def _closeness(self, posterior: Posterior) -> tuple[Closeness, Closeness, Closeness]:
        """The three columns: the vocoder alone, the model in the mel domain, both."""
        profile, features = self._profile, self._ears.features
        chosen = np.linspace(0, len(self._held_out), min(_HEARD, len(self._held_out)), endpoint=False).astype(int)
        self._journal.log(f"rendering {len(chosen)} of them, once from their own mels and once from the model's")
        places = [self._held_out.places[index] for index in chosen]
        pcm = np.stack([cached.read(start, self._held_out.segment_samples) for cached, start in places])
        original = torch.from_numpy(pcm).to(self._device).float() / 32768.0
        mel = features(original)
        decoded = torch.cat([self._model.decode(mu).float() for mu in torch.split(posterior.mu[chosen], _AT_ONCE)])
        sounds = []
        for mels in (mel, decoded):
            parts = []
            for part in torch.split(mels, _AT_ONCE):
                if self._stopped():
                    raise StoppedError
                steps = profile.evaluation.griffin_lim_steps
                parts.append(mel_to_sound(part, features, original.shape[1], steps, profile.run.seed))
            sounds.append(torch.cat(parts))
        return (
            self._ears.compare_sounds(original, sounds[0]),
            self._ears.compare_mels(mel, decoded),
            self._ears.compare_sounds(original, sounds[1]),
        )

    def _training_mels(self) -> Tensor:
        chosen = self._training.spread(_SEEN)
        starts = self._training.epoch_starts(0)
        mels = []
        for first in range(0, len(chosen), _AT_ONCE):
            if self._stopped():
                raise StoppedError
            pcm = self._training.batch(chosen[first : first + _AT_ONCE], starts)[:, : self._profile.segment_samples]
            mels.append(self._ears.features(torch.from_numpy(pcm).to(self._device)))
        return torch.cat(mels)

    def _metadata(self) -> dict[str, NDArray[np.str_]]:
        tracks = [cached.track for cached, _ in self._held_out.places]
        known = {label: np.array([track.metadata.get(label, "") for track in tracks]) for label in LABELS}
        return {**known, "source": np.array([track.source for track in tracks])}


def _tracks_of(segments: ValidationSegments) -> list[CachedTrack]:
    return list({cached.track.title: cached for cached, _ in segments.places}.values())


def _weights_of(source: Source) -> dict[str, Tensor]:
    if source.export is not None:
        exported: dict[str, Tensor] = source.export["model"]
        return exported
    assert source.checkpoint is not None
    return source.checkpoint.judged_weights()


def _place_of(source: Source) -> tuple[int, int]:
    if source.export is not None:
        return source.export["step"], source.export["epoch"]
    assert source.checkpoint is not None
    return source.checkpoint.step, position_of(source.checkpoint)["epoch"]


def _name_of(source: Source, point: ResumePoint) -> str:
    return str(point.export or (source.checkpoint and source.checkpoint.path))


def _profile_of(source: Source, point: ResumePoint) -> Profile:
    if source.export is not None:
        name = str(point.export)
        return put_together(name, [read_recorded(source.export["profile"], name)])
    assert source.checkpoint is not None
    return load(source.checkpoint.profile)
