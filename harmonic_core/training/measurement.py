"""Everything that can be said of a trained model: how near, how ordered, how alive; as thoroughly as time allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.vocoder import Refine, mel_to_sound
from harmonic_core.data.cache import CachedTrack
from harmonic_core.data.segments import TrainingSegments, ValidationSegments, spread_evenly
from harmonic_core.evaluation.closeness import Ears, Tally
from harmonic_core.evaluation.draws import judge_draws
from harmonic_core.evaluation.latent_space import LABELS, principal_shares, smoothness, tell_apart
from harmonic_core.evaluation.level import level_offset
from harmonic_core.evaluation.musicality import estimate_keys, mean_chroma, musicality
from harmonic_core.evaluation.validation import active_units, mean_deviation, sparsity, typical_segments
from harmonic_core.model.loss import kl_per_dim
from harmonic_core.model.vae import VAE, Posterior
from harmonic_core.profile.sections import Profile
from harmonic_core.run.evaluations import Closeness, Musicality, Report, Telling
from harmonic_core.training.signals import StoppedError

MOST_SEGMENTS = 512
"""Most segments whose latents and mels are looked at."""
_HEARD = 64
"""Most of them that are rendered, the slow part."""
_DRAWN = 64
_DRAWN_HEARD = 16
_USUAL = 64
_ENCODED_AT_ONCE = 16
_RENDERED_AT_ONCE = 4
_PROBE_S = 3.0
"""Telling labels apart takes about so long at its first call, most of it to import a library; then hardly any time."""


@dataclass
class Budget:
    """Time for a measurement; parts of it say until when they may go on.

    Attributes
    ----------
    seconds
        All of it; infinite where only thoroughness counts.
    stopped
        Whether somebody wants an end.
    """

    seconds: float = math.inf
    stopped: Callable[[], bool] = lambda: False
    _began: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def allows(self, share: float) -> bool:
        """Whether less than this share is spent.

        Raises
        ------
        StoppedError
            If it was `stopped`.
        """
        if self.stopped():
            raise StoppedError
        return self.spent_s < share * self.seconds


class _Looked(NamedTuple):
    """What is known of segments that were looked at."""

    tracks: Sequence[CachedTrack]
    mel: Tensor
    folded: Tensor
    """(segments, 12) mean chromas."""
    mu: NDArray[np.float32]
    """(segments, latent_dim) posterior means, in deviations of the posterior."""


@dataclass(frozen=True)
class Measurement:
    """Measures models on music that they were not trained on. Nothing is written, no random number is taken.

    Attributes
    ----------
    profile
        That of the models.
    ears
        Compares, on the device of the models.
    training
        What they were trained on; None where that is not at hand: samples are then compared with the held-out music.
    held_out
        At least one segment.
    mean_spectrum_db
        Error of always answering with the mean spectrum.
    """

    profile: Profile
    ears: Ears
    training: TrainingSegments | None
    held_out: ValidationSegments
    mean_spectrum_db: float

    @torch.no_grad()
    def report(
        self,
        model: VAE,
        refine: Refine | None,
        budget: Budget,
        *,
        weights: str,
        step: int,
        epoch: int,
        music: str,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Report:
        """Measure one model.

        Where time is short fewer segments are looked at, never fewer than a handful, spread evenly over all.

        Parameters
        ----------
        model
            In any mode, and left as it was.
        refine
            Part of the vocoder; see `mel_to_sound`.
        budget
            Time for it.
        weights, step, epoch, music
            What the report says of where it comes from.
        tell
            Gets to know what goes on.

        Raises
        ------
        StoppedError
            If the budget's `stopped` says so.
        """
        was_training = model.training
        model.eval()
        try:
            return self._report(model, refine, budget, weights, step, epoch, music, tell)
        finally:
            model.train(was_training)

    def _report(
        self,
        model: VAE,
        refine: Refine | None,
        budget: Budget,
        weights: str,
        step: int,
        epoch: int,
        music: str,
        tell: Callable[[str], None],
    ) -> Report:
        profile, seed = self.profile, self.profile.run.seed
        range_db = profile.audio.dynamic_range_db
        tell(f"encoding {min(MOST_SEGMENTS, len(self.held_out))} held-out segments")
        seen, mel, folded, posterior = self._encode(model, budget)
        deviation = mean_deviation(posterior)
        mu = (posterior.mu / deviation).float().cpu().numpy()
        places = [self.held_out.places[index] for index in seen]
        tracks = np.array([cached.track.title for cached, _ in places])
        nats = kl_per_dim(posterior).tolist()
        learnt = self._learn(model, deviation, budget)
        told = self._tell_apart(_Looked([cached for cached, _ in places], mel, folded, mu), learnt, budget)
        tell(f"rendering {min(_HEARD, len(seen))} of them, once from their own mels and once from the model's")
        # By music that was trained on, where it is at hand: what is measured must not be made to fit.
        usual = (mel if learnt is None else learnt.mel)[:_USUAL]
        offset = level_offset(model, self.ears.features, profile.audio, torch.split(usual, _ENCODED_AT_ONCE))
        heard, closeness, originals = self._closeness(model, refine, posterior, offset, seen, budget)
        noise = torch.randn((_DRAWN, model.latent_dim), generator=torch.Generator().manual_seed(seed))
        drawn = torch.cat([model.sample(part.to(mel.device)) for part in torch.split(noise, _ENCODED_AT_ONCE)])
        enough = len(mel) >= 2
        return Report(
            weights=weights,
            step=step,
            epoch=epoch,
            music=music,
            segments=len(mel),
            heard=heard,
            mean_spectrum_db=self.mean_spectrum_db,
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
            draws=judge_draws(drawn, mel, learnt.mel if learnt else None, range_db, seed) if enough else None,
            samples_music=self._music_of_samples(drawn[:_DRAWN_HEARD] + offset, refine, heard, budget),
            held_out_music=self._music_of(originals),
            smoothness=smoothness(model, posterior.mu, mel, tracks, seed),
            tells_apart=told,
            seconds=round(budget.spent_s, 3),
        )

    def _encode(self, model: VAE, budget: Budget) -> tuple[NDArray[np.int64], Tensor, Tensor, Posterior]:
        """Segments that were looked at, by number; their mels, mean chromas and posteriors."""
        order = spread_evenly(len(self.held_out))[:MOST_SEGMENTS]
        mels: list[Tensor] = []
        folded: list[Tensor] = []
        posteriors: list[Posterior] = []
        for first in range(0, len(order), _ENCODED_AT_ONCE):
            if not budget.allows(0.2) and mels:
                break
            mel, chroma = self._analyse(self._read(order[first : first + _ENCODED_AT_ONCE]))
            mels.append(mel)
            folded.append(chroma)
            posteriors.append(model.encode(mel))
        mel = torch.cat(mels)
        mu, logvar = (torch.cat(parts) for parts in zip(*posteriors, strict=True))
        return order[: len(mel)], mel, torch.cat(folded), Posterior(mu, logvar)

    def _closeness(
        self,
        model: VAE,
        refine: Refine | None,
        posterior: Posterior,
        offset: float,
        seen: NDArray[np.int64],
        budget: Budget,
    ) -> tuple[int, tuple[Closeness, Closeness, Closeness], Tensor]:
        """How many were rendered; the vocoder alone, the model in the mel domain, both; and the originals."""
        tallies = (Tally(), Tally(), Tally())
        originals: list[Tensor] = []
        most = min(_HEARD, len(seen))
        for first in range(0, most, _RENDERED_AT_ONCE):
            if not budget.allows(0.8) and originals:
                break
            part = slice(first, min(first + _RENDERED_AT_ONCE, most))
            original = self._read(seen[part])
            mel, decoded = self.ears.features(original), model.decode(posterior.mu[part]).float()
            tallies[0].add(self.ears.compare_sounds(original, self._render(mel, refine)), len(original))
            tallies[1].add(self.ears.compare_mels(mel, decoded), len(original))
            tallies[2].add(self.ears.compare_sounds(original, self._render(decoded + offset, refine)), len(original))
            originals.append(original)
        vocoder, in_mels, heard = (tally.mean() for tally in tallies)
        return sum(map(len, originals)), (vocoder, in_mels, heard), torch.cat(originals)

    def _render(self, mel: Tensor, refine: Refine | None) -> Tensor:
        steps, seed = self.profile.evaluation.griffin_lim_steps, self.profile.run.seed
        return mel_to_sound(mel, self.ears.features, self.profile.segment_samples, steps, seed, refine)

    def _music_of_samples(self, drawn: Tensor, refine: Refine | None, heard: int, budget: Budget) -> Musicality:
        sounds: list[Tensor] = []
        for mel in torch.split(drawn[: max(1, heard)], _RENDERED_AT_ONCE):
            if not budget.allows(0.9) and sounds:
                break
            sounds.append(self._render(mel, refine))
        return self._music_of(torch.cat(sounds))

    def _music_of(self, sounds: Tensor) -> Musicality:
        return musicality(sounds, self.ears.features, self.ears.chroma_bank, self.profile.audio.sample_rate)

    def _learn(self, model: VAE, deviation: Tensor, budget: Budget) -> _Looked | None:
        """Segments that were trained on."""
        if self.training is None:
            return None
        mels: list[Tensor] = []
        folded: list[Tensor] = []
        means: list[Tensor] = []
        chosen = typical_segments(self.training, MOST_SEGMENTS)
        starts = self.training.epoch_starts(0)
        for first in range(0, len(chosen), _ENCODED_AT_ONCE):
            if not budget.allows(0.35) and mels:
                break
            pcm = self.training.batch(chosen[first : first + _ENCODED_AT_ONCE], starts)
            mel, chroma = self._analyse(self._as_float(pcm[:, : self.training.segment_samples]))
            mels.append(mel)
            folded.append(chroma)
            means.append((model.encode(mel).mu / deviation).float())
        mel = torch.cat(mels)
        tracks = [self.training.track_of(int(index)) for index in chosen[: len(mel)]]
        return _Looked(tracks, mel, torch.cat(folded), torch.cat(means).cpu().numpy())

    def _tell_apart(self, asked: _Looked, learnt: _Looked | None, budget: Budget) -> dict[str, Telling]:
        if budget.seconds < _PROBE_S:
            return {}
        judges = [asked, *([learnt] if learnt else [])]
        tracks = [cached.track for each in judges for cached in each.tracks]
        titles = np.array([track.title for track in tracks])
        labels = {label: np.array([track.metadata.get(label, "") for track in tracks]) for label in LABELS}
        if not labels["key"].any():
            labels["key"] = estimate_keys(torch.cat([each.folded for each in judges]), titles)
        labels["source"] = np.array([track.source for track in tracks])
        mu = np.concatenate([each.mu for each in judges])
        return tell_apart(mu, labels, titles, np.arange(len(mu)) < len(asked.mu) if learnt else None)

    def _analyse(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Mels and mean chromas."""
        power = self.ears.features.power(samples)
        return self.ears.features.from_power(power), mean_chroma(power, self.ears.chroma_bank)

    def _read(self, chosen: NDArray[np.int64]) -> Tensor:
        """Held-out segments by number, as float samples: (len(chosen), samples)."""
        places = [self.held_out.places[index] for index in chosen]
        return self._as_float(np.stack([cached.read(start, self.held_out.segment_samples) for cached, start in places]))

    def _as_float(self, pcm: NDArray[np.int16]) -> Tensor:
        return torch.from_numpy(pcm).to(self.ears.chroma_bank.device).float() / 32768.0
