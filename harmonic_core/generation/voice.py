"""A model with ears and a mouth: sound of latents, of one segment or of hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.audio.vocoder import Refine, griffin_lim, limit, mel_to_magnitude, mel_to_sound, soften_edges
from harmonic_core.evaluation.validation import posterior_of
from harmonic_core.generation.fading import cut_off, fade, stretches
from harmonic_core.model.vae import VAE, Posterior

_AT_ONCE = 16
_OVERLAP = 1 / 3
_STRETCH = 320
"""Frames that are rendered at once: on a CPU what they need stays near its cache."""
_UNSURE = 16
"""Frames at the end of a stretch that are rendered anew in the next, for here they lack what comes after them."""
_SHARED = 16
"""Frames, or two windows, whichever is longer, in which a stretch goes on from the one before."""
_SILENCE = 1e-12


@dataclass(frozen=True)
class Voice:
    """A model with ears and a mouth: latents become sound, and mels become latents.

    Attributes
    ----------
    model
        Any.
    features
        Its analysis, on its device.
    refine
        A part of the vocoder; see `mel_to_sound`.
    offset
        What to add to its mels for them to be as loud as music; see `level_offset`.
    samples
        Length of a segment.
    steps
        Griffin-Lim iterations.
    seed
        Decides the vocoder's first phase.
    """

    model: VAE
    features: LogMel
    refine: Refine | None
    offset: float
    samples: int
    steps: int
    seed: int

    @torch.no_grad()
    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of normalised log-mels, (n, n_mels, frames), on the CPU."""
        found = [posterior_of(self.model, part.to(self._device)) for part in torch.split(mel, _AT_ONCE)]
        mu, logvar = (torch.cat([each[place].float().cpu() for each in found]) for place in (0, 1))
        return Posterior(mu, logvar)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Mels of latents, (n, latent_dim), as loud as music: (n, n_mels, frames), on the device of the model."""
        was_training = self.model.training
        self.model.eval()
        mels = [self.model.decode(part.to(self._device)).float() for part in torch.split(latents, _AT_ONCE)]
        self.model.train(was_training)
        return torch.cat(mels) + self.offset

    def sound(self, latent: Tensor) -> NDArray[np.float32]:
        """One segment of sound, (samples,) in [−1, 1], of one latent, (latent_dim,)."""
        return self._render(self.decode(latent.unsqueeze(0)))

    def sound_of_mel(self, mel: Tensor) -> NDArray[np.float32]:
        """Sound, (samples,) in [−1, 1], of a normalised log-mel, (n_mels, frames)."""
        return self._render(mel.unsqueeze(0).to(self._device))

    def continuous(self, latents: Tensor, overlap: float = _OVERLAP) -> tuple[NDArray[np.float32], list[float]]:
        """One sound in which segments of latents, (n, latent_dim), follow each other, the next faded into the last.

        Parameters
        ----------
        latents : (n, latent_dim)
            At least one.
        overlap
            Share of a segment in which the next begins, 0 to ½.

        Returns
        -------
        (samples,)
            In [−1, 1].
        starts
            Where in it each segment begins, as a share of the whole.
        """
        faded = min(round(self.frames * overlap), self.frames // 2)
        starts = [index * (self.frames - faded) for index in range(len(latents))]
        samples = starts[-1] * self.features.hop_length + self.samples
        parts = list(self.render(self.mels([(starts, latents)], faded), lambda: samples))
        sound = limit(torch.from_numpy(np.concatenate(parts)).unsqueeze(0), self.features.hop_length // 4)
        rendered: NDArray[np.float32] = soften_edges(sound, self.features.n_fft // 64)[0].numpy()
        return rendered, [start * self.features.hop_length / samples for start in starts]

    def mels(
        self, placed: Iterable[tuple[Sequence[int], Tensor]], faded: int, *, alike: bool = False
    ) -> Iterator[Tensor]:
        """Mels of segments that overlap, one faded into the other, however many.

        They are faded before there is any sound: no phases that cancel, no clicks.

        Parameters
        ----------
        placed
            First frames of some segments, and their latents, (n, latent_dim).
        faded
            Over how many frames; see `fade`.
        alike
            Whether segments tell of the same music where they overlap, as those of one file do: then the mean of both
            in dB errs least. Of what is not alike the mean in dB would be too soft: powers are added, each relative to
            the level of its segment, and the level goes evenly, in dB, from that of the one to that of the other.

        Yields
        ------
        (n_mels, frames)
            Normalised.
        """
        features = self.features
        edge = -(-features.n_fft // (2 * features.hop_length))
        if alike:
            yield from fade(self._decoded(placed), faded, edge)
            return
        levelled = ((start, _level_apart(features.mel_power(mel))) for start, mel in self._decoded(placed))
        for each in fade(levelled, faded, edge):
            power = each[:-1] * each[-1].exp()
            yield features.from_bands(power.T.unsqueeze(0))[0]

    def _decoded(self, placed: Iterable[tuple[Sequence[int], Tensor]]) -> Iterator[tuple[int, Tensor]]:
        for starts, latents in placed:
            yield from zip(starts, self.decode(latents), strict=True)

    @torch.no_grad()
    def render(self, mels: Iterable[Tensor], samples: Callable[[], int | None]) -> Iterator[NDArray[np.float32]]:
        """Sound of mels that follow each other, as it comes: as if rendered at once, in memory for half a minute.

        A stretch is rendered in phase with the sound of the one before, and takes it over while both say the same.

        Parameters
        ----------
        mels : (n_mels, frames) each
            Normalised.
        samples
            Length of the whole, asked whenever mels come; None while that is not known. Frames beyond it are left out.

        Yields
        ------
        (samples,)
            Parts of one sound. Its peaks may be above 1, and neither its beginning nor its end is softened.
        """
        hop = self.features.hop_length
        shared = max(_SHARED, -(-2 * self.features.n_fft // hop))
        advance = max(1, _STRETCH - shared - _UNSURE)
        generator = torch.Generator().manual_seed(self.seed)
        before: Tensor | None = None
        done = 0
        stream = cut_off(mels, lambda: None if (count := samples()) is None else 1 + count // hop)
        for mel, is_last in stretches(stream, advance + shared + _UNSURE, advance):
            magnitude = mel_to_magnitude(mel.unsqueeze(0).to(self._device), self.features, self.refine)
            count = (samples() or 0) - done if is_last else mel.shape[1] * hop - 1
            sound = griffin_lim(magnitude, self.features, count, self.steps, generator, before)
            before = sound[:, advance * hop :][:, : shared * hop]
            done += advance * hop
            yield sound[0, : count if is_last else advance * hop].cpu().numpy()

    def _render(self, mel: Tensor) -> NDArray[np.float32]:
        sound = mel_to_sound(mel, self.features, self.samples, self.steps, self.seed, self.refine)
        rendered: NDArray[np.float32] = sound[0].cpu().numpy()
        return rendered

    @property
    def frames(self) -> int:
        """Frames of a segment."""
        return 1 + self.samples // self.features.hop_length

    @property
    def _device(self) -> torch.device:
        return self.features.window.device


def _level_apart(power: Tensor) -> Tensor:
    """Powers, (bands, frames), relative to their mean, and its logarithm in every frame: (bands + 1, frames)."""
    level = power.mean().clamp_min(_SILENCE)
    return torch.cat((power / level, level.log().expand(1, power.shape[1])))
