"""Log-mel spectrograms: the form in which the model sees music.

Levels are in dB relative to a full-scale sine, clamped to a window of `dynamic_range_db` below `top_db`, and scaled
so that the window becomes [0, 1]. One unit is therefore `dynamic_range_db`, and an error of 0.1 is 8 dB.
"""

from __future__ import annotations

import warnings

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from harmonic_core.profile.sections import Audio

_CPU_SLICE = 4


def slice_size(batch: Tensor) -> int:
    """How many segments to analyse at once.

    On a CPU what a few of them need stays in the processor's cache: half the time of the whole batch at once.
    """
    return _CPU_SLICE if batch.device.type == "cpu" else max(1, len(batch))


def mel_filterbank(audio: Audio, pitch_ratio: float = 1.0) -> Tensor:
    """Triangular mel filters with peaks of one (Slaney's mel scale).

    Parameters
    ----------
    audio
        `n_fft`, `n_mels`, `f_min`, `f_max`, `sample_rate`.
    pitch_ratio
        The filters see every frequency multiplied by this: what they give is the mel of the sound shifted in pitch.

    Returns
    -------
    (n_mels, n_fft // 2 + 1) float32
        Non-negative weights of each frequency bin's power.
    """
    with warnings.catch_warnings():
        # Of sound that is shifted down nothing reaches the highest bands, and that is as it should be.
        warnings.simplefilter("ignore" if pitch_ratio < 1.0 else "default", UserWarning)
        filters: Tensor = torchaudio.functional.melscale_fbanks(
            audio.n_fft // 2 + 1,
            f_min=audio.f_min,
            f_max=audio.f_max or audio.sample_rate / 2,
            n_mels=audio.n_mels,
            sample_rate=round(audio.sample_rate * pitch_ratio),
            norm=None,
            mel_scale="slaney",
        )
    return filters.T.contiguous()


class LogMel(nn.Module):
    """Samples to normalised log-mel spectrograms, on whatever device it is moved to."""

    window: Tensor
    filterbank: Tensor

    def __init__(self, audio: Audio) -> None:
        super().__init__()
        self.n_fft = audio.n_fft
        self.hop_length = audio.hop_length
        self.top_db = audio.top_db
        self.dynamic_range_db = audio.dynamic_range_db
        self.register_buffer("window", torch.hann_window(audio.n_fft), persistent=False)
        self.register_buffer("filterbank", mel_filterbank(audio), persistent=False)

    def power(self, samples: Tensor, centres: Tensor | None = None) -> Tensor:
        """Short-time power spectrum; a full-scale sine peaks at one.

        Parameters
        ----------
        samples : (batch, samples)
            int16, or float in [-1, 1].
        centres : (batch, frames)
            Samples in the middle of each frame, whole numbers from 0 to `samples`. Default: every `hop_length`.

        Returns
        -------
        (batch, frames, n_fft // 2 + 1)
            Non-negative. Frames are centred; the edges see silence beyond the segment.
        """
        if samples.dtype == torch.int16:
            samples = samples.to(self.window.dtype) / 32768.0
        half = self.n_fft // 2
        padded = functional.pad(samples, (half, half))
        if centres is None:
            frames = padded.unfold(-1, self.n_fft, self.hop_length)
        else:
            item = torch.arange(len(samples), device=samples.device).unsqueeze(1)
            frames = padded.unfold(-1, self.n_fft, 1)[item, centres]
        # Frames before bins, and real and imaginary parts apart: on a CPU half the time of torch.stft and abs().
        spectrum: Tensor = torch.fft.rfft(frames * (self.window * (2.0 / self.window.sum())))
        return spectrum.real.square() + spectrum.imag.square()

    def from_power(self, power: Tensor) -> Tensor:
        """Normalised log-mel of a power spectrum.

        Parameters
        ----------
        power : (batch, frames, n_fft // 2 + 1)

        Returns
        -------
        mel : (batch, n_mels, frames)
            In [0, 1].
        """
        return self.from_bands(functional.linear(power, self.filterbank))

    def from_bands(self, bands: Tensor) -> Tensor:
        """Normalised log-mel of mel-band powers, (batch, frames, n_mels): (batch, n_mels, frames) in [0, 1]."""
        floor = 10.0 ** ((self.top_db - self.dynamic_range_db) / 10.0)
        level_db = 10.0 * torch.log10(bands.clamp_min(floor))
        return ((level_db - self.top_db) / self.dynamic_range_db + 1.0).clamp_max(1.0).transpose(1, 2)

    def forward(self, samples: Tensor) -> Tensor:
        """Normalised log-mel of sound.

        Parameters
        ----------
        samples : (batch, samples)
            int16, or float in [-1, 1].

        Returns
        -------
        mel : (batch, n_mels, frames)
            In [0, 1].
        """
        size = slice_size(samples)
        return torch.cat([self.from_power(self.power(part)) for part in torch.split(samples, size)])

    def mel_power(self, mel: Tensor) -> Tensor:
        """Mel-band power that a normalised log-mel stands for; the floor of the window counts as silence.

        Parameters
        ----------
        mel : (batch, n_mels, frames)
            Normalised; values outside [0, 1] are clamped.

        Returns
        -------
        (batch, n_mels, frames)
            Power relative to a full-scale sine, ≥ 0.
        """
        mel = mel.clamp(0.0, 1.0)
        power = torch.pow(10.0, ((mel - 1.0) * self.dynamic_range_db + self.top_db) / 10.0)
        return torch.where(mel > 0.0, power, torch.zeros_like(power))

    def error_db(self, mel: Tensor, reference: Tensor) -> Tensor:
        """Mean absolute difference of two normalised log-mels in dB, a scalar."""
        return (mel - reference).abs().mean() * self.dynamic_range_db
