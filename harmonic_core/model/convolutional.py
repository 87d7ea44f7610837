"""The default architecture: convolutions over time, the mel bands as channels.

Shapes in comments: B batch, M mel bands, T frames, C channels, L latent_frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonic_core.model.vae import VAE, Posterior, split_posterior

_EXPANSION = 4
_LAYER_SCALE = 0.1


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, normalisation over channels, two pointwise layers, residual (Liu et al. 2022, in 1-D).

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
        self.scale = nn.Parameter(torch.full((channels,), _LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, C, T)."""
        y: Tensor = self.norm(self.depthwise(x).transpose(1, 2))
        y = self.contract(functional.gelu(self.expand(y)))
        return x + (self.scale * y).transpose(1, 2)


class ConvolutionalVAE(VAE):
    """1-D ConvNeXt encoder and decoder; every stage halves, or doubles, the number of frames.

    Parameters
    ----------
    latent_frames
        Time steps over which the latent is spread; divides `latent_dim`.
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
        self.latent_frames = latent_frames
        stride = 2 ** len(hidden_dims)
        self.bottom_frames = -(-frames // stride)
        self.padding = self.bottom_frames * stride - frames
        bottom = hidden_dims[-1]

        def blocks(channels: int) -> list[nn.Module]:
            return [ConvNeXtBlock(channels, kernel_size) for _ in range(blocks_per_stage)]

        down: list[nn.Module] = []
        for before, after in pairwise((n_mels, *hidden_dims)):
            down += [nn.Conv1d(before, after, 4, stride=2, padding=1), *blocks(after)]
        self.encoder = nn.Sequential(*down)

        up: list[nn.Module] = []
        for before, after in pairwise((*reversed(hidden_dims), hidden_dims[0])):
            up += [*blocks(before), nn.ConvTranspose1d(before, after, 4, stride=2, padding=1)]
        self.decoder = nn.Sequential(*up, *blocks(hidden_dims[0]), nn.Conv1d(hidden_dims[0], n_mels, 3, padding=1))

        if latent_frames == 1:
            self.to_posterior: nn.Module = nn.Linear(bottom * self.bottom_frames, 2 * latent_dim)
            self.from_latent: nn.Module = nn.Linear(latent_dim, bottom * self.bottom_frames)
        else:
            self.to_posterior = nn.Conv1d(bottom, 2 * (latent_dim // latent_frames), 1)
            self.from_latent = nn.Conv1d(latent_dim // latent_frames, bottom, 1)

    def encode(self, mel: Tensor) -> Posterior:
        """Posterior of each segment; see `VAE.encode`."""
        x = (mel - self.band_mean) / self.band_std
        x = self.encoder(functional.pad(x, (0, self.padding)))  # (B, C, T / stride)
        if self.latent_frames == 1:
            return split_posterior(self.to_posterior(x.flatten(1)))
        x = functional.interpolate(x, self.latent_frames, mode="linear", align_corners=False)
        return split_posterior(self.to_posterior(x).flatten(1))  # mu first: channels lead, (B, 2 · latent_dim)

    def decode(self, z: Tensor) -> Tensor:
        """Mel spectrograms of latents; see `VAE.decode`."""
        if self.latent_frames == 1:
            x = self.from_latent(z).reshape(len(z), -1, self.bottom_frames)
        else:
            x = self.from_latent(z.reshape(len(z), -1, self.latent_frames))  # (B, C, L)
            x = functional.interpolate(x, self.bottom_frames, mode="linear", align_corners=False)
        mel: Tensor = self.decoder(x)[..., : self.frames] * self.band_std + self.band_mean  # (B, M, T)
        return mel
