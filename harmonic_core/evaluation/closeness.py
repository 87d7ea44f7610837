"""How near a reconstruction is to its original, in the units of ears and of music."""

from __future__ import annotations

import warnings

import torch
import torchaudio
from torch import Tensor

from harmonic_core.audio.features import LogMel, slice_size
from harmonic_core.hearing.audibility import Audibility
from harmonic_core.hearing.harmony import chroma, chroma_filterbank, cosine, tonnetz
from harmonic_core.hearing.loudness import a_weighting_db
from harmonic_core.hearing.scales import mel_band_centres
from harmonic_core.profile.sections import Audio
from harmonic_core.run.evaluations import Closeness

_SCALES = tuple(zip((32, 64, 128, 256, 512, 1024, 2048), (5, 10, 20, 40, 80, 160, 320), strict=True))
_SCALE_FLOOR = 1e-5
_LEVEL_FLOOR = 1e-10


class Tally:
    """Adds up how near parts are, for the mean over all."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, part: Closeness, count: int) -> None:
        """Take the means over `count` segments; what is None in one of them must be in all."""
        for name, value in part:
            if value is not None:
                self._sums[name] = self._sums.get(name, 0.0) + value * count
        self._count += count

    def mean(self) -> Closeness:
        """Means over all segments, at least one."""
        return Closeness(**{name: total / self._count for name, total in self._sums.items()})


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
        return Closeness(
            mel_db=self.features.error_db(other, mel).item(), perceptual_db=self._perceptual_db(mel, other)
        )

    def compare_sounds(self, original: Tensor, rendered: Tensor) -> Closeness:
        """Compare sounds, (batch, samples) each, float; the first is the original."""
        tally, size = Tally(), slice_size(original)
        for one, other in zip(torch.split(original, size), torch.split(rendered, size), strict=True):
            tally.add(self._compare(one, other), len(one))
        return tally.mean()

    def _compare(self, original: Tensor, rendered: Tensor) -> Closeness:
        powers = [self.features.power(sound) for sound in (original, rendered)]
        mels = [self.features.from_power(power) for power in powers]
        level = [10.0 * power.clamp_min(_LEVEL_FLOOR).log10() for power in powers]
        folded = [chroma(power.sqrt().transpose(1, 2), self.chroma_bank) for power in powers]
        centroids = [tonnetz(each) for each in folded]
        loud = [10.0 * (power @ self.a_weight).mean(dim=1).clamp_min(_LEVEL_FLOOR).log10() for power in powers]
        return Closeness(
            mel_db=self.features.error_db(mels[1], mels[0]).item(),
            perceptual_db=self._perceptual_db(mels[0], mels[1]),
            multi_scale=self._multi_scale(original, rendered),
            lsd_db=(level[0] - level[1]).square().mean(dim=-1).sqrt().mean().item(),
            chroma=cosine(folded[0], folded[1]).mean().item(),
            tonnetz=cosine(centroids[0], centroids[1]).mean().item(),
            loudness_db=(loud[0] - loud[1]).abs().mean().item(),
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
