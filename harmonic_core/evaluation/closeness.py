"""How near a reconstruction is to its original, in the units of ears and of music."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
import torchaudio
from torch import Tensor

from harmonic_core.audio.features import LogMel, slice_size
from harmonic_core.hearing.audibility import Audibility
from harmonic_core.hearing.harmony import chroma, chroma_filterbank, cosine, tonnetz
from harmonic_core.hearing.loudness import a_weighting_db
from harmonic_core.hearing.scales import mel_band_centres
from harmonic_core.profile.sections import Audio

_SCALES = tuple(zip((32, 64, 128, 256, 512, 1024, 2048), (5, 10, 20, 40, 80, 160, 320), strict=True))
_SCALE_FLOOR = 1e-5
_LEVEL_FLOOR = 1e-10


class Closeness(NamedTuple):
    """Means over segments. None where a figure needs sound and there are only mels."""

    mel_db: float
    """Mean absolute log-mel error in dB."""
    perceptual_db: float
    """The same, weighted by how much an error is heard; the weights have a mean of one."""
    multi_scale: float | None = None
    """Mean absolute difference of log10 mel magnitudes, windows of 32 to 2048 samples (Kumar et al. 2023)."""
    lsd_db: float | None = None
    """Log-spectral distance: root mean square over frequency of the level's difference in dB, mean over frames."""
    chroma: float | None = None
    """Cosine between chromas, 1 at best."""
    tonnetz: float | None = None
    """Cosine between tonal centroids, 1 at best."""
    loudness_db: float | None = None
    """Absolute difference of A-weighted levels in dB."""


class Ears(torch.nn.Module):
    """Judges reconstructions, on whatever device it is moved to.

    Parameters
    ----------
    audio
        How sound becomes mels.
    """

    chroma_bank: Tensor
    a_weight: Tensor

    def __init__(self, audio: Audio) -> None:
        super().__init__()
        self.features = LogMel(audio)
        self.audibility = Audibility(mel_band_centres(audio.n_mels, audio.f_min, audio.f_max or audio.sample_rate / 2))
        bins = torch.linspace(0.0, audio.sample_rate / 2, audio.n_fft // 2 + 1)
        self.register_buffer("chroma_bank", chroma_filterbank(bins), persistent=False)
        a_power = torch.pow(10.0, a_weighting_db(bins.clamp_min(1.0)) / 10.0)
        self.register_buffer("a_weight", a_power, persistent=False)
        self._filters = [_filters(window, bands, audio.sample_rate) for window, bands in _SCALES]

    def compare_mels(self, mel: Tensor, other: Tensor) -> Closeness:
        """Compare normalised log-mels, (batch, n_mels, frames) each; the first is the original."""
        return Closeness(self.features.error_db(other, mel).item(), self._perceptual_db(mel, other))

    def compare_sounds(self, original: Tensor, rendered: Tensor) -> Closeness:
        """Compare sounds, (batch, samples) each, float; the first is the original."""
        parts = [
            self._compare(*pair)
            for pair in zip(
                torch.split(original, slice_size(original)), torch.split(rendered, slice_size(original)), strict=True
            )
        ]
        sizes = torch.tensor([len(part) for part in torch.split(original, slice_size(original))], dtype=torch.float64)
        means = (torch.tensor(parts, dtype=torch.float64) * sizes.unsqueeze(1)).sum(dim=0) / sizes.sum()
        return Closeness(*means.tolist())

    def _compare(self, original: Tensor, rendered: Tensor) -> tuple[float, ...]:
        powers = [self.features.power(sound) for sound in (original, rendered)]
        mels = [self.features.from_power(power) for power in powers]
        level = [10.0 * power.clamp_min(_LEVEL_FLOOR).log10() for power in powers]
        folded = [chroma(power.sqrt().transpose(1, 2), self.chroma_bank) for power in powers]
        centroids = [tonnetz(each) for each in folded]
        loud = [10.0 * (power @ self.a_weight).mean(dim=1).clamp_min(_LEVEL_FLOOR).log10() for power in powers]
        return (
            self.features.error_db(mels[1], mels[0]).item(),
            self._perceptual_db(mels[0], mels[1]),
            self._multi_scale(original, rendered),
            (level[0] - level[1]).square().mean(dim=-1).sqrt().mean().item(),
            cosine(folded[0], folded[1]).mean().item(),
            cosine(centroids[0], centroids[1]).mean().item(),
            (loud[0] - loud[1]).abs().mean().item(),
        )

    def _perceptual_db(self, mel: Tensor, other: Tensor) -> float:
        weight = self.audibility(self.features.mel_power(mel))
        error: float = (weight * (mel - other).abs()).mean().item()
        return error * self.features.dynamic_range_db

    def _multi_scale(self, original: Tensor, rendered: Tensor) -> float:
        total = 0.0
        for (window, _), filters in zip(_SCALES, self._filters, strict=True):
            shape = torch.hann_window(window, device=original.device)
            mels = [
                torch.stft(sound, window, window // 4, window=shape, pad_mode="constant", return_complex=True)
                .abs()
                .transpose(1, 2)
                @ filters.to(original.device)
                for sound in (original, rendered)
            ]
            logs = [mel.clamp_min(_SCALE_FLOOR).log10() for mel in mels]
            total += (logs[0] - logs[1]).abs().mean().item()
        return total / len(_SCALES)


def _filters(window: int, bands: int, sample_rate: int) -> Tensor:
    with warnings.catch_warnings():
        # Many of the narrow bands of this measure hold no bin, by its definition.
        warnings.simplefilter("ignore", UserWarning)
        filters: Tensor = torchaudio.functional.melscale_fbanks(
            window // 2 + 1, 0.0, sample_rate / 2, bands, sample_rate, norm="slaney", mel_scale="slaney"
        )
    return filters
