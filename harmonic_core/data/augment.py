"""Changes to the training sound that leave the music alone: pitch, tempo, noise.

The features are powers of spectra, so nothing has to be resynthesised, and none of it costs more than the analysis
itself. A shift in pitch is another filterbank, one whose frequencies are scaled; another tempo is another hop between
the frames; noise is added to the samples. What every segment gets depends on its draws alone, which depend on seed,
epoch and index.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from harmonic_core.audio.features import LogMel, mel_filterbank, slice_size
from harmonic_core.profile.sections import Audio

DRAWS = 4
"""Numbers in [0, 1) that decide about one segment: pitch, tempo, level of the noise, place in the noise."""

SEMITONES, SLOWEST, FASTEST, LOUDEST_NOISE_DB = 4.0, 0.7, 1.4, -10.0
"""Limits at full strength; the noise is relative to the segment's own level."""

_STEPS_PER_SEMITONE = 4
_NOISE_PLACES = 2048
_NOISE_STEP = 1009


class Augmentation(nn.Module):
    """Samples to normalised log-mels of sound that is higher or lower, faster or slower, and noisier.

    Parameters
    ----------
    audio
        The features' settings.
    features
        The analysis.
    strength
        0 (nothing changes, bit for bit) to 1 (the limits).
    frames
        Frames to give; the samples must last `stretch(strength)` times as long.
    """

    filterbanks: Tensor
    noise: Tensor

    def __init__(self, audio: Audio, features: LogMel, strength: float, frames: int) -> None:
        super().__init__()
        self.features, self.strength, self.frames = features, strength, frames
        most = round(SEMITONES * strength * _STEPS_PER_SEMITONE)
        ratios = [2.0 ** (step / _STEPS_PER_SEMITONE / 12.0) for step in range(-most, most + 1)]
        banks = torch.stack([mel_filterbank(audio, ratio).T for ratio in ratios])
        self.register_buffer("filterbanks", banks, persistent=False)
        longest = math.ceil((frames + 1) * audio.hop_length * stretch(strength))
        noise = torch.randn(longest + _NOISE_PLACES * _NOISE_STEP, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", noise, persistent=False)

    def forward(self, samples: Tensor, draws: Tensor) -> Tensor:
        """Mel spectrograms of changed sound.

        Parameters
        ----------
        samples : (batch, samples)
            int16.
        draws : (batch, DRAWS)
            In [0, 1).

        Returns
        -------
        mel : (batch, n_mels, frames)
            In [0, 1].
        """
        if not self.strength:
            mel: Tensor = self.features(samples)
            return mel[..., : self.frames]
        size = slice_size(samples)
        parts = zip(torch.split(samples, size), torch.split(draws, size), strict=True)
        return torch.cat([self._changed(*part) for part in parts])

    def _changed(self, samples: Tensor, draws: Tensor) -> Tensor:
        pitch, tempo, level, place = draws.unbind(dim=1)
        noisy = self._add_noise(samples.float() / 32768.0, level, place)
        power = self.features.power(noisy, self._centres(tempo))
        return self.features.from_bands(torch.bmm(power, self.filterbanks[(pitch * len(self.filterbanks)).long()]))

    def _add_noise(self, samples: Tensor, level: Tensor, place: Tensor) -> Tensor:
        noises = self.noise.unfold(0, samples.shape[1], _NOISE_STEP)
        noise = noises[(place * len(noises)).long()]
        loudness = samples.square().mean(dim=1).sqrt()
        gain = loudness * 10.0 ** (LOUDEST_NOISE_DB / 20.0) * level * self.strength
        noisy: Tensor = torch.addcmul(samples, noise, gain.unsqueeze(1))
        return noisy

    def _centres(self, tempo: Tensor) -> Tensor:
        """Middle of each frame in samples, for sound played at another speed: (batch, frames)."""
        slow, fast = SLOWEST**self.strength, FASTEST**self.strength
        hop = self.features.hop_length * slow * (fast / slow) ** tempo
        frames = torch.arange(self.frames, device=tempo.device)
        centres: Tensor = (frames * hop.unsqueeze(1)).round().long()
        return centres


def stretch(strength: float) -> float:
    """How many times longer than a segment a crop must be, so that it lasts at the highest speed."""
    return float(FASTEST**strength)
