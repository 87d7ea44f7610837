"""The default architecture: convolutions over time, the mel bands as channels.

Shapes in comments: B batch, M mel bands, T frames, C channels, L latent_frames. Inside, channels come last: on a CPU
linear layers over them cost a third of the same convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from harmonic_core.model.vae import VAE, Posterior, clamped_posterior

_EXPANSION = 2


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


class ConvolutionalVAE(VAE):
    """1-D ConvNeXt encoder and decoder; every stage halves, or doubles, the number of frames.

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
    ) -> None:
        super().__init__(n_mels, frames, latent_dim)
        stride = 2 ** len(hidden_dims)
        self.bottom_frames = -(-frames // stride)
        self.padding = self.bottom_frames * stride - frames
        bottom = hidden_dims[-1]

        def blocks(channels: int) -> list[nn.Module]:
            return [ConvNeXtBlock(channels, kernel_size) for _ in range(blocks_per_stage)]

        down = [[Halve(before, after), *blocks(after)] for before, after in pairwise((n_mels, *hidden_dims))]
        self.encoder = nn.Sequential(*(layer for stage in down for layer in stage))
        up = [[*blocks(before), Double(before, after)] for before, after in pairwise((*reversed(hidden_dims), n_mels))]
        self.decoder = nn.Sequential(*(layer for stage in up for layer in stage))
        # Pairs of frames were made apart from each other; this joins them: half a dB for next to nothing.
        self.smooth = nn.Conv1d(n_mels, n_mels, kernel_size, padding=kernel_size // 2, groups=n_mels)

        # Every step of the bottom, or of the latent, has a small code of its own. A global latent is these codes mixed:
        # it begins as if it were spread over time and learns the rest, 7 % below what one large layer reaches.
        steps = self.bottom_frames if latent_frames == 1 else latent_frames
        code = -(-latent_dim // steps)
        self.to_code = nn.Linear(bottom, 2 * code)
        self.from_code = nn.Linear(code, bottom)
        self.mix_mu = _mixing(steps * code, latent_dim) if latent_frames == 1 else nn.Identity()
        self.mix_logvar = _mixing(steps * code, latent_dim) if latent_frames == 1 else nn.Identity()
        self.unmix = _mixing(latent_dim, steps * code) if latent_frames == 1 else nn.Identity()
        self.steps = steps

    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of each segment; see `VAE.encode`."""
        x = functional.pad((mel - self.band_mean) / self.band_std, (0, self.padding))
        x = self.encoder(x.transpose(1, 2))  # (B, T / stride, C)
        if self.steps != self.bottom_frames:
            x = functional.adaptive_avg_pool1d(x.transpose(1, 2), self.steps).transpose(1, 2)
        mu, logvar = self.to_code(x).chunk(2, dim=2)  # (B, L, latent_dim / L)
        return clamped_posterior(self.mix_mu(mu.flatten(1)), self.mix_logvar(logvar.flatten(1)))

    def decode(self, z: Tensor) -> Tensor:
        """Mel spectrograms of latents; see `VAE.decode`."""
        x = self.from_code(self.unmix(z).reshape(len(z), self.steps, -1))  # (B, L, C)
        if self.steps != self.bottom_frames:
            x = functional.interpolate(x.transpose(1, 2), self.bottom_frames, mode="linear").transpose(1, 2)
        x = self.decoder(x).transpose(1, 2)  # (B, M, T + padding)
        mel: Tensor = (x + self.smooth(x))[..., : self.frames] * self.band_std + self.band_mean
        return mel


def _mixing(before: int, after: int) -> nn.Linear:
    """Linear layer that passes on what it gets, until it learns better."""
    layer = nn.Linear(before, after)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
