"""A trained model for Python programs: NumPy in, NumPy out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike

from harmonic_core.errors import DataError, HarmonicError
from harmonic_core.generation import Way, cloud_of, noise, prior, walk
from harmonic_core.model.vae import Posterior
from harmonic_core.sharing.given_audio import Audio, Values, array_of, rows_of
from harmonic_core.sharing.opened import Opened, open_model

_AT_ONCE = 16


class HarmonicVAE:
    """A trained model. The same calls give the same numbers; what cannot be done raises a `HarmonicError`.

    Parameters
    ----------
    opened
        The model; `HarmonicVAE.load` opens one.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        # Whether its music is at hand must not change how loud it is.
        self._voice = replace(opened.voice(), offset=0.0)

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str | None = None) -> HarmonicVAE:
        """Open a run (its newest checkpoint), a checkpoint, a `.pt` of a run, or anything that `harmonic export` wrote.

        Parameters
        ----------
        path
            Path, or the name of a run below `runs/` or `output/`.
        device
            `auto`, `cpu`, `cuda` or `mps`. Default: what the profile says.
        """
        return cls(open_model(os.fspath(path), device))

    @property
    def sample_rate(self) -> int:
        """Of all sound, in Hz."""
        return self._opened.trained.profile.audio.sample_rate

    @property
    def latent_dim(self) -> int:
        """Numbers in the latent of a segment."""
        return self._opened.trained.model.latent_dim

    @property
    def segment_samples(self) -> int:
        """Samples of a segment."""
        return self._voice.samples

    @property
    def segment_seconds(self) -> float:
        """Length of a segment in seconds."""
        return self._voice.samples / self.sample_rate

    @property
    def genres(self) -> tuple[str, ...]:
        """Genres that `sample` can be asked for. Of a run its music is needed; empty where that is not known."""
        try:
            return tuple(sorted({genre for genre in self._opened.latents().labels.get("genre", []) if genre}))
        except HarmonicError:
            return ()

    def encode(self, audio: Audio) -> Values:
        """Latents of sound: posterior means, (n, latent_dim).

        Every row of the audio is cut into segments, one after the other; the last is filled up with silence. Those of
        the first row come first: a batch of segments gives a latent each.
        """
        return self.posterior(audio)[0]

    def posterior(self, audio: Audio) -> tuple[Values, Values]:
        """Means and log variances, (n, latent_dim) each, of the segments that `encode` cuts."""
        sound, segment = rows_of(audio, self.sample_rate), self.segment_samples
        missing = -sound.shape[1] % segment
        found = self._encode(np.pad(sound, ((0, 0), (0, missing))).reshape(-1, segment))
        return found.mu.numpy(), found.logvar.numpy()

    def decode(self, latents: ArrayLike) -> Values:
        """Sound of latents, (n, latent_dim) or (latent_dim,): a segment each, (n, segment_samples) in [−1, 1]."""
        given = array_of(latents, "latents")
        if given.ndim not in {1, 2} or given.shape[-1] != self.latent_dim or given.dtype.kind not in "fiu":
            raise DataError(f"latents of shape {given.shape}: give numbers, (…, {self.latent_dim}) of one axis or two")
        places = torch.from_numpy(np.array(given, np.float32, ndmin=2))
        if not places.isfinite().all():
            raise DataError("latents that hold what is no number")
        sounds = [self._voice.sound(place) for place in places]
        return np.stack(sounds).reshape(*given.shape[:-1], self.segment_samples) if sounds else self._nothing()

    def reconstruct(self, audio: Audio) -> Values:
        """Sound as the model gives it back, shaped as it came: (samples,) or (batch, samples).

        Segments overlap by half and are faded into each other before they are heard, so that no border is.
        """
        sound = rows_of(audio, self.sample_rate)
        rows = np.stack([self._through(row) for row in sound])
        is_batch = not isinstance(audio, str | os.PathLike) and np.ndim(audio) == 2
        return rows if is_batch else rows[0]

    def sample(self, n: int = 1, temperature: float = 1.0, seed: int = 0, genre: str | None = None) -> Values:
        """New sound: (n, segment_samples) in [−1, 1].

        Parameters
        ----------
        n
            How many; the first are the same, however many there are.
        temperature
            Scales the deviation, at least 0: less is more usual.
        seed
            Decides everything, 0 or more.
        genre
            Draw from where this genre of its music lies, instead of from the prior.
        """
        if n < 0 or seed < 0 or not 0.0 <= temperature < float("inf"):
            raise DataError(f"n {n}, seed {seed}, temperature {temperature}: give none below 0")
        cloud = prior(self.latent_dim)
        if genre is not None:
            latents = self._opened.latents()
            cloud = cloud_of(latents.of("genre", genre), latents.deviation)
        drawn = [noise(cloud.noise_size, seed, number, 0) for number in range(n)]
        return self.decode(cloud.latents(torch.stack(drawn), temperature).numpy()) if drawn else self._nothing()

    def interpolate(self, a: Audio, b: Audio, steps: int = 8, way: Way = "spherical") -> Values:
        """Sound on the way from one place to another, both included: (steps, segment_samples) in [−1, 1].

        Parameters
        ----------
        a, b
            Latents, (latent_dim,), or audio, of which the first segment counts.
        steps
            At least two.
        way
            `spherical` or `linear`.
        """
        if steps < 2 or way not in {"spherical", "linear"}:
            raise DataError(f"steps {steps}, way {way!r}: give two steps or more, and the way spherical or linear")
        ends = [torch.from_numpy(self._place(each)) for each in (a, b)]
        return self.decode(walk(ends[0], ends[1], steps, way).numpy())

    def _place(self, given: Audio) -> Values:
        if not isinstance(given, str | os.PathLike):
            values = array_of(given, "a place")
            if values.shape == (self.latent_dim,) and values.dtype.kind in "fiu":
                return values.astype(np.float32)
        place: Values = self.encode(rows_of(given, self.sample_rate)[0][: self.segment_samples])[0]
        return place

    def _padded(self, row: Values) -> Values:
        return np.pad(row, (0, max(0, self.segment_samples - len(row))))

    @torch.no_grad()
    def _encode(self, segments: Values) -> Posterior:
        device = self._voice.features.window.device
        parts = torch.split(torch.from_numpy(np.ascontiguousarray(segments)), _AT_ONCE)
        found = [self._voice.encode(self._voice.features(part.to(device))) for part in parts]
        return Posterior(*(torch.cat([each[place] for each in found]) for place in (0, 1)))

    def _through(self, row: Values) -> Values:
        voice, hop = self._voice, self._voice.features.hop_length
        padded, overlap = self._padded(row), self._voice.frames // 2
        last = (len(padded) // hop + 1 - voice.frames) if len(padded) > self.segment_samples else 0
        starts = sorted({*range(0, last, voice.frames - overlap), last})

        def placed() -> Iterator[tuple[list[int], torch.Tensor]]:
            for first in range(0, len(starts), _AT_ONCE):
                some = starts[first : first + _AT_ONCE]
                cut = [self._padded(padded[start * hop :][: self.segment_samples]) for start in some]
                yield some, self._encode(np.stack(cut)).mu

        sound: Values = np.concatenate(list(voice.render(voice.mels(placed(), overlap, alike=True), lambda: len(row))))
        return sound[: len(row)].clip(-1.0, 1.0)

    def _nothing(self) -> Values:
        return np.zeros((0, self.segment_samples), np.float32)
