"""The best linear code of music: principal components of its mel bands at every rate of change."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_FREQUENCIES = 64
_LEAST_DEVIATION = 0.05
"""Below this a component carries less than the noise that a code can afford, and would only be blown up."""
_REACH_OF_BANDS = 16.0
_ROUNDS = 2
_ORDINARY = 0.08
"""A rest, in normalised dB, from which on weights fall."""


class PrincipalCode(nn.Module):
    """Linear analysis and synthesis of spectrograms: the Karhunen–Loève transform of stationary music.

    Of music that may begin anywhere, the principal components over bands and time fall apart into a cosine transform
    over time (Ahmed, Natarajan & Rao 1974) and, for each of its frequencies, principal components over bands. So a few
    hundred segments are enough to find them, where those of whole segments would be learnt by heart. Components are
    scaled to a deviation of one: what is expected of a latent under the prior. They stay what they are: trained on,
    they fitted the training music better and all other music worse.

    Parameters
    ----------
    n_mels, frames
        Shape of a spectrogram.
    latent_dim
        Numbers in the code.
    parts
        Stretches of time with a code of their own, one after the other; divides `latent_dim`.
    """

    component: Tensor
    cosines: Tensor
    frequency: Tensor
    deviation: Tensor

    def __init__(self, n_mels: int, frames: int, latent_dim: int, parts: int = 1) -> None:
        super().__init__()
        self.n_mels, self.frames, self.parts = n_mels, frames, parts
        self.part_frames = -(-frames // parts)
        self.size = latent_dim // parts
        count = min(self.part_frames, max(_FREQUENCIES, -(-self.size // n_mels)))
        self.register_buffer("cosines", cosine_transform(count, self.part_frames), persistent=False)
        self.register_buffer("frequency", torch.zeros(self.size, dtype=torch.int64))
        self.register_buffer("deviation", torch.ones(self.size))
        self.register_buffer("component", torch.zeros(self.size, n_mels))
        if not self.component.is_meta:
            self._take(_covariance_of_smooth_music(count, n_mels))

    @torch.no_grad()
    def begin_with(self, mels: Sequence[Tensor]) -> None:
        """Take the components of the largest variance.

        Parameters
        ----------
        mels : (segments, n_mels, frames) each
            Of a mean of zero; at least one segment.
        """
        covariance = torch.zeros((len(self.cosines), self.n_mels, self.n_mels), dtype=torch.float64)
        count = 0
        for mel in mels:
            transformed = self._transformed(mel).cpu().double().transpose(0, 1)
            covariance += transformed.transpose(1, 2) @ transformed
            count += transformed.shape[1]
        self._take(covariance / count)

    def _take(self, covariance: Tensor) -> None:
        variance, vectors = torch.linalg.eigh(covariance)
        flat = variance.flatten()
        # A code of more numbers than there are leaves the rest unused.
        chosen = flat.argsort(descending=True, stable=True)[: self.size]
        frequency, number = chosen // self.n_mels, chosen % self.n_mels
        kept = vectors[frequency, :, number].float()
        # An eigenvector's sign is the library's whim.
        kept = kept * kept.gather(1, kept.abs().argmax(dim=1, keepdim=True)).sign()
        count = len(chosen)
        self.frequency[:count] = frequency.to(self.frequency.device)
        self.deviation[:count] = flat[chosen].clamp_min(_LEAST_DEVIATION**2).sqrt().float().to(self.deviation.device)
        self.component.zero_()
        self.component[:count] = kept.to(self.component.device)

    def deviations(self) -> Tensor:
        """What one unit of each number of a code stands for, in normalised dB: (latent_dim,)."""
        return self.deviation.repeat(self.parts)

    def analyse(self, mel: Tensor) -> Tensor:
        """Code of spectrograms around a mean of zero, for a small absolute error: (batch, latent_dim).

        A projection has the least squared error. Two rounds of weights that are less where the rest is larger
        (iteratively reweighted least squares, Holland & Welsch 1977) bring the absolute error to about 1 % above the
        least.

        Parameters
        ----------
        mel : (batch, n_mels, frames)
        """
        with torch.autocast(mel.device.type, enabled=False):
            mel = mel.float()
            code = self._project(mel)
            for _ in range(_ROUNDS):
                rest = mel - self.synthesise(code)
                code = code + 2.0 * self._project(rest * (_ORDINARY / (rest.abs() + _ORDINARY)))
            return code

    def synthesise(self, z: Tensor) -> Tensor:
        """Spectrograms of codes, (batch, latent_dim), around a mean of zero: (batch, n_mels, frames)."""
        with torch.autocast(z.device.type, enabled=False):
            shares = (z.float().reshape(-1, self.size) * self.deviation).unsqueeze(2) * self.component
            transformed = shares.new_zeros((shares.shape[0], len(self.cosines), self.n_mels))
            transformed = transformed.index_add(1, self.frequency, shares)
            mel = (transformed.transpose(1, 2) @ self.cosines).reshape(
                z.shape[0], self.parts, self.n_mels, self.part_frames
            )
            return mel.transpose(1, 2).flatten(2)[..., : self.frames]

    def _project(self, mel: Tensor) -> Tensor:
        transformed = self._transformed(mel)[:, self.frequency]
        code = (transformed * self.component).sum(dim=2) / self.deviation
        return code.reshape(mel.shape[0], -1)

    def _transformed(self, mel: Tensor) -> Tensor:
        """Cosine transforms of every stretch: (batch · parts, frequencies, n_mels)."""
        missing = self.parts * self.part_frames - mel.shape[2]
        if missing:
            mel = functional.pad(mel, (0, missing), mode="replicate")
        stretches = mel.reshape(mel.shape[0], self.n_mels, self.parts, self.part_frames).permute(0, 2, 3, 1)
        return self.cosines @ stretches.flatten(0, 1)


def cosine_transform(frequencies: int, frames: int) -> Tensor:
    """The lowest rows of the orthonormal discrete cosine transform of type II: (frequencies, frames)."""
    row = torch.arange(frequencies, dtype=torch.float64).unsqueeze(1)
    frame = torch.arange(frames, dtype=torch.float64)
    cosines = torch.cos(torch.pi * (frame + 0.5) * row / frames) * math.sqrt(2.0 / frames)
    cosines[0] /= math.sqrt(2.0)
    return cosines.float()


def _covariance_of_smooth_music(frequencies: int, n_mels: int) -> Tensor:
    """What to begin with before any music is known: neighbouring bands are alike, and slow changes are larger."""
    band = torch.arange(n_mels, dtype=torch.float64)
    alike = torch.exp(-(band.unsqueeze(1) - band).abs() / _REACH_OF_BANDS)
    slowness = (1.0 + torch.arange(frequencies, dtype=torch.float64)).square().reciprocal()
    return alike * slowness.reshape(-1, 1, 1)
