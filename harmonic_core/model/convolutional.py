"""The default architecture: a linear code of music, bettered on both sides by convolutions over time.

Shapes in comments: B batch, M mel bands, T frames, C channels, L latent_frames. Inside, channels come last: on a CPU
linear layers over them cost a third of the same convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonic_core.model.harmonic_layer import HarmonicLayer
from harmonic_core.model.principal import PrincipalCode
from harmonic_core.model.vae import VAE, Posterior, clamped_posterior

_EXPANSION = 2
_LITTLE = 0.1
"""Share of the usual first weights with which a network begins that betters what is good already."""
_NOISE = 0.06
"""Deviation, in normalised dB, that the posterior of every component begins with."""
_SWIFTNESS = 10.0
"""Makes an optimiser that moves every number by the same amount find the noise in hundreds of updates."""
_LEAST_CERTAINTY = 1e-4
"""Keeps the gradient of a root finite."""
_BEYOND = 0.05
"""Slope beyond the range of a mel, so that what strays comes back."""


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, normalisation over channels, two pointwise layers, residual (Liu et al. 2022, in 1-D).

    Without layer scale: started at 0.1 it cost 0.2 dB in the first 300 updates, and the network is not deep.

    Parameters
    ----------
    channels
        Width in and out.
    kernel_size
        Frames that the depthwise convolution sees; odd.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel_size, padding=kernel_size // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, _EXPANSION * channels)
        self.contract = nn.Linear(_EXPANSION * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        y = self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        change: Tensor = self.contract(functional.gelu(self.expand(y)))
        return x + change


class Halve(nn.Module):
    """Two frames become one: a convolution of width and stride two."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.merge = nn.Linear(2 * before, after)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, before) to (B, T / 2, after); T is even."""
        batch, frames, channels = x.shape
        merged: Tensor = self.merge(x.reshape(batch, frames // 2, 2 * channels))
        return merged


class Double(nn.Module):
    """One frame becomes two: a transposed convolution of width and stride two."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.divide = nn.Linear(before, 2 * after)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, before) to (B, 2 T, after)."""
        batch, frames, _ = x.shape
        divided: Tensor = self.divide(x).reshape(batch, 2 * frames, -1)
        return divided


class Stages(nn.Module):
    """Encoder and decoder of ConvNeXt blocks; every stage halves, or doubles, the number of frames.

    Every step of the bottom, or of the latent, has a small code of its own. A global latent is these codes mixed: it
    begins as if it were spread over time and learns the rest, 7 % below what one large layer reaches.

    Parameters
    ----------
    n_mels, frames, latent_dim, latent_frames, hidden_dims, kernel_size, blocks_per_stage
        As for `ConvolutionalVAE`.
    """

    def __init__(
        self,
        n_mels: int,
        frames: int,
        latent_dim: int,
        latent_frames: int,
        hidden_dims: Sequence[int],
        kernel_size: int,
        blocks_per_stage: int,
    ) -> None:
        super().__init__()
        self.frames = frames
        stride = 2 ** len(hidden_dims)
        self.bottom_frames = -(-frames // stride)
        self.padding = self.bottom_frames * stride - frames

        def blocks(channels: int) -> list[nn.Module]:
            return [ConvNeXtBlock(channels, kernel_size) for _ in range(blocks_per_stage)]

        stages = list(pairwise((n_mels, *hidden_dims)))
        down = [[Halve(before, after), *blocks(after)] for before, after in stages]
        self.encoder = nn.Sequential(*(layer for stage in down for layer in stage))
        up = [[*blocks(after), Double(after, before)] for before, after in reversed(stages)]
        self.decoder = nn.Sequential(*(layer for stage in up for layer in stage))
        self.steps = self.bottom_frames if latent_frames == 1 else latent_frames
        code = -(-latent_dim // self.steps)
        self.to_code = nn.Linear(hidden_dims[-1], 2 * code)
        self.from_code = nn.Linear(code, hidden_dims[-1])
        self.mix_mu = _mixing(self.steps * code, latent_dim) if latent_frames == 1 else nn.Identity()
        self.mix_logvar = _mixing(self.steps * code, latent_dim) if latent_frames == 1 else nn.Identity()
        self.unmix = _mixing(latent_dim, self.steps * code) if latent_frames == 1 else nn.Identity()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, M) to what it adds to means and log variances, (B, latent_dim) each."""
        x = self.encoder(functional.pad(x, (0, 0, 0, self.padding)))  # (B, T / stride, C)
        if self.steps != self.bottom_frames:
            x = functional.adaptive_avg_pool1d(x.transpose(1, 2), self.steps).transpose(1, 2)
        mu, logvar = self.to_code(x).chunk(2, dim=2)  # (B, L, latent_dim / L)
        return self.mix_mu(mu.flatten(1)), self.mix_logvar(logvar.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        """(B, latent_dim) to (B, T, M)."""
        x = self.from_code(self.unmix(z).reshape(z.shape[0], self.steps, -1))  # (B, L, C)
        if self.steps != self.bottom_frames:
            x = functional.interpolate(x.transpose(1, 2), self.bottom_frames, mode="linear").transpose(1, 2)
        decoded: Tensor = self.decoder(x)[:, : self.frames]
        return decoded


class ConvolutionalVAE(VAE):
    """Principal components, a 1-D ConvNeXt encoder and decoder that better them, and blocks at full time resolution.

    Every stage halves, or doubles, the number of frames.

    Parameters
    ----------
    latent_frames
        Time steps over which the latent is spread; divides `latent_dim`. 1 is a global latent.
    hidden_dims
        Channels of the stages from the input inwards.
    kernel_size
        Frames that one depthwise convolution sees; odd.
    blocks_per_stage
        ConvNeXt blocks in each stage.
    refining_blocks
        ConvNeXt blocks over what the decoder has put together.
    principal
        Whether to begin with the principal components of the music.
    harmonics
        Band centres in Hz where every band is to hear its harmonics, in the encoder's stem and the decoder's head.
    """

    def __init__(
        self,
        n_mels: int,
        frames: int,
        latent_dim: int,
        *,
        latent_frames: int,
        hidden_dims: Sequence[int],
        kernel_size: int,
        blocks_per_stage: int,
        refining_blocks: int,
        principal: bool,
        harmonics: Sequence[float] | None,
    ) -> None:
        super().__init__(n_mels, frames, latent_dim)
        self.principal = PrincipalCode(n_mels, frames, latent_dim, latent_frames) if principal else None
        self.doubt = nn.Parameter(torch.zeros(latent_dim)) if principal else None
        self.stages = (
            Stages(n_mels, frames, latent_dim, latent_frames, hidden_dims, kernel_size, blocks_per_stage)
            if hidden_dims
            else None
        )
        self.refining = nn.Sequential(*(ConvNeXtBlock(n_mels, kernel_size) for _ in range(refining_blocks)))
        self.stem = HarmonicLayer(harmonics) if harmonics and self.stages else nn.Identity()
        self.head = HarmonicLayer(harmonics) if harmonics else nn.Identity()
        if principal:
            last = [block.contract for block in self.refining if isinstance(block, ConvNeXtBlock)]
            _begin_with_little(*last, *([self.stages.to_code, self.stages.decoder[-1]] if self.stages else []))

    def begin_with(self, mels: Sequence[Tensor]) -> None:
        """Begin with what the music is like; see `VAE.begin_with`."""
        super().begin_with(mels)
        if self.principal is not None:
            self.principal.begin_with([mel.to(self.band_mean) - self.band_mean for mel in mels])

    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of each segment; see `VAE.encode`."""
        centred = mel - self.band_mean
        mu = logvar = mel.new_zeros(mel.shape[0], self.latent_dim)
        if self.principal is not None:
            own = self._logvar(self.principal)
            mu, logvar = _certainty(own) * self.principal.analyse(centred), own.expand(mel.shape[0], -1)
        if self.stages is not None:
            change = self.stages.encode(self.stem((centred / self.band_std).transpose(1, 2)))
            mu, logvar = mu + change[0], logvar + change[1]
        return clamped_posterior(mu, logvar)

    def decode(self, z: Tensor) -> Tensor:
        """Mel spectrograms of latents; see `VAE.decode`."""
        x = z.new_zeros(z.shape[0], self.frames, self.n_mels)
        if self.principal is not None:
            sure = _certainty(self._logvar(self.principal)) * z
            x = x + (self.principal.synthesise(sure) / self.band_std).transpose(1, 2)
        if self.stages is not None:
            x = x + self.stages.decode(z)
        mel: Tensor = self.head(self.refining(x)).transpose(1, 2) * self.band_std + self.band_mean
        return _within_range(mel)

    def _logvar(self, principal: PrincipalCode) -> Tensor:
        """Log variance of the components' posterior, (latent_dim,): learnt, and below that of the prior."""
        assert self.doubt is not None
        first = 2.0 * torch.log(_NOISE / principal.deviations())
        # Not clamped: a component that is drowned has to find its way back once it pays again.
        return -functional.softplus(-(first + _SWIFTNESS * self.doubt)) - _LEAST_CERTAINTY


def _certainty(logvar: Tensor) -> Tensor:
    """What is left of a component of unit variance beside noise of that log variance, so that both have one together.

    The same factor is the best linear estimate of the component from the noisy one: probabilistic principal components
    (Tipping & Bishop 1999; Lucas et al. 2019 on linear variational autoencoders).
    """
    return torch.sqrt(-torch.expm1(logvar))


def _mixing(before: int, after: int) -> nn.Linear:
    """Linear layer that passes on what it gets, until it learns better."""
    layer = nn.Linear(before, after)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@torch.no_grad()
def _begin_with_little(*layers: nn.Module) -> None:
    for layer in layers:
        for parameter in layer.parameters():
            parameter.mul_(_LITTLE)


def _within_range(mel: Tensor) -> Tensor:
    within = mel.clamp(0.0, 1.0)
    return within + _BEYOND * (mel - within)
