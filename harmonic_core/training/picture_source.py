"""What the pictures of a run show, gathered from the model in moments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harmonic_core.audio.features import LogMel
from harmonic_core.data.segments import TrainingSegments, ValidationSegments
from harmonic_core.evaluation.picture_data import PictureData
from harmonic_core.evaluation.validation import mean_deviation, posterior_of, typical_segments
from harmonic_core.model.vae import VAE, Posterior
from harmonic_core.profile.mel_bands import hz_from_mel, mel_from_hz
from harmonic_core.profile.sections import Audio, Evaluation
from harmonic_core.text import plain

_MOST_ITEMS = 4
_MOST_PRIORS = 8
_MOST_ON_THE_MAP = 400
_MOST_FRAMES = 1000
_ENCODED_AT_ONCE = 16


@dataclass(frozen=True)
class PictureSource:
    """Gathers what the pictures show: the items that are also rendered as sounds, and latents of held-out segments.

    Attributes
    ----------
    features
        The analysis that the model sees.
    segments
        Validation segments; may be none.
    training
        What the model is trained on: it votes on the genres of validation segments. None where there are none of those.
    evaluation
        How many samples and reconstructions are rendered; the pictures show the first of them.
    audio
        What the axes mean.
    seed
        Decides the prior's noise, as for the sounds.
    """

    features: LogMel
    segments: ValidationSegments
    training: TrainingSegments | None
    evaluation: Evaluation
    audio: Audio
    seed: int

    @torch.no_grad()
    def gather(self, model: VAE, epoch: int) -> PictureData:
        """Everything that is shown of `model` after `epoch` epochs; model and random numbers stay as they were."""
        items = self._evenly(self.evaluation.reconstructions)[:_MOST_ITEMS]
        originals = self._mels(items)
        reconstructions = model.decode(posterior_of(model, originals).mu) if len(items) else originals
        on_the_map = self._evenly(_MOST_ON_THE_MAP)
        posterior = self._latents(model, [self._mels(part) for part in _parts(on_the_map)])
        tracks = [self.segments.places[index][0].track for index in on_the_map]
        asked = self.training if len(on_the_map) else None
        learnt = self._latents(model, self._learnt_mels(asked)) if asked else None
        learnt_tracks = [asked.track_of(int(index)).track for index in _learnt(asked)] if asked else []
        deviation = mean_deviation(posterior) if len(on_the_map) else posterior.mu.new_ones(model.latent_dim)
        # Of a long segment a picture has no room for every frame.
        together = -(-originals.shape[2] // _MOST_FRAMES)
        frames = -(-originals.shape[2] // together)
        return PictureData(
            epoch=epoch,
            seconds=(np.arange(frames, dtype=np.float32) + 0.5 * (together - 1) / together)
            * np.float32(together * self.audio.hop_length / self.audio.sample_rate),
            hertz=self._band_centres(),
            top_db=self.audio.top_db,
            dynamic_range_db=self.audio.dynamic_range_db,
            originals=_small(originals, together),
            reconstructions=_small(reconstructions, together),
            titles=_words(self._title(index) for index in items),
            priors=_small(self._priors(model), together),
            mu=(posterior.mu / deviation).numpy(),
            genres=_words(plain(track.metadata.get("genre", "")) for track in tracks),
            tracks=_words(track.label for track in tracks),
            learnt_mu=(learnt.mu if learnt else posterior.mu[:0]).div(deviation).numpy(),
            learnt_genres=_words(plain(track.metadata.get("genre", "")) for track in learnt_tracks),
            learnt_tracks=_words(track.label for track in learnt_tracks),
        )

    def _latents(self, model: VAE, mels: Iterable[Tensor]) -> Posterior:
        """Posteriors on the CPU, (segments, latent_dim) each."""
        found = [posterior_of(model, mel) for mel in mels]
        empty = torch.zeros((0, model.latent_dim))
        mu, logvar = (torch.cat([empty, *(each[place].float().cpu() for each in found)]) for place in (0, 1))
        return Posterior(mu, logvar)

    def _learnt_mels(self, training: TrainingSegments) -> Iterator[Tensor]:
        starts = training.epoch_starts(0)
        for part in _parts(_learnt(training)):
            pcm = training.batch(part, starts)[:, : training.segment_samples]
            yield self.features(torch.from_numpy(pcm).to(self.features.window.device))

    def _evenly(self, most: int) -> NDArray[np.int64]:
        return np.linspace(0, len(self.segments), min(most, len(self.segments)), endpoint=False).astype(np.int64)

    def _mels(self, chosen: NDArray[np.int64]) -> Tensor:
        device = self.features.window.device
        samples = [self.segments.batch(int(index), 1) for index in chosen]
        if not samples:
            frames = 1 + self.segments.segment_samples // self.audio.hop_length
            return torch.zeros((0, self.audio.n_mels, frames), device=device)
        mels: Tensor = self.features(torch.from_numpy(np.concatenate(samples)).to(device))
        return mels

    def _priors(self, model: VAE) -> Tensor:
        count = self.evaluation.prior_samples
        noise = torch.randn((count, model.latent_dim), generator=torch.Generator().manual_seed(self.seed))
        if not count:
            return self._mels(np.zeros(0, np.int64))
        model.eval()
        mels = model.sample(noise[:_MOST_PRIORS].to(self.features.window.device))
        model.train()
        return mels

    def _title(self, index: int) -> str:
        cached, start = self.segments.places[index]
        return f"{cached.track.label} at {start / self.audio.sample_rate:.0f} s"

    def _band_centres(self) -> NDArray[np.float32]:
        low, high = mel_from_hz(self.audio.f_min), mel_from_hz(self.audio.f_max or self.audio.sample_rate / 2)
        mels = np.linspace(low, high, self.audio.n_mels + 2)[1:-1]
        return np.array([hz_from_mel(mel) for mel in mels], dtype=np.float32)


def _learnt(training: TrainingSegments) -> NDArray[np.int64]:
    return typical_segments(training, _MOST_ON_THE_MAP)


def _parts(chosen: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [chosen[first : first + _ENCODED_AT_ONCE] for first in range(0, len(chosen), _ENCODED_AT_ONCE)]


def _small(mels: Tensor, together: int) -> NDArray[np.float16]:
    """Mels (items, n_mels, frames) with so many frames averaged into one."""
    if together > 1 and len(mels):
        mels = functional.avg_pool1d(mels.float(), together, ceil_mode=True)
    small: NDArray[np.float16] = mels.float().cpu().numpy().astype(np.float16)
    return small


def _words(texts: Iterable[str]) -> NDArray[np.str_]:
    return np.array(list(texts), dtype=np.str_)
